/** A namespace for payers' pods in a real API server, with our own Role, and the service that starts pods there. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createPayer, type Payer } from '../../examples/play-mint/payer.ts';
import { loadConfig } from '../../src/config/load.ts';
import { serve } from '../../src/serve.ts';
import { type FaultyMint, startMint } from '../peers/mint.ts';
import { adminToken, type Sallyport, startSallyport } from '../sallyport.ts';
import type { KubeApiserver } from '../servers/kube-apiserver.ts';
import { type Asked, type Fault, type KubeRelay, startKubeRelay } from '../servers/kube-relay.ts';
import type { Owner } from '../servers/last-resort.ts';
import { until } from '../servers/until.ts';
import { createWorkdir } from '../servers/workdir.ts';

const access = readFileSync(join(import.meta.dirname, '..', '..', 'k8s', 'pods', '08-access.yaml'), 'utf8');

const isOnPod = ({ path }: Asked): boolean => /\/pods\b/.test(path);
const isDry = ({ path }: Asked): boolean => path.includes('dryRun');

const kinds = {
  create: (asked: Asked) => asked.method === 'POST' && isOnPod(asked) && !isDry(asked),
  'dry run': (asked: Asked) => asked.method === 'POST' && isDry(asked),
  delete: (asked: Asked) => asked.method === 'DELETE' && isOnPod(asked),
  watch: ({ isWatch }: Asked) => isWatch,
  pods: isOnPod,
};

export type Kind = keyof typeof kinds;

export type Pod = Readonly<{
  metadata: Readonly<{
    name: string;
    uid: string;
    labels: Readonly<Record<string, string>>;
    annotations: Readonly<Record<string, string>>;
  }>;
  spec: Readonly<Record<string, unknown>>;
}>;

export type Scene = Readonly<{
  namespace: string;
  api: KubeApiserver;
  relay: KubeRelay;
  /** How many calls of a kind there were so far. */
  seen(kind: Kind): number;
  /** What becomes of calls of these kinds from now on. */
  fail(fault: Fault, ...kinds: readonly Kind[]): void;
  mint: FaultyMint;
  payer: Payer;
  /** What the service is started with. */
  config: string;
  /** As a process of its own. */
  start(options?: Readonly<{ directory?: string }>): Promise<Sallyport>;
  /** In the process of the test, which has the client of kubeconfigs already. */
  serve(options?: Readonly<{ directory?: string; now?: () => number }>): Promise<Gate>;
  pods(): Promise<readonly Pod[]>;
  /** As the kubelet would. */
  setReady(name: string, ip: string): Promise<void>;
}>;

export type Gate = Readonly<{
  url: string;
  adminUrl: string;
  directory: string;
  metrics(): Promise<string>;
  /** What `/ready` says of pods. */
  readiness(): Promise<string>;
  stop(): Promise<void>;
}>;

type SceneOptions = Readonly<{
  /** Further keys of `pods`, in YAML's flow style. */
  pods?: string;
  price?: string;
  /** A number of them is enough. */
  rules?: string;
  workers?: number;
  /** How long a call of the mint is, and what it left open is left alone. */
  mintTimeout?: string;
}>;

const template =
  '{ metadata: { labels: { app.kubernetes.io/name: workload } }, spec: { containers: [{ name: main, image: "registry.example/workload:1",' +
  ' ports: [{ containerPort: 8080 }], resources: { requests: { cpu: 10m, memory: 16Mi }, limits: { cpu: 100m, memory: 32Mi } } }] } }';

/** What an API server, a mint and several services come to on a machine that is busy. */
export const eventually = (what: string, condition: () => boolean | Promise<boolean>): Promise<void> =>
  until(what, condition, { deadlineMs: 30_000, everyMs: 50 });

let made = 0;

/** By environment variables of seed 004 alone is it turned on. */
export const enterNamespace = async (api: KubeApiserver, owner: Owner, options: SceneOptions = {}): Promise<Scene> => {
  made += 1;
  const namespace = `user-workloads-${made}`;
  const { pods = '', price = '{ amount: 8, buys: { time: 1h } }', rules = '', workers = 1, mintTimeout = '' } = options;
  await api.apply([{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }]);
  await api.apply(access.replaceAll('namespace: user-workloads', `namespace: ${namespace}`));
  const relay = await startKubeRelay(api, owner);
  const mint = await startMint({ owner });
  const config = `
workers: ${workers}
cashu: { mints: ["${mint.url}"]${mintTimeout && `, request_timeout: ${mintTimeout}`} }
pods: { kubeconfig: "${api.kubeconfig('sallyport', { server: relay.url })}", template: ${template}${pods && `, ${pods}`} }
rules:
  - { name: premium, match: { path: "/premium/**" }, accept: [cashu, api_key], price: ${price} }
${rules}`;
  const collection = `/api/v1/namespaces/${namespace}/pods`;

  const env = { ENABLE_POD_PROVISIONING: 'true', POD_NAMESPACE: namespace };

  return {
    namespace,
    api,
    relay,
    mint,
    payer: createPayer(mint.url),
    config,
    seen: (kind) => relay.asked().filter(kinds[kind]).length,
    fail: (fault, ...failing) =>
      relay.fail((asked) => (failing.some((kind) => kinds[kind](asked)) ? fault : undefined)),

    async start({ directory } = {}) {
      const gate = await startSallyport({ owner, config, env, ...(directory !== undefined && { directory }) });
      await eventually('pods can be started', () => gate.log().some(({ event }) => event === 'pods_available'));
      return gate;
    },

    async serve({ directory = createWorkdir('pods', owner).path, now = Date.now } = {}) {
      const path = join(directory, 'sallyport.yaml');
      const frame = `
http: { addr: "127.0.0.1:0" }
admin: { addr: "127.0.0.1:0", token: "${adminToken}" }
store: "sqlite:${join(directory, 'sallyport.db')}"
logger: { level: fatal }`;
      writeFileSync(path, `${frame}${config}`);
      const service = await serve(loadConfig({ path, env, insecure: new Set() }).config, { now });
      let stopping: Promise<void> | undefined;
      const stop = (): Promise<void> => (stopping ??= service.stop(0, 1_000));
      owner.after(stop);
      const url = `http://127.0.0.1:${service.address.port}`;
      const textAt = async (place: string): Promise<string> => (await fetch(`${url}${place}`)).text();
      const readiness = async (): Promise<string> =>
        /"name":"pods","status":"(\w+)"/.exec(await textAt('/ready'))?.[1] ?? 'none';
      await eventually('pods can be started', async () => (await readiness()) === 'ok');
      const adminUrl = `http://127.0.0.1:${service.adminAddress?.port}`;
      return { url, adminUrl, directory, metrics: () => textAt('/metrics'), readiness, stop };
    },

    async pods() {
      const { body } = await api.ask('GET', collection);
      return Array.isArray(body['items']) ? body['items'] : [];
    },

    async setReady(name, ip) {
      const conditions = [{ type: 'Ready', status: 'True' }];
      const { status, text } = await api.ask('PATCH', `${collection}/${name}/status`, {
        contentType: 'application/merge-patch+json',
        body: { status: { phase: 'Running', podIP: ip, podIPs: [{ ip }], conditions } },
      });
      if (status !== 200) throw new Error(text);
    },
  };
};
