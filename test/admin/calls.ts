/** Every call of the admin API in one process, on a store of its own; sessions, units and pods are played. */
import { adminEndpoints } from '../../src/assemble/admin.ts';
import { createExplain } from '../../src/assemble/explain.ts';
import { assembleKeys, assembleVerify } from '../../src/assemble/keys.ts';
import { createGate } from '../../src/core/gate.ts';
import { Secret } from '../../src/core/secret.ts';
import { createAdminApp } from '../../src/http/admin/admin-app.ts';
import { listen } from '../../src/http/server.ts';
import { createCreditCharge } from '../../src/keys/credit-charge.ts';
import type { ReplicaStatus } from '../../src/reload/status.ts';
import { createFailureThrottle } from '../../src/stores/memory/failure-throttle.ts';
import { createMemoryRateLimiter } from '../../src/stores/memory/rate-limiter.ts';
import { openSqliteStores } from '../../src/stores/sqlite/stores.ts';
import type { Owner } from '../servers/last-resort.ts';
import { type Answered, request } from '../servers/request.ts';
import { createWorkdir } from '../servers/workdir.ts';
import { playPods } from './played-pods.ts';

export const token = 'admin-token-of-the-tests';

export const api_keys = {
  prefix: 'sk-',
  rate_limit_per_minute: 1_000,
  rate_limit_per_day: 100_000,
  cache_max_age: 10_000,
  cache_size: 100,
  debit_once_within: 0,
  imported: [],
} as const;

export type Called = Readonly<{
  headers?: Readonly<Record<string, string>>;
  body?: unknown;
}>;

type Options = Readonly<{
  /** Wrong tokens that an address may send in a minute. */
  wrongTokens?: number;
}>;

export const startCalls = async (owner: Owner, { wrongTokens = 1_000 }: Options = {}) => {
  const { path } = createWorkdir('calls', owner);
  const stores = openSqliteStores(`${path}/test.db`);
  const admin = { token: new Secret(token) };
  let nowMs = Date.parse('2026-11-22T00:00:00Z');
  const now = () => nowMs;
  const keys = assembleKeys({ api_keys }, stores.keys, { now, repeatSecret: () => admin.token });

  let isBroken = false;
  const worksOrThrows = (): void => {
    if (isBroken) throw new Error('the store is gone');
  };
  const limiter = createMemoryRateLimiter(now);
  const verify = assembleVerify(keys, limiter, createCreditCharge(stores.keys, now), now);
  const payments = {
    reportUse: async (useId: string, units: number) => {
      worksOrThrows();
      if (useId === `use_${'0'.repeat(32)}`) return { report: 'unknown' } as const;
      if (units === 7) return { report: 'contradicted', units: 6 } as const;
      return { report: 'written', charged: 1, paymentId: 'pay_1', rule: 'r', units } as const;
    },
    revokeSessions: async (id: string) => {
      worksOrThrows();
      return id === 'pay_1' ? { accountId: id, closed: 2 } : undefined;
    },
  };
  const replica: ReplicaStatus = {
    generation: 2,
    digest: '0123456789abcdef',
    loadedAtMs: nowMs,
    secretsReadAtMs: nowMs,
    secretsProblem: undefined,
    lastError: { atMs: nowMs, problems: ['sallyport.yaml:1:1 nonsense: unknown key'] },
    behind: undefined,
    counts: { changed: 1, unchanged: 0, refused: 1 },
  };
  let reloaded = 0;
  const reloads = {
    own: () => replica,
    async status() {
      worksOrThrows();
      return { id: 'a', replicas: [{ id: 'a', seenAtMs: nowMs, status: replica }], problem: undefined };
    },
    /** The file is good once. */
    async reload() {
      worksOrThrows();
      reloaded += 1;
      const outcome = reloaded === 1 ? ('changed' as const) : ('refused' as const);
      return { outcome, generation: 2, changed: ['rules[0].match.path'], problems: ['nonsense: unknown key'] };
    },
  };
  const gate = createGate({ apiKeyPrefix: 'sk-', imitates: () => false }, [], []);
  const explain = createExplain({ config: { api_keys, rules: [], proxy: undefined }, gate, proxy: undefined });
  await stores.usage.open();
  const endpoints = adminEndpoints({
    config: { api_keys },
    keys,
    verify,
    async explain(question) {
      worksOrThrows();
      return explain(question);
    },
    payments,
    pods: playPods(worksOrThrows),
    usage: { store: stores.usage },
    billing: { store: stores.billing, customers: stores.customers, isDry: false },
    reloads,
    now,
  });
  const app = createAdminApp({
    ...admin,
    throttle: createFailureThrottle(wrongTokens, now),
    endpoints,
    onChange: () => undefined,
    onError: () => undefined,
  });
  const server = await listen(app.callback(), { addr: '127.0.0.1:0', readTimeoutMs: 5_000, maxHeaderBytes: 65_536 });
  const closeStore = async (): Promise<void> => {
    if (isBroken) return;
    isBroken = true;
    await stores.close();
  };
  owner.after(async () => {
    await server.close(0);
    await closeStore();
  });

  const call = (method: string, target: string, { headers = {}, body }: Called = {}): Promise<Answered> =>
    request(`http://127.0.0.1:${server.address.port}`, target, {
      method,
      headers: {
        Authorization: `Bearer ${token}`,
        ...(body !== undefined && { 'Content-Type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });

  return {
    endpoints,
    call,
    keys,
    usage: stores.usage,
    billing: stores.billing,
    now,
    pass: (ms: number) => {
      nowMs += ms;
    },
    closeStore,
  };
};
