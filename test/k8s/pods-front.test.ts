/**
 * What k8s/pods promises, from its files alone: its objects in a real API server, its configuration and template in the real
 * service, which is the service account that its Role binds, and its Ingress in a real nginx.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { parse, stringify } from 'yaml';
import { createPayer } from '../../examples/play-mint/payer.ts';
import { startEchoApp, valuesOf } from '../peers/echo-app.ts';
import { startMint } from '../peers/mint.ts';
import { startSallyport } from '../sallyport.ts';
import { startKubeApiserver } from '../servers/kube-apiserver.ts';
import { startNginx } from '../servers/nginx.ts';
import { needs } from '../servers/programs.ts';
import { request } from '../servers/request.ts';
import { until } from '../servers/until.ts';
import { createWorkdir } from '../servers/workdir.ts';
import { ownerOfFile } from './file-owner.ts';
import { ingressNginx } from './ingress-nginx.ts';
import { at, find, listAt, resourcesOf, textAt } from './manifests.ts';

const needed = needs('kube-apiserver', 'etcd', 'nginx');
const owner = ownerOfFile();
const resources = resourcesOf('pods');
const textIn = (configMap: string, file: string): string =>
  String(Object(at(find(resources, 'ConfigMap', configMap), 'data'))[file]);

/** Without a controller nobody says what of a quota is used, and nothing that it counts is let in. */
const withStatus = (quota: object) => {
  const hard = at(quota, 'spec.hard');
  const used = Object.fromEntries(Object.keys(Object(hard)).map((name) => [name, '0']));
  return { ...quota, status: { hard, used } };
};

const startCluster = async () => {
  const cluster = await startKubeApiserver({ owner });
  await cluster.apply(resources);
  const path = '/api/v1/namespaces/user-workloads/resourcequotas/user-workloads';
  const quota = await cluster.ask('GET', path);
  const { status } = await cluster.ask('PUT', `${path}/status`, { body: withStatus(quota.body) });
  assert.equal(status, 200);
  return cluster;
};

const start = async () => {
  const [cluster, mint, app] = await Promise.all([startCluster(), startMint({ owner }), startEchoApp({ owner })]);
  const { path } = createWorkdir('pod-templates', owner);
  writeFileSync(join(path, 'default.yaml'), textIn('sallyport-pod-templates', 'default.yaml'));
  const { http: _, store: __, ...config } = parse(textIn('sallyport', 'sallyport.yaml'));
  const gate = await startSallyport({
    owner,
    config: stringify({
      ...config,
      trusted_proxies: [...config.trusted_proxies, '127.0.0.0/8'],
      cashu: { ...config.cashu, mints: [{ ...config.cashu.mints[0], url: mint.url }] },
      pods: { ...config.pods, template: `file:${path}/default.yaml`, kubeconfig: cluster.kubeconfig('sallyport') },
    }),
    env: { ENABLE_POD_PROVISIONING: 'true', POD_NAMESPACE: 'user-workloads' },
  });
  const nginx = await startNginx({
    config: ingressNginx(
      resources.filter(({ kind }) => kind === 'Ingress'),
      resources,
    ),
    ports: { '127.0.0.1:8080': gate.port, '127.0.0.1:3000': app.port },
    owner,
  });
  return { cluster, app, gate, nginx, payer: createPayer(mint.url) };
};

let world: Awaited<ReturnType<typeof start>> | undefined;
const inWorld = () => world ?? assert.fail('The world has not started');
before(async () => {
  if (!needed.skip) world = await start();
});

const ask = (path: string, headers: Readonly<Record<string, string>> = {}) =>
  request(inWorld().nginx.url, path, { headers: { Host: 'shop.example.com', ...headers } });
const toldPod = (): string | undefined =>
  valuesOf(inWorld().app.latest() ?? assert.fail('no request'), 'X-Provisioned-Pod')[0];
const podsThere = async (): Promise<unknown[]> =>
  listAt((await inWorld().cluster.ask('GET', '/api/v1/namespaces/user-workloads/pods')).body, 'items');

test('who pays through the ingress gets 200, and the application is told the pod, which is there', needed, async () => {
  assert.equal((await ask('/premium/film')).status, 402);
  assert.deepEqual(await podsThere(), []);
  const token = await inWorld().payer.token(1000);
  assert.equal((await ask('/premium/film', { 'X-Cashu': token })).status, 200);
  const name = toldPod() ?? '';
  assert.match(name, /^user-pod-[0-9a-f]{12}$/);
  const [pod, ...more] = await podsThere();
  assert.deepEqual([textAt(pod, 'metadata.name'), more], [name, []]);
  const labels = Object(at(pod, 'metadata.labels'));
  assert.deepEqual(
    [labels['app'], labels['payment-verified'], labels['app.kubernetes.io/managed-by']],
    ['paygress-provisioned', 'true', 'sallyport'],
  );
  const environment = listAt(pod, 'spec.containers.0.env').map((one) => at(one, 'value'));
  assert.equal(environment[0], name);
  assert.ok(Date.parse(String(environment[1])) > Date.now());

  assert.equal((await ask('/premium/other', { 'X-Cashu': token })).status, 200);
  assert.equal(toldPod(), name, 'the payer has the same pod');
  assert.equal((await podsThere()).length, 1);
});

test('each pod has a Service of its name, and nobody else is told of it', needed, async () => {
  const { body } = await inWorld().cluster.ask('GET', '/api/v1/namespaces/user-workloads/services');
  const [pod] = await podsThere();
  assert.deepEqual(
    listAt(body, 'items').map((service) => textAt(service, 'metadata.name')),
    [textAt(pod, 'metadata.name')],
  );
  assert.equal((await ask('/free/a', { 'X-Provisioned-Pod': textAt(pod, 'metadata.name') })).status, 200);
  assert.deepEqual(valuesOf(inWorld().app.latest() ?? assert.fail(), 'X-Provisioned-Pod').filter(Boolean), []);
});

test('the Lease by which replicas agree is taken, and nothing was refused to the account', needed, async () => {
  const path = '/apis/coordination.k8s.io/v1/namespaces/user-workloads/leases/sallyport-pods';
  await until('the Lease is held', async () => {
    const { status, body } = await inWorld().cluster.ask('GET', path);
    return status === 200 && Boolean(at(body, 'spec.holderIdentity'));
  });
  assert.doesNotMatch(JSON.stringify(inWorld().gate.log()), /forbidden/i);
});
