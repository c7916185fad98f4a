/**
 * The real Traefik reading our objects from a real API server: its own providers, where fronts.test.ts rebuilds what they make. By
 * `npm run test:traefik`.
 */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { stringify } from 'yaml';
import { startEchoApp, valuesOf } from '../peers/echo-app.ts';
import { launchTraefik, needsTraefik } from '../proxies/traefik.ts';
import { startSallyport } from '../sallyport.ts';
import { type KubeApiserver, startKubeApiserver } from '../servers/kube-apiserver.ts';
import { locate, needs } from '../servers/programs.ts';
import { request } from '../servers/request.ts';
import { until } from '../servers/until.ts';
import { onLoopback } from './fronts.ts';
import { type Resource, resourcesOf } from './manifests.ts';

const owner = { after };
/** Endpoints of a Service may not be on loopback. */
const address = Object.values(networkInterfaces())
  .flatMap((interfaces) => interfaces ?? [])
  .find(({ internal, family }) => !internal && family === 'IPv4')?.address;
const programs = needs('kube-apiserver', 'etcd', 'kube-schemas');
const skip = needsTraefik.skip || programs.skip || (address === undefined && 'There is no address but loopback');

/** Hands connections on to a port of loopback. */
const relayTo = async (port: number): Promise<number> => {
  const server = createServer((client) => {
    const inner = connect(port, '127.0.0.1');
    client.pipe(inner).pipe(client);
    client.on('error', () => inner.destroy());
    inner.on('error', () => client.destroy());
  }).listen(0, address);
  after(() => server.close());
  await new Promise((resolve) => server.once('listening', resolve));
  const bound = server.address();
  return typeof bound === 'object' && bound !== null ? bound.port : assert.fail('no port');
};

const sliceOf = (service: string, port: number) => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name: service, namespace: 'sallyport', labels: { 'kubernetes.io/service-name': service } },
  addressType: 'IPv4',
  ports: [{ name: 'http', port, protocol: 'TCP' }],
  endpoints: [{ addresses: [address], conditions: { ready: true } }],
});

const classOf = (name: string, controller: string) => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'IngressClass',
  metadata: { name },
  spec: { controller },
});

const start = async () => {
  const [cluster, app, gate] = await Promise.all([
    startKubeApiserver({ owner }),
    startEchoApp({ owner }),
    startSallyport({ owner, config: onLoopback('traefik', 'http://127.0.0.1:9') }),
  ]);
  const definitions = globSync(join(locate('kube-schemas'), 'definitions', 'traefik.io_*.json')).map((file) =>
    JSON.parse(readFileSync(file, 'utf8')),
  );
  const there = ['Namespace', 'Service', 'Middleware'];
  /** The auth server has no name outside of a cluster. */
  const near = (resources: readonly Resource[]): Resource[] =>
    JSON.parse(
      JSON.stringify(resources).replaceAll('sallyport.sallyport.svc.cluster.local:8080', `127.0.0.1:${gate.port}`),
    );
  await cluster.apply([
    ...definitions,
    ...near(resourcesOf('traefik').filter(({ kind }) => there.includes(kind))),
    sliceOf('example-app', await relayTo(app.port)),
    sliceOf('sallyport', await relayTo(gate.port)),
    classOf('traefik', 'traefik.io/ingress-controller'),
    classOf('nginx', 'k8s.io/ingress-nginx'),
  ]);
  const { key } = await gate.createKey({ user_id: 'alice' });
  return { cluster, app, near, key };
};

const started = skip ? undefined : await start();

const providerOf = (cluster: KubeApiserver) => ({
  endpoint: cluster.url,
  token: cluster.tokens.admin,
  certAuthFilePath: cluster.ca,
});

for (const [name, folder, providers] of [
  ['the CRD provider', 'traefik', ['kubernetesCRD']],
  ['the Ingress provider with our middlewares', 'traefik/plain-ingress', ['kubernetesCRD', 'kubernetesIngress']],
  ['the ingress-nginx provider', 'traefik/ingress-nginx-provider', ['kubernetesIngressNGINX']],
] as const) {
  test(`${name} makes of k8s/${folder} a gate in front of the application`, { skip }, async (t) => {
    const { cluster, app, near, key } = started ?? assert.fail('The world has not started');
    const routes = near(resourcesOf(folder).filter(({ kind }) => kind === 'IngressRoute' || kind === 'Ingress'));
    await cluster.apply(routes);
    t.after(async () => {
      for (const { kind, metadata } of routes) {
        const group = kind === 'Ingress' ? 'networking.k8s.io/v1' : 'traefik.io/v1alpha1';
        const path = `/apis/${group}/namespaces/sallyport/${kind.toLowerCase()}${kind === 'Ingress' ? 'es' : 's'}/${metadata.name}`;
        await cluster.ask('DELETE', path);
      }
    });
    const configuration = stringify({
      entryPoints: { web: { address: '127.0.0.1:8000' } },
      providers: Object.fromEntries(providers.map((provider) => [provider, providerOf(cluster)])),
      ...(providers[0] === 'kubernetesIngressNGINX' && { experimental: { kubernetesIngressNGINX: true } }),
      global: { checkNewVersion: false, sendAnonymousUsage: false },
    });
    const { host, port } = new URL(cluster.url);
    const traefik = await launchTraefik(
      { config: '', ports: { [host]: Number(port) }, owner: t },
      { 'traefik.yaml': configuration },
    );
    const ask = (path: string, headers: Readonly<Record<string, string>> = {}) =>
      request(traefik.url, path, { headers: { Host: 'shop.example.com', ...headers } });
    await until('Traefik has its routes', async () => (await ask('/free/a')).status === 200);

    assert.equal((await ask('/free/a', { 'X-User-ID': 'root' })).status, 200);
    assert.deepEqual(valuesOf(app.latest() ?? assert.fail(), 'X-User-ID').filter(Boolean), []);
    const seen = app.seen();
    const unpaid = await ask('/premium/film');
    assert.deepEqual([unpaid.status, JSON.parse(unpaid.body).amount], [402, 1000]);
    assert.match(String(unpaid.headers['x-cashu']), /^creqA/);
    assert.equal((await ask('/reports/today')).status, 402, 'the rule is named');
    assert.equal((await ask('/nothing')).status, 403);
    assert.equal((await ask('/.sallyport/session')).headers['x-answered-by'], undefined);
    assert.equal(app.seen(), seen, 'nothing of that reached the application');
    assert.equal((await ask('/reports/today', { 'X-API-Key': key })).status, 200);
    assert.deepEqual(valuesOf(app.latest() ?? assert.fail(), 'X-User-ID'), ['alice']);
    assert.deepEqual(valuesOf(app.latest() ?? assert.fail(), 'X-API-Key').filter(Boolean), []);
  });
}
