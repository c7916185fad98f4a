import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, afterEach, test } from 'node:test';
import { ClusterFault, type ClusterFaultKind } from '../../src/core/cluster-fault.ts';
import { openCluster } from '../../src/stores/kubernetes/cluster.ts';
import { createConnection } from '../../src/stores/kubernetes/connection.ts';
import { serviceAccountLogin } from '../../src/stores/kubernetes/service-account.ts';
import { startKubeApiserver } from '../servers/kube-apiserver.ts';
import { type Fault, startKubeRelay } from '../servers/kube-relay.ts';
import { needs } from '../servers/programs.ts';
import { until } from '../servers/until.ts';
import { createWorkdir } from '../servers/workdir.ts';
import { countQuota, namespace, podOf, podsPath, prepareNamespace, serviceOf } from './namespace.ts';

const options = needs('kube-apiserver', 'etcd');
const isThere = options.skip === false;

const start = async () => {
  const kube = await startKubeApiserver({ owner: { after } });
  await prepareNamespace(kube);
  const relay = await startKubeRelay(kube, { after });
  const cluster = await openCluster({ kubeconfig: kube.kubeconfig('sallyport'), namespace, requestTimeoutMs: 5_000 });
  const kubeconfig = kube.kubeconfig('sallyport', { server: relay.url });
  const relayed = await openCluster({ kubeconfig, namespace, requestTimeoutMs: 400 });
  after(() => Promise.all([cluster.close(), relayed.close()]));
  return { kube, relay, cluster, relayed };
};

const place = isThere ? await start() : undefined;
const at = () => place ?? assert.fail('unreachable: skipped where it is not there');

afterEach(() => place?.relay.fail(() => undefined));

const faultOf = async (work: Promise<unknown>): Promise<ClusterFault> => {
  const error = await work.then(
    () => assert.fail('It was taken'),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof ClusterFault, String(error));
  return error;
};

const statusOf = async (name: string) => (await at().kube.ask('GET', `${podsPath}/${name}`)).status;

test('of racing creations of one pod one makes it and all others find it', options, async () => {
  const { cluster } = at();
  const creations = await Promise.all(
    Array.from({ length: 50 }, () => cluster.createPod(podOf({ name: 'user-pod-race' }))),
  );
  assert.deepEqual(creations.toSorted(), ['created', ...creations.slice(1).map(() => 'found')]);
});

test('a pod of another payment, or of somebody else, is foreign', options, async () => {
  const { cluster, kube } = at();
  await kube.apply([{ ...podOf({ name: 'theirs', labels: { app: 'theirs' } }) }].map(inNamespace));
  assert.equal(await cluster.createPod(podOf({ name: 'theirs' })), 'foreign');
  await cluster.createPod(podOf({ name: 'user-pod-taken' }));
  assert.equal(await cluster.createPod(podOf({ name: 'user-pod-taken', paymentId: 'another' })), 'foreign');
  assert.equal(await cluster.deletePod('theirs'), 'absent');
  assert.equal(await statusOf('theirs'), 200);
});

const inNamespace = (manifest: object) => ({
  ...manifest,
  metadata: { ...('metadata' in manifest && Object(manifest.metadata)), namespace },
});

test('a pod is deleted with its Service, once, and is absent afterwards', options, async () => {
  const { cluster, kube } = at();
  const name = 'user-pod-short';
  assert.equal(await cluster.createPod(podOf({ name })), 'created');
  assert.equal(await cluster.createService(serviceOf({ name })), 'created');
  assert.equal(await cluster.createService(serviceOf({ name })), 'found');
  assert.equal(await cluster.deletePod(name), 'deleted');
  assert.equal(await statusOf(name), 404);
  assert.equal((await kube.ask('GET', `/api/v1/namespaces/${namespace}/services/${name}`)).status, 404);
  assert.equal(await cluster.deletePod(name), 'absent');
});

test('a pod that is still ending is not taken for the new one of its name', options, async () => {
  const { cluster, kube } = at();
  const name = 'user-pod-ending';
  const finalizer = podOf({ name });
  await kube.apply([
    inNamespace({ ...finalizer, metadata: { ...Object(finalizer['metadata']), finalizers: ['example.com/slow'] } }),
  ]);
  assert.equal(await cluster.deletePod(name), 'deleted');
  const fault = await faultOf(cluster.createPod(podOf({ name })));
  assert.deepEqual([fault.kind, fault.retryAfterMs], ['unreachable', 1_000]);
  await kube.ask('PATCH', `${podsPath}/${name}`, {
    contentType: 'application/merge-patch+json',
    body: { metadata: { finalizers: null } },
  });
  assert.equal(await cluster.createPod(podOf({ name })), 'created');
});

test('racing creations never go beyond a quota, and none that there is room for is refused', options, async () => {
  const { cluster, kube } = at();
  const quota = { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'small', namespace } };
  await kube.apply([{ ...quota, spec: { hard: { 'count/services': '5' } } }]);
  const path = `/api/v1/namespaces/${namespace}/resourcequotas/small`;
  await countQuota(kube, { 'count/services': '5' }, path);
  await until('the quota counts', async () => {
    await cluster.createService(serviceOf({ name: 'user-pod-quota' }));
    const { text } = await kube.ask('GET', path);
    await cluster.deletePod('user-pod-quota');
    return text.includes('"used":{"count/services":"1"}');
  });
  const outcomes = await Promise.allSettled(
    Array.from({ length: 12 }, (_, index) => cluster.createService(serviceOf({ name: `user-pod-quota-${index}` }))),
  );
  const kinds = outcomes.map((outcome) =>
    outcome.status === 'fulfilled'
      ? outcome.value
      : outcome.reason instanceof ClusterFault
        ? `${outcome.reason.kind}: ${outcome.reason.message}`
        : String(outcome.reason),
  );
  assert.equal(kinds.filter((kind) => kind === 'created').length, 4, kinds.join('\n'));
  assert.equal(kinds.filter((kind) => kind.startsWith('no_room')).length, 8, kinds.join('\n'));
  await kube.ask('DELETE', path);
});

const podWith = (more: Readonly<Record<string, unknown>>) => {
  const pod = podOf({ name: 'user-pod-tried' });
  return { ...pod, spec: { ...Object(pod['spec']), ...more } };
};

const tried: readonly (readonly [
  title: string,
  manifest: () => Readonly<Record<string, unknown>>,
  kind: ClusterFaultKind,
])[] = [
  ['breaks the namespace’s pod security', () => podWith({ hostNetwork: true }), 'forbidden'],
  ['asks for more than the LimitRange allows', () => podWith({ containers: [bigContainer] }), 'forbidden'],
  ['has a field that there is not', () => podWith({ contaners: [] }), 'refused'],
  ['is invalid', () => podWith({ restartPolicy: 'Sometimes' }), 'refused'],
];

const bigContainer = {
  name: 'workload',
  image: 'example.com/workload:1',
  securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
  resources: { requests: { cpu: '900', memory: '16Mi' }, limits: { cpu: '900', memory: '16Mi' } },
};

for (const [title, manifest, kind] of tried) {
  test(`a template that ${title} is found out by trying (${kind})`, options, async () => {
    const fault = await faultOf(at().cluster.tryPod(manifest()));
    assert.equal(fault.kind, kind, fault.message);
  });
}

test('trying makes nothing', options, async () => {
  await at().cluster.tryPod(podOf({ name: 'user-pod-tried' }));
  assert.equal(await statusOf('user-pod-tried'), 404);
});

test('a full quota is no room, by trying and by creating; an uncounted one says to come again', options, async () => {
  const { cluster, kube } = at();
  const pod = podOf({ name: 'user-pod-full' });
  // The API server hears of a quota by a watch of its own.
  const untilTried = (kind: ClusterFaultKind | undefined) =>
    until(`trying says ${kind}`, async () => {
      const tried = await cluster.tryPod(pod).catch((fault: unknown) => fault);
      return (tried instanceof ClusterFault ? tried.kind : undefined) === kind;
    });
  await kube.apply([
    { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'full', namespace }, spec: { hard: { pods: '0' } } },
  ]);
  const path = `/api/v1/namespaces/${namespace}/resourcequotas/full`;
  const { body } = await kube.ask('GET', path);
  await kube.ask('PUT', `${path}/status`, { body: { ...body, status: { hard: { pods: '0' } } } });
  await untilTried('unreachable');
  await countQuota(kube, { pods: '0' }, path);
  await untilTried('no_room');
  assert.equal((await faultOf(cluster.createPod(pod))).kind, 'no_room');
  await kube.ask('DELETE', path);
  await untilTried(undefined);
});

test(
  'a namespace that is not there, or where we have no role, is told apart from a server that is away',
  options,
  async () => {
    const { kube } = at();
    const asAdmin = { kubeconfig: kube.kubeconfig('admin'), namespace: 'nowhere', requestTimeoutMs: 5_000 };
    const nowhere = await openCluster(asAdmin);
    assert.equal((await faultOf(nowhere.createPod(podOf({ name: 'user-pod-x' })))).kind, 'refused');
    const elsewhere = await openCluster({
      kubeconfig: kube.kubeconfig('sallyport'),
      namespace: 'default',
      requestTimeoutMs: 5_000,
    });
    const fault = await faultOf(elsewhere.tryPod(podOf({ name: 'user-pod-x' })));
    assert.equal(fault.kind, 'forbidden');
    assert.match(fault.message, /cannot create resource "pods"/);
    await Promise.all([nowhere.close(), elsewhere.close()]);
  },
);

const faults: readonly (readonly [fault: Fault, kind: ClusterFaultKind, retryAfterMs?: number])[] = [
  ['cut', 'unreachable'],
  ['hang', 'unreachable'],
  [{ status: 200, delayMs: 10_000 }, 'unreachable'],
  [{ status: 500 }, 'unreachable'],
  [{ status: 503, retryAfterSeconds: 7 }, 'unreachable', 7_000],
  [{ status: 429, retryAfterSeconds: 2 }, 'unreachable', 2_000],
  [{ status: 401 }, 'forbidden'],
  [{ status: 403 }, 'forbidden'],
  [{ status: 302 }, 'unreachable'],
];

for (const [fault, kind, retryAfterMs] of faults) {
  test(
    `every call ends in time and as ${kind} where the API server answers ${JSON.stringify(fault)}`,
    options,
    async () => {
      const { relay, relayed } = at();
      relay.fail(() => fault);
      const started = performance.now();
      const found = await Promise.all(
        [
          relayed.createPod(podOf({ name: 'user-pod-failing' })),
          relayed.createService(serviceOf({ name: 'user-pod-failing' })),
          relayed.tryPod(podOf({ name: 'user-pod-failing' })),
          relayed.deletePod('user-pod-failing'),
          relayed.holdLease('sallyport-pods', 'me', 10_000),
          relayed.releaseLease('sallyport-pods', 'me'),
        ].map(faultOf),
      );
      assert.deepEqual(
        found.map((one) => [one.kind, one.retryAfterMs]),
        found.map(() => [kind, retryAfterMs]),
        found.map(({ message }) => message).join('\n'),
      );
      assert.ok(performance.now() - started < 3_000);
    },
  );
}

test('a creation whose answer was lost is found by the next one', options, async () => {
  const { relay, relayed } = at();
  relay.fail(({ method }) => (method === 'POST' ? 'cut_after' : undefined));
  assert.equal((await faultOf(relayed.createPod(podOf({ name: 'user-pod-lost' })))).kind, 'unreachable');
  relay.fail(() => undefined);
  assert.equal(await relayed.createPod(podOf({ name: 'user-pod-lost' })), 'found');
});

test('a creation takes one call', options, async () => {
  const { relay, relayed } = at();
  relay.forget();
  await relayed.createPod(podOf({ name: 'user-pod-quick' }));
  assert.deepEqual(
    relay.asked().map(({ method, path }) => [method, path]),
    [['POST', `${podsPath}?fieldValidation=Strict`]],
  );
});

test('inside of a cluster the files of the service account are enough', options, async (t) => {
  const { kube } = at();
  const { path } = createWorkdir('service-account', t);
  writeFileSync(join(path, 'token'), kube.tokens.sallyport);
  copyFileSync(kube.ca, join(path, 'ca.crt'));
  const connection = createConnection(serviceAccountLogin(path, kube.url), 5_000);
  t.after(connection.close);
  assert.equal((await connection.call('GET', podsPath, { signal: AbortSignal.timeout(5_000) })).status, 200);
});

test('through an HTTP proxy the API server is reached as it is without one', options, async (t) => {
  const { kube } = at();
  let tunnels = 0;
  const proxy = createServer().on('connect', (request, client) => {
    tunnels += 1;
    const { hostname, port } = new URL(`https://${request.url}`);
    const server = connect(Number(port), hostname, () => {
      client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      server.pipe(client).pipe(server);
    });
    for (const socket of [client, server]) socket.on('error', () => socket.destroy());
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  t.after(() => void proxy.close());
  const address = proxy.address();
  assert.ok(typeof address === 'object' && address !== null);
  const path = kube.kubeconfig('sallyport');
  const text = readFileSync(path, 'utf8').replace(
    '"cluster":{',
    `"cluster":{"proxy-url":"http://127.0.0.1:${address.port}",`,
  );
  writeFileSync(path, text);
  const proxied = await openCluster({ kubeconfig: path, namespace, requestTimeoutMs: 5_000 });
  t.after(proxied.close);
  await proxied.tryPod(podOf({ name: 'user-pod-proxied' }));
  assert.equal(tunnels, 1);
});
