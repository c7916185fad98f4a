import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { PaidPod } from '../../core/pod.ts';
import { renderPod, renderService } from '../../pods/manifest.ts';
import { load, problemsOf } from '../harness.test.ts';
import { formatProblem } from '../problem.ts';

const options = { namespace: 'user-workloads', longestMs: 1000 };

const resources = 'resources: { requests: { cpu: 1, memory: 1Mi }, limits: { cpu: 1, memory: 1Mi } }';
const container = `{ name: a, image: b, ${resources} }`;
const spec = `{ containers: [${container}] }`;

const inline = (template: string) => `pods: { template: ${template} }`;

/** Without line and column. */
const linesOf = (yaml: string, files: Readonly<Record<string, string>> = {}): string[] =>
  problemsOf(yaml, { files }).map((problem) =>
    formatProblem(problem)
      .replace(/:\d+:\d+ /, ' ')
      .replace(/^\/.*\//, ''),
  );

const forms: readonly (readonly [what: string, template: string])[] = [
  ['a PodTemplateSpec', `{ metadata: { labels: { team: a } }, spec: ${spec} }`],
  [
    'a PodTemplate',
    `{ apiVersion: v1, kind: PodTemplate, metadata: { name: x }, template: { metadata: { labels: { team: a } }, spec: ${spec} } }`,
  ],
  ['a Pod', `{ apiVersion: v1, kind: Pod, metadata: { labels: { team: a } }, spec: ${spec} }`],
];

for (const [what, template] of forms) {
  test(`${what} is a template, in the configuration and in a file`, () => {
    const expected = {
      name: 'default',
      labels: { team: 'a' },
      annotations: {},
      spec: {
        containers: [
          {
            name: 'a',
            image: 'b',
            resources: { requests: { cpu: 1, memory: '1Mi' }, limits: { cpu: 1, memory: '1Mi' } },
          },
        ],
      },
    };
    assert.deepEqual(load(inline(template)).config.pod_templates, { default: expected });
    const { config } = load('pods: { templates: { gpu: "file:gpu.yaml" } }', { files: { 'gpu.yaml': template } });
    assert.deepEqual(config.pod_templates, { gpu: { ...expected, name: 'gpu' } });
    assert.ok(Object.isFrozen(config.pod_templates['gpu']?.spec['containers']));
  });
}

const wrong: readonly (readonly [what: string, template: string, lines: readonly string[]])[] = [
  ['no spec', '{ metadata: {} }', ['pods.template.spec: missing; expected the spec of a pod, with containers']],
  [
    'a PodTemplate without a template',
    '{ kind: PodTemplate, spec: {} }',
    [
      'pods.template.template.spec: missing; expected the spec of a pod, with containers',
      'pods.template.spec: unknown key; expected one of apiVersion, kind, metadata, template',
    ],
  ],
  [
    'another kind',
    `{ apiVersion: apps/v1, kind: Deployment, spec: ${spec} }`,
    [
      'pods.template.apiVersion: not the version of pods; found "apps/v1", expected v1',
      'pods.template.kind: not a template of pods; found "Deployment", expected Pod or PodTemplate',
    ],
  ],
  [
    'no containers',
    '{ spec: { containers: [] } }',
    ['pods.template.spec.containers: missing; expected a list of one container or more'],
  ],
  [
    'a container that is none, and one without name and image',
    `{ spec: { containers: [{ ${resources} }], initContainers: [{ name: "", image: 5, ${resources} }] } }`,
    [
      'pods.template.spec.containers[0].name: missing; expected text',
      'pods.template.spec.containers[0].image: missing; expected text',
      'pods.template.spec.initContainers[0].name: not a text of its own; expected text',
      'pods.template.spec.initContainers[0].image: not a text of its own; expected text',
    ],
  ],
  [
    'a name, a namespace, finalizers',
    `{ metadata: { name: a, namespace: kube-system, finalizers: [a] }, spec: ${spec} }`,
    ['name', 'namespace', 'finalizers'].map(
      (key) =>
        `pods.template.metadata.${key}: is not for a template to say: each pod gets its own; expected labels and annotations alone`,
    ),
  ],
  [
    'labels and annotations that are ours',
    `{ metadata: { labels: { app: a, app.kubernetes.io/instance: b, app.kubernetes.io/name: c }, annotations: { sallyport.dev/expires: never } }, spec: ${spec} }`,
    [
      'pods.template.metadata.labels.app: set by Sallyport on every pod; leave it out',
      'pods.template.metadata.labels["app.kubernetes.io/instance"]: set by Sallyport on every pod; leave it out',
      'pods.template.metadata.annotations["sallyport.dev/expires"]: set by Sallyport on every pod; leave it out',
    ],
  ],
  [
    'labels that are no text',
    `{ metadata: { labels: { version: 1 }, annotations: [] }, spec: ${spec} }`,
    [
      'pods.template.metadata.labels.version: not text; found a number; put it in quotes',
      'pods.template.metadata.annotations: not a mapping; found a list',
    ],
  ],
  [
    'a deadline of its own',
    `{ spec: { activeDeadlineSeconds: 5, containers: [${container}] } }`,
    ['pods.template.spec.activeDeadlineSeconds: set by Sallyport on every pod; pods.max_lifetime says how long'],
  ],
  [
    'a place that nothing is put into',
    `{ spec: { hostname: "{{ request.path }}", containers: [${container}] } }`,
    [
      `pods.template.spec.hostname: nothing can be put here; found "{{ request.path }}", expected one of {{ pod }} {{ payment }} {{ amount }} {{ unit }} {{ expires }} {{ '{{' }}`,
    ],
  ],
  [
    'a number that JSON does not have',
    `{ spec: { terminationGracePeriodSeconds: .inf, containers: [${container}] } }`,
    ['pods.template.spec.terminationGracePeriodSeconds: not a number that JSON has'],
  ],
];

for (const [what, template, lines] of wrong) {
  test(`no template, with or without --insecure-pod-template: ${what}`, () => {
    assert.deepEqual(
      linesOf(inline(template)),
      lines.map((line) => `sallyport.yaml ${line}`),
    );
    assert.equal(problemsOf(inline(template), { insecure: new Set(['insecure-pod-template']) }).length, lines.length);
  });
}

test('what is wrong in a file is told with the line there, after what is wrong in the configuration', () => {
  const files = {
    'pod.yaml': `spec:\n  hostPID: true\n  containers:\n    - name: a\n      image: b\n      ${resources}\n      securityContext:\n        privileged: true\n`,
  };
  const lines = problemsOf('workers: 0\npods: { template: "file:pod.yaml" }', { files }).map(formatProblem);
  assert.deepEqual(
    lines.map((line) => line.replace(/^\/.*\/(?=pod\.yaml)/, '')),
    [
      'sallyport.yaml:1:10 workers: out of range; found 0, expected a whole number, from 1 to 1024',
      'pod.yaml:2:12 spec.hostPID: the processes of the node; found true, expected false, or left out; to do it all the same, start with --insecure-pod-template',
      'pod.yaml:8:21 spec.containers[0].securityContext.privileged: everything that the node may do; found true, expected false, or left out; to do it all the same, start with --insecure-pod-template',
    ],
  );
});

test('a file that is no YAML, or no template, or is not there', () => {
  const yaml = 'pods: { template: "file:pod.yaml" }';
  const [slip, ...others] = problemsOf(yaml, { files: { 'pod.yaml': 'spec: [' } });
  assert.deepEqual([slip?.line, slip?.path, others], [1, '', []]);
  assert.deepEqual(linesOf(yaml, { 'pod.yaml': '' }), [
    'pod.yaml spec: missing; expected the spec of a pod, with containers',
  ]);
  const [missing, ...more] = problemsOf(yaml);
  assert.deepEqual(more, []);
  assert.match(missing?.message ?? '', /pod\.yaml: no such file$/);
  assert.deepEqual(problemsOf(yaml, { allowMissingVariables: true }), []);
  assert.deepEqual(
    problemsOf('pods: { template: "file:" }').map(({ message }) => message),
    ['names no file'],
  );
});

test('variables are those of the configuration: in a file `${` is the text of whoever runs there', () => {
  const template = `{ spec: { containers: [{ name: a, image: b, args: ["\${GREETING}"], ${resources} }] } }`;
  const env = { GREETING: 'hello' };
  const args = (config: ReturnType<typeof load>['config']) =>
    Object(config.pod_templates['default']?.spec['containers'])[0].args;
  assert.deepEqual(args(load(inline(template), { env }).config), ['hello']);
  const files = { 'pod.yaml': template };
  assert.deepEqual(args(load('pods: { template: "file:pod.yaml" }', { env, files }).config), [`\${GREETING}`]);
});

test('whoever pays may read the secrets of a template, and the operator is told so', () => {
  const template = `{ spec: { volumes: [{ name: v, secret: { secretName: tls } }], containers: [{ name: a, image: b, env: [{ name: A, valueFrom: { secretKeyRef: { name: api, key: a } } }], envFrom: [{ secretRef: { name: api } }], ${resources} }] } }`;
  assert.deepEqual(load(inline(template)).notices, [
    'pods is on, but no rule starts one',
    'whoever pays for a pod of the template default may read the Secret tls',
    'whoever pays for a pod of the template default may read the Secret api',
  ]);
});

test('whatever is written as a template is read or refused, and what was read can be sent', () => {
  const pod: PaidPod = {
    name: 'user-pod-0123456789ab',
    template: 'default',
    paymentId: 'c0ffee',
    amount: 1,
    unit: 'sat',
    stage: 'wanted',
    runsMs: 1000,
    expiresAtMs: 0,
  };
  const key = fc.constantFrom(
    'metadata',
    'spec',
    'template',
    'kind',
    'containers',
    'volumes',
    'ports',
    'securityContext',
  );
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 6 },
      fc.constantFrom<unknown>(null, 0, -1, 1.5, true, '', 'PodTemplate', '{{ pod }}', '{{'),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(key, tie('value')),
    ),
  }));
  const insecure = new Set(['insecure-pod-template']);
  let read = 0;
  fc.assert(
    fc.property(value, value, (spec, written) => {
      const containers = [{ name: 'a', image: 'b', securityContext: written, ports: [written] }];
      for (const template of [written, { spec }, { spec: { volumes: spec, securityContext: spec, containers } }]) {
        const yaml = JSON.stringify({ pods: { template } });
        if (problemsOf(yaml, { insecure }).length > 0) continue;
        const found = load(yaml, { insecure }).config.pod_templates['default'] ?? assert.fail('no template');
        JSON.stringify([renderPod(found, pod, options), renderService(found, pod, options)]);
        read += 1;
      }
    }),
    { numRuns: 60 },
  );
  assert.ok(read > 0);
});
