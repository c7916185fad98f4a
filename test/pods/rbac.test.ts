import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { openCluster } from '../../src/stores/kubernetes/cluster.ts';
import { startKubeApiserver } from '../servers/kube-apiserver.ts';
import { needs } from '../servers/programs.ts';
import { namespace, podOf, podsPath, prepareNamespace } from './namespace.ts';
import { type Access, isAllowed } from './rbac.ts';

const options = needs('kube-apiserver', 'etcd');

const start = async () => {
  const kube = await startKubeApiserver({ owner: { after } });
  await prepareNamespace(kube);
  return kube;
};

const place = options.skip === false ? await start() : undefined;
const at = () => place ?? assert.fail('unreachable: skipped where it is not there');

const lease = { group: 'coordination.k8s.io', resource: 'leases', name: 'sallyport-pods', namespace };

const needed: readonly Access[] = [
  ...['create', 'get', 'list', 'watch', 'delete'].map((verb) => ({ verb, resource: 'pods', namespace })),
  ...['create', 'get', 'delete'].map((verb) => ({ verb, resource: 'services', namespace })),
  ...['create', 'get', 'update'].map((verb) => ({ ...lease, verb })),
];

const elsewhere = ['default', 'kube-system', 'sallyport'];

const harmful: readonly Access[] = [
  ...['get', 'list', 'watch', 'create', 'update', 'patch', 'delete'].flatMap((verb) =>
    ['secrets', 'configmaps', 'serviceaccounts', 'persistentvolumeclaims'].map((resource) => ({
      verb,
      resource,
      namespace,
    })),
  ),
  ...['exec', 'attach', 'portforward', 'proxy', 'log', 'ephemeralcontainers', 'eviction', 'binding', 'status'].flatMap(
    (subresource) =>
      ['create', 'get', 'update', 'patch'].map((verb) => ({ verb, resource: 'pods', subresource, namespace })),
  ),
  ...['update', 'patch', 'deletecollection'].map((verb) => ({ verb, resource: 'pods', namespace })),
  ...['update', 'patch'].map((verb) => ({ verb, resource: 'services', namespace })),
  { verb: 'create', resource: 'serviceaccounts', subresource: 'token', namespace },
  ...['get', 'update', 'delete', 'patch'].map((verb) => ({ ...lease, verb, name: 'another' })),
  ...['delete', 'patch', 'list'].map((verb) => ({ ...lease, verb })),
  ...['deployments', 'daemonsets', 'replicasets'].map((resource) => ({
    verb: 'create',
    group: 'apps',
    resource,
    namespace,
  })),
  { verb: 'create', group: 'batch', resource: 'jobs', namespace },
  ...['roles', 'rolebindings'].flatMap((resource) =>
    ['create', 'update', 'patch', 'bind', 'escalate'].map((verb) => ({
      ...{ verb, group: 'rbac.authorization.k8s.io', resource, namespace },
    })),
  ),
  ...['resourcequotas', 'limitranges'].map((resource) => ({ verb: 'update', resource, namespace })),
  { verb: 'update', group: 'networking.k8s.io', resource: 'networkpolicies', namespace },
  ...elsewhere.flatMap((other) =>
    ['pods', 'services', 'secrets'].flatMap((resource) =>
      ['create', 'get', 'list', 'watch', 'delete'].map((verb) => ({ verb, resource, namespace: other })),
    ),
  ),
  ...elsewhere.map((other) => ({ ...lease, verb: 'create', namespace: other })),
  ...['pods', 'secrets', 'namespaces', 'nodes'].flatMap((resource) =>
    ['get', 'list', 'create'].map((verb) => ({ verb, resource })),
  ),
  ...['users', 'groups', 'serviceaccounts'].map((resource) => ({ verb: 'impersonate', resource })),
];

const titleOf = ({ verb, group, resource, subresource, name, namespace: where = 'any namespace' }: Access) =>
  `${verb} ${group ? `${group}/` : ''}${resource}${subresource ? `/${subresource}` : ''}${name ? ` ${name}` : ''} in ${where}`;

test('the Role allows what Sallyport does, and no more', options, async () => {
  const verdicts = async (list: readonly Access[]) =>
    Promise.all(list.map(async (access) => ({ title: titleOf(access), isAllowed: await isAllowed(at(), access) })));
  const refused = (await verdicts(needed)).filter((one) => !one.isAllowed);
  assert.deepEqual(refused, [], 'needed');
  const granted = (await verdicts(harmful)).filter((one) => one.isAllowed);
  assert.deepEqual(granted, [], 'harmful');
});

const really: readonly (readonly [title: string, method: string, path: string])[] = [
  ['read Secrets', 'GET', `/api/v1/namespaces/${namespace}/secrets`],
  ['read one Secret by name', 'GET', `/api/v1/namespaces/${namespace}/secrets/known`],
  ['read Secrets of all namespaces', 'GET', '/api/v1/secrets'],
  ['read its own namespace’s Secrets', 'GET', '/api/v1/namespaces/sallyport/secrets'],
  ['see pods of another namespace', 'GET', '/api/v1/namespaces/kube-system/pods'],
  ['see pods of all namespaces', 'GET', '/api/v1/pods'],
  ['start pods in another namespace', 'POST', '/api/v1/namespaces/default/pods'],
  ['run a command in a pod', 'POST', `${podsPath}/user-pod-guarded/exec?command=id&stdout=true`],
  ['attach to a pod', 'POST', `${podsPath}/user-pod-guarded/attach?stdout=true`],
  ['read a pod’s log', 'GET', `${podsPath}/user-pod-guarded/log`],
  ['change a pod that runs', 'PATCH', `${podsPath}/user-pod-guarded`],
  ['delete all pods at once', 'DELETE', podsPath],
  ['get a token for an account', 'POST', `/api/v1/namespaces/${namespace}/serviceaccounts/default/token`],
];

for (const [title, method, path] of really) {
  test(`the service account cannot ${title}`, options, async () => {
    const { ask } = at();
    await ask('POST', podsPath, { body: podOf({ name: 'user-pod-guarded' }) });
    const asAccount = await ask(method, path, {
      as: 'sallyport',
      ...(method === 'GET' || method === 'DELETE' ? {} : { body: {} }),
      ...(method === 'PATCH' && { contentType: 'application/merge-patch+json' }),
    });
    assert.equal(asAccount.status, 403, asAccount.text);
    assert.match(String(asAccount.body['message']), /system:serviceaccount:sallyport:sallyport" cannot /);
  });
}

/** A clock that goes by hand, as each replica's own would. */
const clockOf = () => {
  let ms = 0;
  const pass = (by: number): void => {
    ms += by;
  };
  return { now: () => ms, pass };
};

const name = 'sallyport-pods';
const durationMs = 10_000;

const replicas = async (count: number) => {
  const clock = clockOf();
  const kubeconfig = at().kubeconfig('sallyport');
  const open = () => openCluster({ kubeconfig, namespace, requestTimeoutMs: 5_000, monotonicNow: clock.now });
  const clusters = await Promise.all(Array.from({ length: count }, open));
  after(() => Promise.all(clusters.map((cluster) => cluster.close())));
  const hold = (index: number) => clusters[index]?.holdLease(name, `replica-${index}`, durationMs);
  const holdAll = () => Promise.all(clusters.map((_, index) => hold(index)));
  const release = (index: number) => clusters[index]?.releaseLease(name, `replica-${index}`);
  return { clock, hold, holdAll, release };
};

const forgetLease = () => at().ask('DELETE', `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases/${name}`);

test(
  'of racing replicas one gets the Lease, keeps it by renewing, and hands it over when it gives it up',
  options,
  async () => {
    await forgetLease();
    const { hold, holdAll, release } = await replicas(5);
    const first = await holdAll();
    assert.equal(first.filter(Boolean).length, 1);
    const holder = first.indexOf(true);
    assert.deepEqual(await holdAll(), first);
    const other = (holder + 1) % 5;
    await release(other);
    assert.equal(await hold(other), false);
    await release(holder);
    assert.equal(await hold(other), true);
    assert.equal(await hold(holder), false);
  },
);

test('a holder that is gone is followed after the Lease’s time, by one', options, async () => {
  await forgetLease();
  const { clock, hold, holdAll } = await replicas(3);
  assert.equal(await hold(0), true);
  assert.deepEqual([await hold(1), await hold(2)], [false, false]);
  clock.pass(durationMs - 1);
  assert.deepEqual([await hold(1), await hold(2)], [false, false]);
  clock.pass(1);
  const [, ...others] = await Promise.all([false, hold(1), hold(2)]);
  assert.equal(others.filter(Boolean).length, 1);
  assert.equal(await hold(0), false);
  assert.equal((await holdAll()).filter(Boolean).length, 1);
});

test('a renewed Lease is not taken, however long ago it was first seen', options, async () => {
  await forgetLease();
  const { clock, hold } = await replicas(2);
  for (let renewals = 0; renewals < 4; renewals++) {
    assert.equal(await hold(0), true);
    assert.equal(await hold(1), false);
    clock.pass(durationMs * 0.9);
  }
});
