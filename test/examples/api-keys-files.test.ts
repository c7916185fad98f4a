/** The files of examples/api-keys fit each other, their schemas, and the programs that read them. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse, parseAllDocuments } from 'yaml';
import { problemsOf } from '../k8s-schemas/kubeconform.ts';
import { locate, needs } from '../servers/programs.ts';

const folder = join(import.meta.dirname, '../../examples/api-keys');
const textOf = (path: string) => readFileSync(join(folder, path), 'utf8');
const manifests = readdirSync(join(folder, 'k8s')).filter((name) => name.endsWith('.yaml'));
const documents = manifests.flatMap((name) => parseAllDocuments(textOf(`k8s/${name}`)).map((one) => one.toJS()));

type Service = Readonly<{
  image?: string;
  environment?: Readonly<Record<string, string>>;
  volumes?: readonly string[];
  ports?: readonly string[];
}>;
const compose: { services: Readonly<Record<string, Service>>; volumes: Readonly<Record<string, null>> } = parse(
  textOf('docker-compose.yaml'),
);

test('every manifest fits its schema, without unknown fields', needs('kubeconform', 'kube-schemas'), () => {
  assert.deepEqual(problemsOf(manifests.map((name) => textOf(`k8s/${name}`)).join('\n---\n')), []);
});

test('the cluster gets the files of Compose, word for word', () => {
  const kept = (name: string) =>
    documents.find(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === name)?.data;
  assert.deepEqual(kept('api-key-service'), { 'sallyport.yaml': textOf('sallyport.yaml') });
  assert.deepEqual(kept('backend-service'), { 'server.mjs': textOf('backend/server.mjs') });
  assert.deepEqual(kept('envoy'), { 'envoy.yaml': textOf('envoy.yaml') });
});

test('Compose and the cluster have the same services, by the names that Envoy and Sallyport know', () => {
  const inCluster = documents.filter(({ kind }) => kind === 'Service').map(({ metadata }) => metadata.name);
  assert.deepEqual(inCluster.toSorted(), Object.keys(compose.services).toSorted());
  const known = [...textOf('envoy.yaml').matchAll(/socket_address: \{ address: ([a-z-]+), port_value: (\d+)/g)];
  assert.deepEqual(
    known.map(([, name, port]) => `${name}:${port}`),
    ['api-key-service:9001', 'backend-service:3000'],
  );
});

test('Compose and the cluster run the same images, none of them by a moving name', () => {
  const images = documents.flatMap(({ spec }) => spec?.template?.spec?.containers ?? []).map(({ image }) => image);
  const inCompose = Object.values(compose.services).flatMap(({ image }) => image ?? []);
  assert.deepEqual(images.filter((image) => !image.includes('/sallyport:')).toSorted(), inCompose.toSorted());
  assert.deepEqual(
    images.filter((image) => !/:v?\d/.test(image)),
    [],
  );
});

test('what Compose mounts is there, what it asks of the environment is in .env.example, and it opens loopback alone', () => {
  const mounts = Object.values(compose.services).flatMap(({ volumes = [] }) => volumes);
  for (const source of mounts.map((mount) => mount.split(':')[0] ?? '')) {
    assert.ok(source in compose.volumes || existsSync(join(folder, source)), source);
  }
  const asked = [...textOf('docker-compose.yaml').matchAll(/\$\{(\w+)/g)].map(([, name]) => name);
  const offered = [...textOf('.env.example').matchAll(/^(\w+)=/gm)].map(([, name]) => name);
  assert.deepEqual([...new Set(asked)].toSorted(), offered.toSorted());
  for (const port of Object.values(compose.services).flatMap(({ ports = [] }) => ports)) {
    assert.match(port, /^127\.0\.0\.1:/);
  }
});

test('every script is sound and may be run', () => {
  for (const name of ['test-api.sh', 'k8s/deploy.sh', 'k8s/test.sh', 'k8s/cleanup.sh']) {
    const { status, stderr } = spawnSync('bash', ['-n', join(folder, name)], { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    assert.ok((statSync(join(folder, name)).mode & 0o111) !== 0, name);
  }
});

test('the configuration is valid before any secret is there', () => {
  const launcher = join(folder, '../../bin/sallyport.js');
  const args = [launcher, 'validate', '--without-env', join(folder, 'sallyport.yaml')];
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', env: {} });
  assert.equal(status, 0, stderr);
});

test('Envoy takes its configuration', needs('envoy'), () => {
  const args = ['--mode', 'validate', '--config-path', join(folder, 'envoy.yaml')];
  const { status, stderr } = spawnSync(locate('envoy'), args, { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
});
