/** The life of a release on a real API server. No pod runs there: whether they would start is another test's matter. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { at, type Resource, resourcesOf } from '../k8s/manifests.ts';
import { type KubeApiserver, startKubeApiserver } from '../servers/kube-apiserver.ts';
import { needs } from '../servers/programs.ts';
import { createWorkdir } from '../servers/workdir.ts';
import { helm } from './helm.ts';
import { services } from './releases.ts';

const needed = needs('helm', 'kube-apiserver', 'etcd');
const own = ['--namespace', 'sallyport'];
const valuesOf = (...names: readonly string[]) =>
  names.flatMap((name) => ['--values', `charts/sallyport/values/${name}.yaml`]);

const server = needed.skip ? undefined : await startKubeApiserver({ owner: { after } });
const kubeconfig = server?.kubeconfig('admin');
const running = (): KubeApiserver => server ?? assert.fail('The API server was not started');

const home = createWorkdir('helm', { after }).path;
const run = (...words: string[]): string => {
  const env = {
    HOME: home, // where it keeps what API servers can do
    PATH: process.env['PATH'],
    KUBECONFIG: kubeconfig,
    HELM_CACHE_HOME: home,
    HELM_CONFIG_HOME: home,
    HELM_DATA_HOME: home,
  };
  const { ok, stdout, stderr } = helm(words, env);
  assert.ok(ok, stderr);
  return stdout;
};

const found = async (path: string): Promise<unknown> => {
  const { status, body } = await running().ask('GET', path);
  return status === 200 ? body : undefined;
};
const deployment = '/apis/apps/v1/namespaces/sallyport/deployments/sallyport';
const claim = '/api/v1/namespaces/sallyport/persistentvolumeclaims/sallyport';
const role = '/apis/rbac.authorization.k8s.io/v1/namespaces/user-workloads/roles/sallyport';

test('it is installed with one command, into a namespace that is made, and says what to do next', needed, async () => {
  const said = run(
    'install',
    'sallyport',
    'charts/sallyport',
    ...own,
    '--create-namespace',
    ...valuesOf('nginx', 'pods'),
  );
  assert.match(said, /curl -i http:\/\/shop\.example\.com\//);
  assert.match(said, /CHANGE config\.cashu\.mints/);
  assert.equal(at(await found(deployment), 'spec.strategy.type'), 'Recreate');
  assert.ok(await found(role));
});

test('it grows to several replicas, and the file with the money stays', needed, async () => {
  run('upgrade', 'sallyport', 'charts/sallyport', ...own, ...valuesOf('nginx', 'pods', 'replicas'));
  assert.equal(at(await found(deployment), 'spec.strategy.type'), 'RollingUpdate');
  assert.ok(await found('/apis/apps/v1/namespaces/sallyport/statefulsets/postgresql'));
  assert.ok(await found(claim));
});

test('it goes back to what it was', needed, async () => {
  run('rollback', 'sallyport', '1', ...own);
  assert.equal(at(await found(deployment), 'spec.strategy.type'), 'Recreate');
  assert.equal(await found('/apis/apps/v1/namespaces/sallyport/statefulsets/postgresql'), undefined);
});

test('it goes, and leaves the file with the money', needed, async () => {
  run('uninstall', 'sallyport', ...own);
  for (const path of [deployment, role]) assert.equal(await found(path), undefined);
  assert.ok(await found(claim));
});

for (const [name, { release, namespace, words }] of Object.entries(services)) {
  test(`values/${name}.yaml: it takes the place of the plain service, which was removed`, needed, async () => {
    const resources = resourcesOf(name);
    const isOurs = ({ metadata, kind }: Resource) => metadata.name === release && kind !== 'Namespace';
    await running().apply(resources.filter((resource) => !isOurs(resource)));
    run('install', release, 'charts/sallyport', '--namespace', namespace, ...words);
    assert.ok(await found(`/apis/apps/v1/namespaces/${namespace}/deployments/${release}`));
  });
}
