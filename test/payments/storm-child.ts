/**
 * A process of the paywall, put together as the service does it, that takes tokens while it recovers what others left, and kills
 * itself at the point that it was told. It says each answer on a line.
 */
import { writeSync } from 'node:fs';
import { assemblePayments } from '../../src/assemble/payments.ts';
import { openStores } from '../../src/assemble/stores.ts';
import type { Config } from '../../src/config/config.ts';
import { isRefusal } from '../../src/core/refusal.ts';
import type { AuthRequest } from '../../src/core/request.ts';
import { Secret } from '../../src/core/secret.ts';
import type { Ledger, Outstanding } from '../../src/paywall/ledger.ts';
import type { ProofStore } from '../../src/paywall/wallet/proof-store.ts';
import { createOutbound } from '../../src/stores/outbound/exchange.ts';
import { until } from '../servers/until.ts';
import { silentEvents } from './silent-events.ts';
import type { Orders, Point } from './storm.ts';
import { MOST_PODS, openNamespace, RUNS_MS } from './storm-namespace.ts';

const orders = JSON.parse(process.argv[2] ?? '') as Orders;
let skip = orders.skip;

const reached = (point: Point): void => {
  if (point !== orders.point) return;
  skip -= 1;
  if (skip < 0) process.kill(process.pid, 'SIGKILL');
};

const deadlyProofs = (proofs: ProofStore): ProofStore => ({
  ...proofs,
  async collect(...asked) {
    reached('collecting');
    return proofs.collect(...asked);
  },
});

const deadly = (ledger: Ledger): Ledger => ({
  ...ledger,
  async prepare(...asked) {
    reached('before A');
    const written = await ledger.prepare(...asked);
    reached('after A');
    return written;
  },
  async settle(...asked) {
    const standing = await ledger.settle(...asked);
    reached('after B');
    return standing;
  },
});

// To read a configuration takes as long as all the rest of the start: it was read by whoever started this process.
const read = orders.config as Config;
const config: Config = {
  ...read,
  cashu: { ...read.cashu, encryption_key: new Secret(orders.key) },
  store: read.store.type === 'postgres' ? { ...read.store, url: new Secret(orders.store) } : read.store,
};
const [rule] = config.rules;
if (!rule) throw new Error('the storm needs a rule');
const stores = await openStores(config);
const outbound = createOutbound();
const now = () => Date.now() + orders.skewMs;
let outstanding: Outstanding | undefined;
const pods =
  orders.namespace === undefined
    ? undefined
    : openNamespace({ folder: orders.namespace, store: stores.pods, now, reached });
const terms = { template: 'default', mostOfAccount: 1, mostInAll: MOST_PODS, longestMs: RUNS_MS };
const payments = await assemblePayments({
  config,
  stores: { ...stores, ledger: deadly(stores.ledger), proofs: deadlyProofs(stores.proofs) },
  outbound,
  throttle: { isOpen: () => true, recordFailure: () => undefined },
  now,
  provisionFor: () => pods?.provision(terms),
  events: {
    ...silentEvents,
    onOutstanding: (found) => {
      outstanding = found;
    },
  },
});
payments.recovery.start();
payments.collector.start();

if (pods) {
  pods.start();
  await until('pods can be started', () => pods.problem() === undefined);
}
const charge = payments.paywallFor(rule)?.charge;
const request = { clientIp: '203.0.113.7' } as AuthRequest;

const present = async (text: string, index: number): Promise<void> => {
  const found = await payments.identifiers.cashu(request, { kind: 'cashu', value: text, header: 'x-cashu' }, 'enforce');
  if (found.outcome === 'absent') throw new Error('a token is no token');
  const answer = found.outcome === 'identified' ? await charge?.(request, found.identity, 'enforce') : found.refusal;
  if (isRefusal(answer) && answer.code === 'store_unavailable') console.error(answer.cause);
  const word = isRefusal(answer) ? answer.code : 'paid';
  const pod = answer && 'pod' in answer ? ` ${answer.pod?.name}` : '';
  writeSync(1, `${index} ${word}${pod}\n`);
  reached('answered');
};

await Promise.all(orders.tokens.map(present));
if (orders.untilIdle) await until('nothing waits any more', () => outstanding?.count === 0, { deadlineMs: 60_000 });
if (orders.untilIdle || orders.point === 'collecting') {
  const isCollected = async () => (await stores.proofs.uncollected('', [], 1)).length === 0;
  await until('all is collected', isCollected, { deadlineMs: 60_000 });
}
if (pods) {
  const isTidy = async () => {
    const [wanted, expired] = await Promise.all([stores.pods.wanted(1), stores.pods.expired(now(), 1)]);
    return wanted.length + expired.length === 0;
  };
  await until('every pod is made or ended', isTidy, { deadlineMs: 60_000 });
  await pods.close();
}
if (orders.untilIdle) writeSync(1, 'idle\n');
await payments.collector.close();
await payments.recovery.close();
await payments.close();
payments.mints.close();
outbound.close();
await stores.close();
