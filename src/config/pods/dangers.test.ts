import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { load, problemsOf } from '../harness.test.ts';
import { formatPath } from '../path.ts';
import { insecureFlags } from '../unsafe.ts';
import { dangers, dangersIn } from './dangers.ts';

const allowing = 'insecure-pod-template';

type Examples = readonly [unsafe: readonly unknown[], safe: readonly unknown[]];

const on: Examples = [
  [true, 'true', 1],
  [false, null],
];
const text = (...safe: readonly unknown[]): Examples => [['other'], ['', null, ...safe]];
const quantity: Examples = [
  [null, 0, '0', '0Mi', 'much', '-1', '', '{{ amount }}', {}],
  [1, 0.5, '100m', '1Gi', '+2', '1e3', '.5'],
];

/** For the `where` of each danger, without the list of containers: what is refused there, and what is not. */
const examples: Readonly<Record<string, Examples>> = {
  hostNetwork: on,
  hostPID: on,
  hostIPC: on,
  nodeName: [['node-1', '', '{{ pod }}'], [null]],
  'tolerations[]': [
    [
      { operator: 'Exists' },
      { key: '', operator: 'Exists' },
      { key: 'node-role.kubernetes.io/control-plane' },
      { key: 'node-role.kubernetes.io/master', operator: 'Exists', effect: 'NoSchedule' },
    ],
    [{ key: 'paid', operator: 'Exists' }],
  ],
  priority: [[1_000_000], [null]],
  priorityClassName: [
    ['system-node-critical', 'system-cluster-critical'],
    ['paid-pods', ''],
  ],
  serviceAccountName: text('default'),
  serviceAccount: text('default'),
  automountServiceAccountToken: on,
  ephemeralContainers: [[[]], [null]],
  'securityContext.sysctls[].name': [['kernel.msgmax', '{{ unit }}'], ['net.ipv4.tcp_syncookies']],
  'volumes[].hostPath': [[{ path: '/' }], [null]],
  'volumes[].projected.sources[].serviceAccountToken': [[{ path: 'token' }], [null]],
  'volumes[].projected.sources[].podCertificate': [[{ signerName: 'a/b' }], [null]],
  'volumes[].persistentVolumeClaim': [
    [{ claimName: 'a' }, { claimName: 'a', readOnly: false }],
    [{ claimName: 'a', readOnly: true }],
  ],
  'securityContext.runAsUser': [
    [0, -1, '0', '1000'],
    [1, 1000, null],
  ],
  'securityContext.runAsNonRoot': [[false], [true, null]],
  'securityContext.seccompProfile.type': [['Unconfined'], ['RuntimeDefault', 'Localhost']],
  'securityContext.appArmorProfile.type': [['Unconfined'], ['RuntimeDefault', 'Localhost']],
  'securityContext.seLinuxOptions.type': [['spc_t'], ['container_t', '']],
  'securityContext.seLinuxOptions.user': text(),
  'securityContext.seLinuxOptions.role': text(),
  'securityContext.windowsOptions.hostProcess': on,
  'resources.requests.cpu': quantity,
  'resources.requests.memory': quantity,
  'resources.limits.cpu': quantity,
  'resources.limits.memory': quantity,
  'ports[].hostPort': [
    [80, '80'],
    [0, null],
  ],
  'ports[].hostIP': text(),
  'securityContext.privileged': on,
  'securityContext.allowPrivilegeEscalation': on,
  'securityContext.capabilities.add[]': [['SYS_ADMIN', 'ALL', 'net_bind_service'], ['NET_BIND_SERVICE']],
  'securityContext.capabilities.drop': [
    [[], ['NET_RAW']],
    [['ALL'], ['ALL', 'NET_RAW']],
  ],
  'securityContext.procMount': [['Unmasked'], ['Default']],
  'volumeMounts[].mountPropagation': [['Bidirectional'], ['None', 'HostToContainer']],
};

const examplesFor = (where: string): Examples => {
  const own = where.replace(/^(initContainers|containers)\[\]\./, '');
  if (/\.(httpGet|tcpSocket)\.host$/.test(own)) return text();
  if (/^volumes\[\]\.[a-zA-Z]+$/.test(own) && !(own in examples)) return [[{}, { any: 'thing' }], [null]];
  return examples[own] ?? assert.fail(`no example of ${where}`);
};

const resources = { requests: { cpu: 1, memory: '1Mi' }, limits: { cpu: 1, memory: '1Mi' } };
const container = { name: 'a', image: 'b', resources };
const plain = { volumes: [{ name: 'v' }], initContainers: [container], containers: [container] };

/** `spec` with a value at the place; lists get or have one item. */
const withValue = (spec: unknown, steps: readonly string[], value: unknown): unknown => {
  const [step, ...rest] = steps;
  if (step === undefined) return value;
  if (step === '[]') return [withValue(Array.isArray(spec) ? spec[0] : {}, rest, value)];
  return { ...Object(spec), [step]: withValue(Object(spec)[step], rest, value) };
};

const specWith = (where: string, value: unknown) => withValue(plain, stepsOf(where), value);
const stepsOf = (where: string) => where.replaceAll('[]', '.[]').split('.');
const pathOf = (where: string) => where.replaceAll('[]', '[0]');

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
