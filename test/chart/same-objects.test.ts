/** Whoever installs the chart gets what whoever applies the folder gets. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Resource, resourcesOf } from '../k8s/manifests.ts';
import { problemsOf } from '../k8s-schemas/kubeconform.ts';
import { needs } from '../servers/programs.ts';
import { comparable, nameOf } from './comparable.ts';
import { chart, helm, objectsOf, render } from './helm.ts';
import { commandOf, foldersOfChart, releases } from './releases.ts';

for (const folder of foldersOfChart) {
  const release = releases[folder];

  /**
   * Helm makes the namespace that it installs into and takes nothing over that is there already, as a namespace's account
   * `default` is at once.
   */
  const isThere = ({ kind, metadata: { name } }: Resource) =>
    (kind === 'Namespace' && name === release.namespace) || (kind === 'ServiceAccount' && name === 'default');

  test(`values/${folder}.yaml renders the objects of k8s/${folder}, one for one`, needs('helm'), () => {
    const plain = resourcesOf(folder).filter((resource) => !isThere(resource));
    const rendered = objectsOf(release);
    assert.deepEqual(rendered.map(nameOf).toSorted(), plain.map(nameOf).toSorted());
    const byName = new Map(rendered.map((resource) => [nameOf(resource), comparable(resource)]));
    for (const resource of plain) {
      assert.deepEqual(byName.get(nameOf(resource)), comparable(resource), nameOf(resource));
    }
  });

  test(`values/${folder}.yaml passes helm lint without a warning`, needs('helm'), () => {
    const { ok, stdout } = helm(['lint', 'charts/sallyport', '--strict', ...release.words]);
    assert.ok(ok, stdout);
    assert.doesNotMatch(stdout, /\[(WARNING|ERROR)\]/);
  });

  test(`values/${folder}.yaml says the command that installs it`, () => {
    const { release: name, namespace, words } = release;
    const command = `helm install ${name} charts/sallyport --namespace ${namespace} --create-namespace ${words.join(' ')}`;
    assert.ok(commandOf(folder).includes(command), command);
  });
}

test('what every values file renders fits the schemas', needs('helm', 'kubeconform', 'kube-schemas'), () => {
  const texts = foldersOfChart.map((folder) => render(releases[folder]).stdout);
  assert.deepEqual(problemsOf(texts.join('\n---\n')), []);
});

test('every values file stands for a folder', () => {
  assert.deepEqual(
    readdirSync(join(chart, 'values')).toSorted(),
    foldersOfChart.map((name) => `${name}.yaml`).toSorted(),
  );
});
