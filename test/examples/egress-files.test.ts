/** The files of examples/egress and k8s/egress fit each other, and the programs that read them. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { at, find, listAt, resourcesOf } from '../k8s/manifests.ts';

const root = join(import.meta.dirname, '../..');
const folder = join(root, 'examples/egress');
const textOf = (path: string) => readFileSync(join(folder, path), 'utf8');
const resources = resourcesOf('egress');
const offered = [...textOf('.env.example').matchAll(/^(\w+)=/gm)].map(([, name = '']) => name);

const variablesIn = (text: string) => [...new Set([...text.matchAll(/\$\{(\w+)/g)].map(([, name = '']) => name))];

test('the cluster gets the configuration of Compose, word for word', () => {
  const { data } = { data: undefined, ...find(resources, 'ConfigMap', 'egress-proxy') };
  assert.deepEqual(data, { 'sallyport.yaml': textOf('sallyport.yaml') });
});

test('what the configuration and Compose ask of the environment is in .env.example, and nothing else', () => {
  assert.deepEqual(variablesIn(textOf('sallyport.yaml')).toSorted(), offered.toSorted());
  for (const name of variablesIn(textOf('docker-compose.yaml'))) assert.ok(offered.includes(name), name);
});

test('the configuration is valid before any secret is there', () => {
  const args = [join(root, 'bin/sallyport.js'), 'validate', '--json', '--without-env', join(folder, 'sallyport.yaml')];
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', env: {} });
  assert.equal(status, 0, stderr);
});

test('the configuration names Redis and the certificates where Compose and the cluster have them', () => {
  const { egress } = parse(textOf('sallyport.yaml'));
  const { services } = parse(textOf('docker-compose.yaml'));
  const address = 'redis:6379';
  assert.equal(egress.token_store.redis.address, address);
  assert.deepEqual(Object.keys(services), ['egress-proxy', 'redis']);
  assert.equal(at(find(resources, 'Service', 'redis'), 'spec.ports.0.port'), 6379);

  const proxy = find(resources, 'Deployment', 'egress-proxy');
  const container = listAt(proxy, 'spec.template.spec.containers')[0];
  const places = listAt(container, 'volumeMounts').map((mount) => at(mount, 'mountPath'));
  const { client_cert, client_key, ca_cert } = egress.targets['internal-api'].tls;
  for (const file of [client_cert, client_key, ca_cert]) assert.ok(places.includes(file.replace(/\/[^/]+$/, '')), file);
  assert.ok(services['egress-proxy'].volumes.includes('./certs:/etc/certs:ro'));
  assert.deepEqual(listAt(container, 'envFrom'), [{ secretRef: { name: 'egress-credentials' } }]);
});

test('no Secret is delivered, Compose opens loopback alone, and both run Redis by the same name', () => {
  assert.deepEqual(
    resources.filter(({ kind }) => kind === 'Secret'),
    [],
  );
  const { services } = parse(textOf('docker-compose.yaml'));
  assert.deepEqual(services['egress-proxy'].ports, ['127.0.0.1:8080:8080']);
  const image = at(find(resources, 'Deployment', 'redis'), 'spec.template.spec.containers.0.image');
  assert.equal(image, services.redis.image);
});

test('the mesh brings each host here that a route is for, and no other', () => {
  const { egress } = parse(textOf('sallyport.yaml'));
  const routed = egress.routes.flatMap(({ host }: { host?: string }) => host ?? []);
  for (const resource of resourcesOf('egress/mesh')) assert.deepEqual(listAt(resource, 'spec.hosts'), routed);
});
