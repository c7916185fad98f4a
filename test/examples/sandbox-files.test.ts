/** The files of examples/sandbox fit each other, their schemas, and the programs that read them. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { parse, parseAllDocuments } from 'yaml';
import { problemsOf } from '../k8s-schemas/kubeconform.ts';
import { locate, needs } from '../servers/programs.ts';
import { createWorkdir } from '../servers/workdir.ts';

const folder = join(import.meta.dirname, '../../examples/sandbox');
const textOf = (path: string) => readFileSync(join(folder, path), 'utf8');
const names = readdirSync(join(folder, 'k8s'));
const manifests = names.filter((name) => name.endsWith('.yaml'));
const documents = manifests.flatMap((name) => parseAllDocuments(textOf(`k8s/${name}`)).map((one) => one.toJS()));
const find = (kind: string, name: string) =>
  documents.find((one) => one.kind === kind && one.metadata.name === name) ?? assert.fail(`${kind} ${name}`);

const compose = parse(textOf('docker-compose.yaml'));

test('every manifest fits its schema, without unknown fields', needs('kubeconform', 'kube-schemas'), () => {
  assert.deepEqual(problemsOf(manifests.map((name) => textOf(`k8s/${name}`)).join('\n---\n')), []);
});

test('the cluster gets the files of Compose, with the name of its Service', () => {
  assert.deepEqual(find('ConfigMap', 'credential-resolver').data, { 'sallyport.yaml': textOf('sallyport.yaml') });
  const envoy = textOf('envoy.yaml').replace(
    'address: credential-resolver,',
    'address: credential-resolver.credential-resolver.svc,',
  );
  assert.deepEqual(find('ConfigMap', 'sandbox-envoy').data, { 'envoy.yaml': envoy });
});

test('of the pod of a sandbox Envoy alone has the token, and nothing has a token of the cluster', () => {
  const { spec } = find('Pod', 'sandbox-demo');
  const [envoy] = spec.initContainers;
  const [agent] = spec.containers;
  const reference = { configMapKeyRef: { name: 'sandbox-demo', key: 'SANDBOX_JWT' } };
  assert.deepEqual(envoy.env, [{ name: 'SANDBOX_JWT', valueFrom: reference }]);
  assert.deepEqual(
    agent.env.map(({ value }: { value: string }) => value),
    ['http://localhost:8001', 'http://localhost:8001'],
  );
  assert.ok(!JSON.stringify(agent).includes('SANDBOX_JWT'));
  assert.deepEqual([spec.automountServiceAccountToken, spec.shareProcessNamespace], [false, false]);
  assert.ok(!textOf('envoy.yaml').includes('\nadmin:'));
});

test('only sandboxes reach the resolver, at the one port that is for them, and they reach nothing else in the cluster', () => {
  const { spec: policy } = find('NetworkPolicy', 'credential-resolver');
  const [sandboxes] = policy.ingress;
  assert.deepEqual(sandboxes.ports, [{ port: 8002 }]);
  assert.deepEqual(sandboxes.from[0].podSelector.matchLabels, { 'app.kubernetes.io/name': 'sandbox' });
  const pod = find('Pod', 'sandbox-demo').metadata;
  assert.equal(pod.labels['app.kubernetes.io/name'], 'sandbox');
  assert.deepEqual(
    find('Service', 'credential-resolver').spec.ports.map(({ port }: { port: number }) => port),
    [8002],
  );
  const { spec: sandbox } = find('NetworkPolicy', 'sandbox');
  assert.deepEqual([sandbox.ingress, sandbox.podSelector], [[], {}]);
  const outside = sandbox.egress.flatMap(({ to }: { to: { ipBlock?: { except: string[] } }[] }) =>
    to.flatMap(({ ipBlock }) => ipBlock?.except ?? []),
  );
  for (const range of ['10.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.168.0.0/16', 'fe80::/10']) {
    assert.ok(outside.includes(range), range);
  }
});

test('Compose and the cluster run the same images, none of them by a moving name', () => {
  const containers = documents.flatMap(({ spec }) => [
    ...(spec?.template?.spec?.containers ?? []),
    ...(spec?.initContainers ?? []),
    ...(spec?.containers ?? []),
  ]);
  const images = containers.map(({ image }) => image);
  assert.ok(images.includes(compose.services.envoy.image));
  assert.deepEqual(
    images.filter((image) => !/:v?\d/.test(image)),
    [],
  );
});

test('what Compose mounts is there, what it asks of the environment is in .env.example, and it opens loopback alone', () => {
  const services: { volumes?: string[]; ports?: string[] }[] = Object.values(compose.services);
  for (const mount of services.flatMap(({ volumes = [] }) => volumes)) {
    const [source = ''] = mount.split(':');
    assert.ok(source in compose.volumes || existsSync(join(folder, source)), source);
  }
  const asked = [...textOf('docker-compose.yaml').matchAll(/\$\{(\w+)/g)].map(([, name]) => name);
  const offered = [...textOf('.env.example').matchAll(/^(\w+)=/gm)].map(([, name]) => name);
  assert.deepEqual([...new Set(asked)].toSorted(), offered.toSorted());
  for (const port of services.flatMap(({ ports = [] }) => ports)) assert.match(port, /^127\.0\.0\.1:/);
  // The one change that Compose makes to Envoy's file.
  assert.ok(textOf('envoy.yaml').includes('address: 127.0.0.1, port_value: 8001'));
});

test('every script is sound and may be run', () => {
  for (const name of names.filter((one) => one.endsWith('.sh'))) {
    const { status, stderr } = spawnSync('bash', ['-n', join(folder, 'k8s', name)], { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    assert.ok((statSync(join(folder, 'k8s', name)).mode & 0o111) !== 0, name);
  }
});

test('create-sandbox.sh asks for a token of the sandbox, and makes its ConfigMap and its pod', () => {
  const { path } = createWorkdir('sandbox', { after });
  const kubectl = [
    '#!/usr/bin/env bash',
    'printf "%s\\n" "$*" >> "$FAKE/calls"',
    'case $1 in exec) echo the.token.itself ;; apply) cat > "$FAKE/applied" ;; esac',
  ];
  writeFileSync(join(path, 'kubectl'), kubectl.join('\n'), { mode: 0o755 });
  const env = { PATH: `${path}:${process.env['PATH']}`, FAKE: path };
  const run = (...args: string[]) =>
    spawnSync(join(folder, 'k8s/create-sandbox.sh'), args, { encoding: 'utf8', env }).status;
  assert.equal(run('agent-7', 'acme', 'red', '2h'), 0);
  const read = (name: string) => readFileSync(join(path, name), 'utf8');
  assert.match(read('calls'), /sallyport sandbox token --tenant acme --team red --sandbox agent-7 --ttl 2h\n/);
  assert.ok(!read('calls').includes('the.token.itself'), 'no token is among the arguments of a process');
  const [map, pod] = parseAllDocuments(read('applied')).map((one) => one.toJS());
  assert.deepEqual([map.metadata.name, map.data], ['sandbox-agent-7', { SANDBOX_JWT: 'the.token.itself' }]);
  assert.deepEqual([pod.metadata.name, pod.metadata.labels.sandbox], ['sandbox-agent-7', 'agent-7']);
  assert.equal(pod.spec.initContainers[0].env[0].valueFrom.configMapKeyRef.name, 'sandbox-agent-7');
  assert.equal(run('Not A Name', 'acme', 'red'), 2);
});

for (const file of ['sallyport.yaml', 'integrations.yaml']) {
  test(`${file} is valid before any secret is there`, () => {
    const launcher = join(folder, '../../bin/sallyport.js');
    const args = [launcher, 'validate', '--without-env', join(folder, file)];
    const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', env: {} });
    assert.equal(status, 0, stderr);
  });
}

for (const file of ['envoy.yaml', 'envoy-grpc.yaml']) {
  test(`Envoy takes ${file}`, needs('envoy'), () => {
    const args = ['--mode', 'validate', '--config-path', join(folder, file)];
    const { status, stderr } = spawnSync(locate('envoy'), args, { encoding: 'utf8', env: { SANDBOX_JWT: '' } });
    assert.equal(status, 0, stderr);
  });
}
