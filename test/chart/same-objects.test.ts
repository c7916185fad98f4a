/** Whoever installs the chart gets what whoever applies the folder gets. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { problemsOf } from '../k8s-schemas/kubeconform.ts';
import { needs } from '../servers/programs.ts';
import { comparable, nameOf } from './comparable.ts';
import { chart, helm, objectsOf, render } from './helm.ts';
import { commandOf, plainOf, releases, services } from './releases.ts';

const readme = readFileSync(join(chart, 'README.md'), 'utf8');

for (const [name, release] of Object.entries(releases)) {
  test(
    `values ${name}: renders the objects of k8s/${release.folders.join(' and k8s/')}, one for one`,
    needs('helm'),
    () => {
      const plain = plainOf(release);
      const rendered = objectsOf(release);
      assert.deepEqual(rendered.map(nameOf).toSorted(), plain.map(nameOf).toSorted());
      const byName = new Map(rendered.map((resource) => [nameOf(resource), comparable(resource)]));
      for (const resource of plain) {
        assert.deepEqual(byName.get(nameOf(resource)), comparable(resource), nameOf(resource));
      }
    },
  );

  test(`values ${name}: passes helm lint without a warning`, needs('helm'), () => {
    const { ok, stdout } = helm(['lint', 'charts/sallyport', '--strict', ...release.words]);
    assert.ok(ok, stdout);
    assert.doesNotMatch(stdout, /\[(WARNING|ERROR)\]/);
  });

  test(`values ${name}: the head of the file, or the README, says what installs it`, () => {
    const { release: called, namespace, words } = release;
    const [own = '', variant] = name.split(',');
    const command = `helm install ${called} charts/sallyport --namespace ${namespace} --create-namespace ${words.join(' ')}`;
    if (variant === undefined) assert.ok(commandOf(own).includes(command), command);
    else assert.ok(readme.includes(`\`${words.slice(-2).join(' ')}\``), words.join(' '));
  });
}

test('what every values file renders fits the schemas', needs('helm', 'kubeconform', 'kube-schemas'), () => {
  const documents = [...Object.values(releases), ...Object.values(services)].flatMap((release) =>
    render(release).stdout.split(/^---$/m),
  );
  // Most of them are in many releases.
  const different = [...new Set(documents.map((document) => document.trim()))].filter(Boolean);
  assert.deepEqual(problemsOf(different.join('\n---\n')), []);
});

test('every values file is that of a release', () => {
  const names = [...Object.keys(releases), ...Object.keys(services)].filter((name) => !name.includes(','));
  const files = names.map((name) => `${name}.yaml`);
  assert.deepEqual(readdirSync(join(chart, 'values')).toSorted(), files.toSorted());
});
