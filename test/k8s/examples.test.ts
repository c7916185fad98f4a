/** k8s/api-keys and k8s/sandbox: the files of the examples, in the order in which one `kubectl apply -f` needs them. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { filesOf, resourcesOf } from './manifests.ts';

const root = join(import.meta.dirname, '..', '..');
const document = readFileSync(join(root, 'docs/kubernetes.md'), 'utf8');

for (const [folder, secret, without] of [
  ['api-keys', 'api-keys', []],
  // One sandbox, made by create-sandbox.sh.
  ['sandbox', 'credential-resolver', ['sandbox.yaml']],
] as const) {
  const resources = resourcesOf(folder);

  test(`k8s/${folder} is every manifest of its example`, () => {
    const linked = filesOf(folder).map((path) => realpathSync(join(root, 'k8s', path)));
    const example = join(root, 'examples', folder, 'k8s');
    const manifests = readdirSync(example).filter((name) => name.endsWith('.yaml') && !without.includes(name as never));
    assert.deepEqual(linked.toSorted(), manifests.map((name) => join(example, name)).toSorted());
  });

  test(`k8s/${folder}: namespaces come first, and nothing is anywhere else`, () => {
    const isNamespace = ({ kind }: { kind: string }) => kind === 'Namespace';
    const namespaces = resources.filter(isNamespace).map(({ metadata }) => metadata.name);
    assert.ok(resources.slice(0, namespaces.length).every(isNamespace));
    for (const { kind, metadata } of resources.slice(namespaces.length)) {
      assert.ok(namespaces.includes(metadata.namespace ?? ''), `${kind} ${metadata.name}`);
    }
  });

  test(`k8s/${folder}: the document’s command makes the Secret that pods wait for`, () => {
    const asked = [
      ...JSON.stringify(resources).matchAll(/"secretKeyRef":\{"name":"([^"]+)","key":"([^"]+)"(,"optional":true)?/g),
    ];
    assert.deepEqual([...new Set(asked.map(([, name]) => name))], [secret]);
    const [, command = ''] = new RegExp(`create secret generic ${secret} (.*?)\n(?! )`, 's').exec(document) ?? [];
    const made = [...command.matchAll(/--from-literal=([\w-]+)=/g)].map(([, key]) => key);
    assert.ok(made.length > 0);
    for (const [, , key, optional] of asked) assert.ok(optional || made.includes(key), key);
    for (const key of made)
      assert.ok(
        asked.some(([, , one]) => one === key),
        key,
      );
  });
}
