/** The configuration that an operator gets. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { validate } from '../../src/commands/validate.ts';
import { loadConfig } from '../../src/config/load.ts';
import { createWorkdir } from '../servers/workdir.ts';
import { at, controllers, find, listAt, resourcesOf, shippedConfiguration, textAt } from './manifests.ts';

const directory = createWorkdir('configuration', { after }).path;
const fileOf = (controller: (typeof controllers)[number]): string => {
  const path = join(directory, `${controller}.yaml`);
  writeFileSync(path, shippedConfiguration(controller));
  return path;
};

for (const controller of controllers) {
  test(`k8s/${controller}: \`sallyport validate\` finds nothing wrong with the ConfigMap, flags or no flags`, async () => {
    const { exitCode, output } = await validate(fileOf(controller), { env: {}, json: true });
    assert.equal(exitCode, 0, output);
  });
}

test('the pod reads the file where the ConfigMap puts it, and keeps its store on the volume', () => {
  const { config } = loadConfig({ path: fileOf('nginx'), env: {} });
  const sallyport = find(resourcesOf('nginx'), 'Deployment', 'sallyport');
  const container = listAt(sallyport, 'spec.template.spec.containers')[0];
  const path = textAt(container, 'env.0.value');
  const mounts = listAt(container, 'volumeMounts').map((mount) => textAt(mount, 'mountPath'));
  assert.deepEqual(Object.keys(at(find(resourcesOf('nginx'), 'ConfigMap', 'sallyport'), 'data') as object), [
    path.replace(`${mounts[0]}/`, ''),
  ]);
  assert.equal(textAt(container, 'env.0.name'), 'AUTHZ_CONFIG_PATH');
  assert.ok(config.store.type === 'sqlite' && config.store.path.startsWith(`${mounts[1]}/`));
  assert.equal(config.http.addr, `:${at(container, 'ports.0.containerPort')}`);
  assert.equal(at(container, 'livenessProbe.httpGet.path'), config.endpoints.health);
  assert.equal(at(container, 'readinessProbe.httpGet.path'), config.endpoints.ready);
  assert.match(
    JSON.stringify(at(sallyport, 'spec.template.metadata.annotations')),
    new RegExp(config.endpoints.metrics),
  );
});

test('there is a free path, a path for keys and one with a price, and no admin listener', () => {
  const { config } = loadConfig({ path: fileOf('nginx'), env: {} });
  assert.deepEqual(
    config.rules.map(({ name, accept }) => [name, accept]),
    [
      ['free', ['anonymous']],
      ['api', ['api_key']],
      ['premium', ['api_key', 'cashu']],
    ],
  );
  assert.equal(config.rules[2]?.price?.[0]?.amount, 1000);
  assert.equal(config.admin, undefined);
});

test('the mint is a placeholder that belongs to nobody, and says that it must be changed', () => {
  assert.match(shippedConfiguration('nginx'), /# CHANGE THIS[^\n]*\n\s*- url: https:\/\/mint\.example\.com\n/);
});
