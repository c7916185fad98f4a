/**
 * What pods cost: the first paid request and those after it, a thousand that are alive, and what the API server is asked
 * meanwhile. With a real API server on etcd, a play mint, and the service as a process: node bench/pods/measure.ts
 */
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { ask } from '../../test/payments/ask.ts';
import { enterNamespace, type Scene } from '../../test/pods/scene.ts';
import { type Sallyport, startSallyport } from '../../test/sallyport.ts';
import { startKubeApiserver } from '../../test/servers/kube-apiserver.ts';
import { until } from '../../test/servers/until.ts';
import { median } from '../payments/paying.ts';

const PODS = Number(process.argv[2] ?? 1_000);
const PAYMENTS = 40;
const REQUESTS = 2_000;
const AT_ONCE = 8;
const QUIET_MS = 30_000;

await using closing = new AsyncDisposableStack();
const owner = { after: (cleanUp: () => Promise<void>) => closing.defer(cleanUp) };

const residentMb = ({ pid }: Sallyport): number =>
  Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? Number.NaN) / 1000;

const timeOf = async (work: () => Promise<unknown>): Promise<number> => {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
};

const payOnce = async ({ url }: Sallyport, token: string): Promise<string> => {
  const { status, headers, body } = await ask(url, token);
  if (status !== 200) throw new Error(body);
  return String(headers['x-payment-session']);
};

const firstRequestMs = async (gate: Sallyport, { payer }: Scene): Promise<number> => {
  const times: number[] = [];
  for (let paid = 0; paid < PAYMENTS; paid += 1) {
    const token = await payer.token(8);
    times.push(await timeOf(() => payOnce(gate, token)));
  }
  return median(times);
};

const laterRequestMs = async (gate: Sallyport, { payer }: Scene): Promise<number> => {
  const session = await payOnce(gate, await payer.token(8));
  const header = 'X-Payment-Session';
  const times: number[] = [];
  for (let sent = 0; sent < REQUESTS; sent += 1) times.push(await timeOf(() => ask(gate.url, session, { header })));
  return median(times);
};

const payMany = async (gate: Sallyport, { payer }: Scene, count: number): Promise<void> => {
  let left = count;
  const payOn = async (): Promise<void> => {
    while (left-- > 0) await payOnce(gate, await payer.token(8));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, payOn));
};

const say = (what: string, value: string): boolean => process.stdout.write(`${what.padEnd(76)} ${value}\n`);
const ms = (value: number): string => `${value.toFixed(2)} ms`;
const mb = (value: number): string => `${value.toFixed(1)} MB`;

const api = await startKubeApiserver({ owner });
const scene = await enterNamespace(api, owner, { pods: `max_total: ${2 * PODS + 1_000}` });
const withoutPods = scene.config.replace(/^pods:.*$/m, '');
const plain = await startSallyport({ owner, config: withoutPods });
const empty = await scene.start();
await delay(3_000);
const emptyMb = residentMb(empty);
await empty.stop();
const gate = await scene.start();

const createMs: number[] = [];
const collection = `/api/v1/namespaces/${scene.namespace}/configmaps`;
for (let made = 0; made < PAYMENTS; made += 1) {
  const metadata = { name: `round-trip-${made}` };
  createMs.push(await timeOf(() => api.ask('POST', collection, { body: { metadata } })));
}
await firstRequestMs(plain, scene);
await firstRequestMs(gate, scene);
const [first, firstPlain] = [await firstRequestMs(gate, scene), await firstRequestMs(plain, scene)];
say('one create at the API server, by a client of its own', ms(median(createMs)));
say('first paid request, without a pod', ms(firstPlain));
say('first paid request, with a pod', `${ms(first)} (${ms(first - firstPlain)} more)`);
const before = scene.seen('pods');
const [later, laterPlain] = [await laterRequestMs(gate, scene), await laterRequestMs(plain, scene)];
say('a later request by session, without a pod', ms(laterPlain));
say('a later request by session, with a pod', ms(later));
say(
  `calls of the API server for ${REQUESTS} of them, their first one and its dry run`,
  String(scene.seen('pods') - before),
);

const alive = async (): Promise<number> => (await scene.pods()).length;
await payMany(gate, scene, PODS - (await alive()));
await until('all are there', async () => (await alive()) >= PODS);
await gate.stop();
await plain.stop();
const full = await scene.start({ directory: gate.directory });
await until('it has seen them', async () =>
  (await (await fetch(`${full.url}/metrics`)).text()).includes(`sallyport_pods_alive ${PODS}`),
);
await delay(3_000);
const startedAt = scene.relay.asked().length;
await delay(QUIET_MS);
const asked = scene.relay.asked().slice(startedAt);
say(`resident, pods on and none alive`, mb(emptyMb));
say(`resident, pods on and ${PODS} alive`, `${mb(residentMb(full))} (${mb(residentMb(full) - emptyMb)} more)`);
say(
  `calls of the API server in ${QUIET_MS / 1_000} s with ${PODS} alive: of pods`,
  String(asked.filter(({ path }) => path.includes('/pods')).length),
);
say(
  `calls of the API server in ${QUIET_MS / 1_000} s with ${PODS} alive: of the Lease`,
  String(asked.filter(({ path }) => path.includes('/leases')).length),
);
