import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { load, problemsOf } from '../harness.test.ts';
import { formatPath } from '../path.ts';
import { insecureFlags } from '../unsafe.ts';
import { dangers, dangersIn } from './dangers.ts';
import { examplesFor, pathOf, plain, specWith, stepsOf, withValue } from './harness.test.ts';

const allowing = 'insecure-pod-template';

for (const { where, message, expected } of dangers) {
  const [unsafe, safe] = examplesFor(where);

  test(`refused: ${where}, as ${unsafe.map((value) => JSON.stringify(value)).join(', ')}`, () => {
    for (const value of unsafe) {
      const found = dangersIn(specWith(where, value));
      assert.deepEqual(
        found.map(({ path, ...rest }) => ({ path: formatPath(path), ...rest })),
        [{ path: pathOf(where), message, expected }],
        JSON.stringify(value),
      );
    }
  });

  test(`not refused: ${where}, as ${safe.map((value) => JSON.stringify(value)).join(', ')}`, () => {
    for (const value of safe) assert.deepEqual(dangersIn(specWith(where, value)), [], JSON.stringify(value));
  });
}

const yamlOf = (spec: unknown) => JSON.stringify({ pods: { template: { spec } } });

test('everything dangerous is told at once, and only --insecure-pod-template allows it all the same', () => {
  const all = dangers.filter(({ where }) => !where.startsWith('initContainers'));
  const spec = all.reduce<unknown>(
    (built, { where }) => withValue(built, stepsOf(where), examplesFor(where)[0][0]),
    plain,
  );
  const problems = problemsOf(yamlOf(spec), { insecure: new Set(insecureFlags.filter((flag) => flag !== allowing)) });
  assert.deepEqual(
    problems.map(({ path }) => path).sort(),
    all.map(({ where }) => `pods.template.spec.${pathOf(where)}`).sort(),
  );
  for (const { hint } of problems) assert.equal(hint, `to do it all the same, start with --${allowing}`);
  const { config } = load(yamlOf(spec), { insecure: new Set([allowing]) });
  assert.deepEqual(config.pod_templates['default']?.spec, spec);
});

test('an annotation that frees a container of AppArmor is refused', () => {
  const yaml = (profile: string) =>
    JSON.stringify({
      pods: {
        template: {
          metadata: {
            annotations: { 'container.apparmor.security.beta.kubernetes.io/a': profile, note: 'unconfined' },
          },
          spec: plain,
        },
      },
    });
  const [problem, ...more] = problemsOf(yaml('unconfined'));
  assert.deepEqual(more, []);
  assert.equal(problem?.path, 'pods.template.metadata.annotations["container.apparmor.security.beta.kubernetes.io/a"]');
  assert.deepEqual(problemsOf(yaml('unconfined'), { insecure: new Set([allowing]) }), []);
  for (const profile of ['runtime/default', 'localhost/a']) assert.deepEqual(problemsOf(yaml(profile)), []);
});

test('docs/pod-templates.md names each of them', () => {
  const text = readFileSync(join(import.meta.dirname, '../../../docs/pod-templates.md'), 'utf8');
  const untold = dangers.filter(({ where }) => !text.includes(where.split('.').at(-1)?.replace('[]', '') ?? where));
  assert.deepEqual(untold, []);
});

const unknown: readonly (readonly [where: string, hint: string])[] = [
  ['hostnetwork', 'did you mean "hostNetwork"?'],
  ['containers[].securityContext.Privileged', 'did you mean "privileged"?'],
  ['containers[].resources.limit', 'did you mean "limits"?'],
  ['securityContext.newWayOut', 'to do it all the same, start with --insecure-pod-template'],
  ['volumes[].wormhole', 'to do it all the same, start with --insecure-pod-template'],
  ['initContainers[].securityContext.capabilities.keep', 'to do it all the same, start with --insecure-pod-template'],
];

for (const [where, hint] of unknown) {
  test(`a field that nobody here knows is refused: ${where}`, () => {
    const yaml = yamlOf(specWith(where, true));
    const [problem, ...more] = problemsOf(yaml);
    assert.deepEqual(more, []);
    assert.equal(problem?.path, `pods.template.spec.${pathOf(where)}`);
    assert.equal(problem?.hint, hint);
    assert.deepEqual(problemsOf(yaml, { insecure: new Set([allowing]) }), []);
  });
}
