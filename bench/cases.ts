/** Each case: what is compared with what, and the ratio that is hoped for. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SignJWT } from 'jose';
import { createPayer } from '../examples/play-mint/payer.ts';
import { start as startIssuer } from '../examples/sample-issuer/server.ts';
import { startEchoApp } from '../test/peers/echo-app.ts';
import { startMint } from '../test/peers/mint.ts';
import { freePort } from '../test/servers/free-port.ts';
import { startNginx } from '../test/servers/nginx.ts';
import { startRedis } from '../test/servers/redis.ts';
import { until } from '../test/servers/until.ts';
import { type Comparison, compare, compareBy } from './compare.ts';
import { compareEgress } from './egress/cases.ts';
import { byCpu, loadByCpu } from './egress/cpu.ts';
import { fillKeys, proxyHeaders, ruleset } from './fixtures.ts';
import { compareChecks } from './grpc/case.ts';
import { load } from './load.ts';
import {
  type BenchServer,
  makeDirectory,
  onProcessor,
  type Processors,
  startBare,
  startBareGrpc,
  startGate,
} from './servers.ts';
import { compareSidecar } from './sidecar/cases.ts';

export type Bench = Readonly<{ seconds: number; only: string | undefined; report(comparison: Comparison): void }>;

type Closing = { defer(close: () => unknown): void };

const rotate = join(import.meta.dirname, 'rotate.lua');

const withClosers = async (run: (closing: Closing) => Promise<void>): Promise<void> => {
  const closers: (() => unknown)[] = [];
  try {
    await run({ defer: (close) => closers.push(close) });
  } finally {
    for (const close of closers.toReversed()) await close();
  }
};

type Gate = Readonly<{ server: BenchServer; keys: readonly string[]; directory: string }>;

type Setting = Readonly<{ extra?: string; limit?: number; processors?: Processors }>;

const gateWith = async (
  closing: Closing,
  rules: number,
  keyCount: number,
  { extra = '', limit, processors }: Setting = {},
): Promise<Gate> => {
  const directory = makeDirectory();
  closing.defer(directory.remove);
  const keys = fillKeys(join(directory.path, 'bench.db'), keyCount, limit ?? null);
  const server = await startGate({
    directory: directory.path,
    processors,
    config: `${extra}\nrules:\n${ruleset(rules, extra.startsWith('jwt') ? '[api_key, jwt]' : '[api_key]')}\n`,
  });
  closing.defer(server.stop);
  return { server, keys, directory: directory.path };
};

const bareFor = async (closing: Closing, variant: 'answer' | 'verify', jwksUrl?: string): Promise<BenchServer> => {
  const bare = await startBare(variant, jwksUrl);
  closing.defer(bare.stop);
  return bare;
};

const bearer = (value: string) => ({ ...proxyHeaders, Authorization: `Bearer ${value}` });

const at = ({ url }: BenchServer) => `${url}/auth/nginx`;

const hotKey = (bench: Bench) =>
  withClosers(async (closing) => {
    const { server, keys } = await gateWith(closing, 10, 100);
    const bare = await bareFor(closing, 'answer');
    const headers = bearer(keys[0] ?? '');
    bench.report(
      await compare('API key, hot', 0.8, { url: at(bare), headers }, { url: at(server), headers }, bench.seconds, {
        tail: true,
      }),
    );
  });

const denial = (bench: Bench) =>
  withClosers(async (closing) => {
    const { server } = await gateWith(closing, 10, 100);
    const bare = await bareFor(closing, 'answer');
    const headers = proxyHeaders;
    bench.report(
      await compare('denial (401)', 0.75, { url: at(bare), headers }, { url: at(server), headers }, bench.seconds),
    );
  });

const issuerConfig = (url: string) =>
  `jwt: { issuers: [{ name: bench, issuer: "${url}", audience: bench, jwks_url: "${url}/jwks", algorithms: [RS256] }] }`;

const jwt = (bench: Bench) =>
  withClosers(async (closing) => {
    const issuer = await startIssuer();
    closing.defer(issuer.stop);
    const { server, directory } = await gateWith(closing, 10, 100, { extra: issuerConfig(issuer.url) });
    const issue = (sub: string) =>
      issuer.issuer.issue({ sub, aud: 'bench', scope: 'orders:read' }, { lifetimeS: 3600 });
    const bare = await bareFor(closing, 'answer');
    const headers = bearer(await issue('one'));
    bench.report(
      await compare('JWT, hot', 0.75, { url: at(bare), headers }, { url: at(server), headers }, bench.seconds),
    );

    // Four times what is remembered of tokens, sent in turn and again from the first: next to none is found in the cache.
    const tokens = await Promise.all(Array.from({ length: 40_000 }, (_, index) => issue(`user${index}`)));
    const file = join(directory, 'tokens');
    writeFileSync(file, tokens.join('\n'));
    const script = { path: rotate, args: [file, 'Authorization', 'Bearer '] };
    const verifying = await bareFor(closing, 'verify', `${issuer.url}/jwks`);
    const baseline = { url: at(verifying), headers: proxyHeaders, script };
    const subject = { url: at(server), headers: proxyHeaders, script };
    bench.report(
      await compare('JWT never seen, against one RS256 verification', 0.8, baseline, subject, bench.seconds),
    );
  });

const manyKeys = (bench: Bench) =>
  withClosers(async (closing) => {
    const few = await gateWith(closing, 10, 100);
    const many = await gateWith(closing, 10, 1_000_000);
    const asking = ({ server, keys, directory }: Gate, count: number) => {
      const file = join(directory, `keys-${count}`);
      writeFileSync(file, keys.slice(0, count).join('\n'));
      return {
        url: at(server),
        headers: proxyHeaders,
        script: { path: rotate, args: [file, 'Authorization', 'Bearer '] },
      };
    };
    bench.report(
      await compare('10⁶ keys, 100 in use, against 10² keys', 0.9, asking(few, 100), asking(many, 100), bench.seconds),
    );
    const cold = asking(many, 200_000);
    bench.report(
      await compare(
        '10⁶ keys, 200,000 in use in turn (never cached)',
        Number.NaN,
        asking(few, 100),
        cold,
        bench.seconds,
      ),
    );
  });

const manyRules = (bench: Bench) =>
  withClosers(async (closing) => {
    const one = await gateWith(closing, 1, 100);
    const thousand = await gateWith(closing, 1_000, 100);
    const asking = ({ server, keys }: Gate) => ({ url: at(server), headers: bearer(keys[0] ?? '') });
    bench.report(await compare('1,000 rules against 1', 0.9, asking(one), asking(thousand), bench.seconds));
  });

const throughNginx = (bench: Bench) =>
  withClosers(async (closing) => {
    const { server, keys } = await gateWith(closing, 10, 100);
    const bare = await bareFor(closing, 'answer');
    const owner = { after: (close: () => unknown) => closing.defer(close) };
    const application = await startEchoApp({ owner });
    const config = readFileSync(join(import.meta.dirname, '../examples/nginx/challenge.conf'), 'utf8');
    const front = async (auth: BenchServer) => {
      const nginx = await startNginx({
        config,
        owner,
        ports: { '127.0.0.1:8080': auth.port, '127.0.0.1:3000': application.port },
      });
      return {
        url: `${nginx.url}/api/v1/orders/42`,
        headers: { Host: 'shop.example.com', Authorization: `Bearer ${keys[0]}` },
      };
    };
    bench.report(
      await compare(
        'through nginx, against a bare auth server',
        0.9,
        await front(bare),
        await front(server),
        bench.seconds,
      ),
    );
  });

/** A time pass: nothing is written while it runs. */
const session = (bench: Bench) =>
  withClosers(async (closing) => {
    const mint = await startMint({ owner: { after: closing.defer } });
    const directory = makeDirectory();
    closing.defer(directory.remove);
    const server = await startGate({
      directory: directory.path,
      config: `cashu: { mints: ["${mint.url}"] }
rules:
  - { name: api, match: { path: "/api/**" }, accept: [cashu], price: { amount: 8, buys: { time: 1h } } }
`,
    });
    closing.defer(server.stop);
    const token = await createPayer(mint.url).token(8);
    const paid = await fetch(at(server), { headers: { ...proxyHeaders, 'X-Cashu': token } });
    const [cookie = ''] = (paid.headers.get('set-cookie') ?? '').split(';');
    const bare = await bareFor(closing, 'answer');
    const headers = { ...proxyHeaders, Cookie: `theme=dark; ${cookie}` };
    bench.report(
      await compare('paid session', 0.75, { url: at(bare), headers }, { url: at(server), headers }, bench.seconds),
    );
  });

/** Two windows for each key, which never fill; Redis on the processor of those who ask. */
const limits = (bench: Bench) =>
  withClosers(async (closing) => {
    const redis = await startRedis({ owner: { after: closing.defer } });
    onProcessor(1, redis.pid);
    const bare = await bareFor(closing, 'answer');
    const inMemory = await gateWith(closing, 10, 100, { limit: 1_000_000_000 });
    const inRedis = await gateWith(closing, 10, 100, {
      extra: `redis: { address: "127.0.0.1:${redis.port}" }`,
      limit: 1_000_000_000,
    });
    const asking = (server: BenchServer, { keys }: Gate) => ({ url: at(server), headers: bearer(keys[0] ?? '') });
    for (const [where, target, gate] of [
      ['memory', 0.75, inMemory],
      ['Redis', 0.45, inRedis],
    ] as const) {
      const name = `API key, hot, with limits in ${where}`;
      bench.report(await compare(name, target, asking(bare, gate), asking(gate.server, gate), bench.seconds));
    }
    const file = join(inRedis.directory, 'keys');
    writeFileSync(file, inRedis.keys.join('\n'));
    const script = { path: rotate, args: [file, 'Authorization', 'Bearer '] };
    const inTurn = ({ server }: Pick<Gate, 'server'>) => ({ url: at(server), headers: proxyHeaders, script });
    const name = '100 API keys in turn, with limits in Redis';
    bench.report(await compare(name, Number.NaN, inTurn({ server: bare }), inTurn(inRedis), bench.seconds));
  });

const waitingUsage = /^sallyport_usage_waiting (\d+)$/m;

/**
 * The same gate with and without usage, both on both processors: the thread that stores usage finds room beside wrk, as on any
 * machine with a second processor. What is stored after a round does not fall on the next one.
 */
const usage = (bench: Bench) =>
  withClosers(async (closing) => {
    const folder = makeDirectory();
    closing.defer(folder.remove);
    const without = await gateWith(closing, 10, 100, { processors: '0,1' });
    const extra = `usage: { spool: "${folder.path}" }`;
    const recording = await gateWith(closing, 10, 100, { extra, processors: '0,1' });
    const asking = ({ server, keys }: Gate) => ({ url: at(server), headers: bearer(keys[0] ?? '') });
    const settled = () =>
      until(
        'usage is stored',
        async () => waitingUsage.exec(await (await fetch(`${recording.server.url}/metrics`)).text())?.[1] === '0',
        { deadlineMs: 60_000, everyMs: 500 },
      );
    const name = 'API key, hot, with usage against without';
    bench.report(await compare(name, 0.95, asking(without), asking(recording), bench.seconds, { settled }));
    // All that it takes, with the thread that stores it, whichever processor has room for that.
    const storing = byCpu(recording.server.pid, async (seconds) => {
      const measured = await load({ ...asking(recording), seconds });
      await settled();
      return measured;
    });
    const baseline = loadByCpu(without.server.pid, asking(without));
    bench.report(await compareBy(`${name}, by CPU`, Number.NaN, baseline, storing, bench.seconds));
  });

const grpc = (bench: Bench) =>
  withClosers(async (closing) => {
    const grpcPort = await freePort();
    const { keys } = await gateWith(closing, 10, 100, { extra: `grpc: { addr: "127.0.0.1:${grpcPort}" }` });
    const bare = await startBareGrpc();
    closing.defer(bare.stop);
    const key = keys[0] ?? '';
    bench.report(await compareChecks({ grpcPort: bare.port, key }, { grpcPort, key }, bench.seconds));
  });

/** What Envoy asks of a sandbox's call, over HTTP. */
const sidecarHeaders = {
  Host: 'localhost:8001',
  'Content-Length': '0',
  'X-Envoy-Internal': 'true',
  'X-Forwarded-For': '10.1.2.3',
  'X-Envoy-Expected-Rq-Timeout-Ms': '3000',
} as const;

/** Every answer is a line of the audit log. */
const resolver = (bench: Bench) =>
  withClosers(async (closing) => {
    const directory = makeDirectory();
    closing.defer(directory.remove);
    const secret = 'secret-of-the-bench-0123456789abcdef';
    const server = await startGate({
      directory: directory.path,
      config: `resolver: { secret: "${secret}", credentials: { anthropic: { api_key: sk-ant-bench } } }\n`,
    });
    closing.defer(server.stop);
    const token = await new SignJWT({ tenant_id: 'acme', team_id: 'red', sandbox_id: 'sb-1' })
      .setProtectedHeader({ alg: 'HS256' })
      .setIssuer('sallyport')
      .setAudience('credential-resolver')
      .setExpirationTime('1h')
      .sign(new TextEncoder().encode(secret));
    const bare = await bareFor(closing, 'answer');
    const headers = { ...sidecarHeaders, 'X-Sandbox-JWT': token };
    const asking = ({ url }: BenchServer) => ({ url: `${url}/resolve/v1/messages`, headers });
    bench.report(await compare('resolver, hot token, audited', 0.75, asking(bare), asking(server), bench.seconds));
  });

const egress = (bench: Bench) => withClosers((closing) => compareEgress(closing, bench));

const sidecar = (bench: Bench) => withClosers((closing) => compareSidecar(closing, bench));

export const cases: Readonly<Record<string, (bench: Bench) => Promise<void>>> = {
  key: hotKey,
  denial,
  jwt,
  keys: manyKeys,
  rules: manyRules,
  nginx: throughNginx,
  session,
  limits,
  usage,
  resolver,
  grpc,
  egress,
  sidecar,
};
