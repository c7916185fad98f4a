// Holds no tests: examples of dangers, for the tests of the table and for those before a real API server.
import assert from 'node:assert/strict';

type Examples = readonly [unsafe: readonly unknown[], safe: readonly unknown[]];

const on: Examples = [
  [true, 'true', 1],
  [false, null],
];
const text = (...safe: readonly unknown[]): Examples => [['other'], ['', null, ...safe]];
const quantity: Examples = [
  [null, 0, '0', '0Mi', '0e5', '0.0', 'much', '-1', '', '{{ amount }}', {}],
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

export const examplesFor = (where: string): Examples => {
  const own = where.replace(/^(initContainers|containers)\[\]\./, '');
  if (/\.(httpGet|tcpSocket)\.host$/.test(own)) return text();
  if (/^volumes\[\]\.[a-zA-Z]+$/.test(own) && !(own in examples)) return [[{}, { any: 'thing' }], [null]];
  return examples[own] ?? assert.fail(`no example of ${where}`);
};

const resources = { requests: { cpu: 1, memory: '1Mi' }, limits: { cpu: 1, memory: '1Mi' } };
const container = { name: 'a', image: 'b', resources };
/** A `spec` that is fine. */
export const plain = { volumes: [{ name: 'v' }], initContainers: [container], containers: [container] };

/** `spec` with a value at the place; lists get or have one item. */
export const withValue = (spec: unknown, steps: readonly string[], value: unknown): unknown => {
  const [step, ...rest] = steps;
  if (step === undefined) return value;
  if (step === '[]') return [withValue(Array.isArray(spec) ? spec[0] : {}, rest, value)];
  return { ...Object(spec), [step]: withValue(Object(spec)[step], rest, value) };
};

export const specWith = (where: string, value: unknown, spec: unknown = plain) =>
  withValue(spec, stepsOf(where), value);
export const stepsOf = (where: string) => where.replaceAll('[]', '.[]').split('.');
export const pathOf = (where: string) => where.replaceAll('[]', '[0]');
