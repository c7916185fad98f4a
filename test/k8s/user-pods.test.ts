/** k8s/pods: what payers' pods may do, how much of them there may be, and what Sallyport may do about them. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { parse } from 'yaml';
import { validate } from '../../src/commands/validate.ts';
import { createWorkdir } from '../servers/workdir.ts';
import { at, filesOf, find, listAt, resourcesOf, textAt, textOf } from './manifests.ts';
import { labelsAt, matches, podsFor } from './selectors.ts';

const resources = resourcesOf('pods');
const there = (kind: string) =>
  resources.filter((resource) => resource.kind === kind && resource.metadata.namespace === 'user-workloads');
const documentAt = (configMap: string, file: string): unknown => {
  const data = at(find(resources, 'ConfigMap', configMap), 'data');
  return parse(String(Object(data)[file]));
};
const config = documentAt('sallyport', 'sallyport.yaml');
const sallyport = find(resources, 'Deployment', 'sallyport');
const [container] = listAt(sallyport, 'spec.template.spec.containers');
const environment = Object.fromEntries(
  listAt(container, 'env').map((variable) => [textAt(variable, 'name'), at(variable, 'value')]),
);

test('what has nothing to do with pods is as in k8s/nginx', () => {
  const own = [
    '05-user-workloads',
    '08-access',
    '10-configuration',
    '12-pod-template',
    '30-sallyport',
    '55-api-server',
  ];
  const shared = filesOf('pods').filter((path) => !own.some((name) => path === `pods/${name}.yaml`));
  assert.deepEqual(
    shared.map((path) => path.replace('pods/', 'nginx/')),
    filesOf('nginx').filter((path) => !/10-|30-/.test(path)),
  );
  for (const path of shared) assert.equal(textOf(path), textOf(path.replace('pods/', 'nginx/')), path);
});

test('the Deployment of k8s/nginx gets a token, the switches of the seed, and the templates, and nothing else', () => {
  const added = [
    /^# What it may do: .*$/m,
    / {6}automountServiceAccountToken: true\n/,
    / {12}- name: ENABLE_POD_PROVISIONING\n {14}value: "true"\n {12}- name: POD_NAMESPACE\n {14}value: user-workloads\n/,
    / {12}- name: pod-templates\n {14}mountPath: \/etc\/pod-templates\n {14}readOnly: true\n/,
    / {8}- name: pod-templates\n {10}configMap:\n {12}name: sallyport-pod-templates\n/,
  ];
  const text = added.reduce((rest, lines) => rest.replace(lines, ''), textOf('pods/30-sallyport.yaml'));
  const nginx = textOf('nginx/30-sallyport.yaml')
    .replace(/^# Nothing .*$/m, '')
    .replace(/ {6}automountServiceAccountToken: false\n/, '');
  assert.equal(text, nginx);
});

test('Sallyport may make, see and take away pods and Services in that namespace, take one Lease, and nothing else', () => {
  const roles = resources.filter(({ kind }) => /Role/.test(kind));
  assert.deepEqual(
    roles.map(({ kind, metadata }) => [kind, metadata.namespace]),
    [
      ['Role', 'user-workloads'],
      ['RoleBinding', 'user-workloads'],
    ],
  );
  assert.deepEqual(listAt(roles[0], 'rules'), [
    { apiGroups: [''], resources: ['pods'], verbs: ['create', 'get', 'list', 'watch', 'delete'] },
    { apiGroups: [''], resources: ['services'], verbs: ['create', 'get', 'delete'] },
    { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['create'] },
    {
      apiGroups: ['coordination.k8s.io'],
      resources: ['leases'],
      resourceNames: ['sallyport-pods'],
      verbs: ['get', 'update'],
    },
  ]);
  assert.equal(at(roles[1], 'roleRef.name'), roles[0]?.metadata.name);
  assert.deepEqual(listAt(roles[1], 'subjects'), [
    {
      kind: 'ServiceAccount',
      name: textAt(sallyport, 'spec.template.spec.serviceAccountName'),
      namespace: sallyport.metadata.namespace,
    },
  ]);
});

test('the token is in the one pod that needs it: not in the application’s, and not in payers’', () => {
  assert.equal(at(sallyport, 'spec.template.spec.automountServiceAccountToken'), true);
  assert.equal(
    at(find(resources, 'Deployment', 'example-app'), 'spec.template.spec.automountServiceAccountToken'),
    false,
  );
  const accounts = resources.filter(({ kind }) => kind === 'ServiceAccount');
  assert.deepEqual(
    accounts.map(({ metadata, automountServiceAccountToken }) => [metadata.name, automountServiceAccountToken]),
    [
      ['default', false],
      ['sallyport', false],
    ],
  );
});

test('configuration, Deployment and Role mean the same namespace, which the strictest standard guards', () => {
  assert.equal(environment['ENABLE_POD_PROVISIONING'], 'true');
  assert.equal(environment['POD_NAMESPACE'], 'user-workloads');
  assert.equal(at(config, 'pods.namespace'), 'user-workloads');
  const labels = labelsAt(find(resources, 'Namespace', 'user-workloads'), 'metadata.labels');
  assert.equal(labels['pod-security.kubernetes.io/enforce'], 'restricted');
});

test('payers’ pods reach DNS and nothing else, and nobody but the application reaches them', () => {
  const [policy, ...more] = there('NetworkPolicy');
  assert.deepEqual(more, []);
  assert.deepEqual(at(policy, 'spec.podSelector'), {});
  assert.deepEqual(listAt(policy, 'spec.policyTypes'), ['Ingress', 'Egress']);
  const [names, ...others] = listAt(policy, 'spec.egress');
  assert.deepEqual(others, []);
  assert.deepEqual(
    listAt(names, 'ports').map((port) => at(port, 'port')),
    [53, 53],
  );
  assert.ok(listAt(names, 'to').every((to) => at(to, 'podSelector') && at(to, 'namespaceSelector')));
  const peers = listAt(policy, 'spec.ingress').flatMap((rule) => listAt(rule, 'from'));
  const application = find(resources, 'Deployment', 'example-app');
  for (const peer of peers) {
    assert.equal(
      labelsAt(peer, 'namespaceSelector.matchLabels')['kubernetes.io/metadata.name'],
      application.metadata.namespace,
    );
    assert.deepEqual(podsFor(resources, labelsAt(peer, 'podSelector.matchLabels')), [application]);
  }
  assert.equal(peers.length, 1);
});

test('Sallyport reaches the API server besides, on its ports alone', () => {
  const policy = find(resources, 'NetworkPolicy', 'sallyport-api-server');
  assert.deepEqual(listAt(policy, 'spec.policyTypes'), ['Egress']);
  const labels = labelsAt(sallyport, 'spec.template.metadata.labels');
  assert.ok(matches(labelsAt(policy, 'spec.podSelector.matchLabels'), labels));
  const [rule, ...more] = listAt(policy, 'spec.egress');
  assert.deepEqual(more, []);
  assert.deepEqual(
    listAt(rule, 'ports').map((port) => at(port, 'port')),
    [443, 6443],
  );
});

/** In millicores and mebibytes. */
const amountOf = (quantity: unknown): number => {
  const [, number = '', unit = ''] = /^(\d+)(m|Mi|Gi)?$/.exec(String(quantity)) ?? assert.fail(`${quantity}`);
  return Number(number) * { '': 1000, m: 1, Mi: 1, Gi: 1024 }[unit as 'm'];
};

test('the quota has room for as many pods as may be sold, of what the template takes, and no more than some', () => {
  const [template] = listAt(documentAt('sallyport-pod-templates', 'default.yaml'), 'template.spec.containers');
  const most = Number(at(config, 'pods.max_total'));
  const [quota] = there('ResourceQuota');
  const [limits] = there('LimitRange');
  const hard = labelsAt(quota, 'spec.hard');
  for (const kind of ['requests', 'limits']) {
    for (const what of ['cpu', 'memory']) {
      const each = amountOf(at(template, `resources.${kind}.${what}`));
      const room = amountOf(hard[`${kind}.${what}`]);
      assert.ok(room >= most * each && room <= most * each * 1.2, `${kind}.${what}: ${room} for ${most} × ${each}`);
      assert.ok(each <= amountOf(at(limits, `spec.limits.0.max.${what}`)));
    }
  }
  for (const kind of ['pods', 'services']) assert.ok(Number(hard[kind]) > most && Number(hard[kind]) <= most * 1.2);
  for (const kind of ['services.loadbalancers', 'services.nodeports', 'persistentvolumeclaims'])
    assert.equal(hard[kind], '0');
});

test('the template lies where the configuration looks for it, and runs the image of this version', () => {
  const file = String(at(config, 'pods.template')).replace('file:', '');
  const mount = listAt(container, 'volumeMounts').find((one) => file.startsWith(`${textAt(one, 'mountPath')}/`));
  const volume = listAt(sallyport, 'spec.template.spec.volumes').find((one) => at(one, 'name') === at(mount, 'name'));
  const configMap = find(resources, 'ConfigMap', textAt(volume, 'configMap.name'));
  assert.deepEqual(Object.keys(Object(at(configMap, 'data'))), [file.replace(`${textAt(mount, 'mountPath')}/`, '')]);
  const [workload] = listAt(documentAt(configMap.metadata.name, 'default.yaml'), 'template.spec.containers');
  assert.equal(at(workload, 'image'), at(container, 'image'));
});

test('`sallyport validate` finds nothing wrong with configuration and template, with the switches of the Deployment', async () => {
  const { path } = createWorkdir('user-pods', { after });
  const textIn = (configMap: string, file: string) =>
    String(Object(at(find(resources, 'ConfigMap', configMap), 'data'))[file]);
  writeFileSync(join(path, 'default.yaml'), textIn('sallyport-pod-templates', 'default.yaml'));
  const file = join(path, 'sallyport.yaml');
  writeFileSync(file, textIn('sallyport', 'sallyport.yaml').replace('/etc/pod-templates/', `${path}/`));
  const env = Object.fromEntries(
    Object.entries(environment).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
  const { exitCode, output } = await validate(file, { env, json: true });
  assert.equal(exitCode, 0, output);
});

test('a price in the configuration buys time and a pod', () => {
  const priced = listAt(config, 'rules').filter((rule) => at(rule, 'price') !== undefined);
  assert.deepEqual(
    priced.map((rule) => [at(rule, 'provision'), at(rule, 'price.buys')]),
    [['default', { time: '1h' }]],
  );
});
