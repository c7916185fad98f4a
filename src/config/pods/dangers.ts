/**
 * What a template may not say: the profile `restricted` of Kubernetes' Pod Security Standards, and what would let one payer's
 * pod reach another's, the node, or the cluster.
 */
import { expand } from './expand.ts';

export type Danger = Readonly<{
  /** In the `spec` of the pod; `[]` stands for each item. */
  where: string;
  isSafe: (value: unknown) => boolean;
  message: string;
  expected: string;
}>;

type Row = readonly [where: string, isSafe: Danger['isSafe'], message: string, expected: string];

const isAbsent = (value: unknown): boolean => value === undefined || value === null;
const isOff = (value: unknown): boolean => isAbsent(value) || value === false;
const isNot = (unsafe: unknown) => (value: unknown) => value !== unsafe;
const among =
  (...words: readonly unknown[]) =>
  (value: unknown) =>
    isAbsent(value) || words.includes(value);

/** Zero is no limit to the runtime of containers. Rules of the form: `resource.Quantity` of Kubernetes. */
const isQuantity = (value: unknown): boolean =>
  /^\+?(?=[\d.]*[1-9])(?:\d+\.?\d*|\.\d+)(?:[numkMGTPE]|[KMGTPE]i|[eE][+-]?\d+)?$/.test(String(value));

const isUser = (value: unknown): boolean => isAbsent(value) || (Number.isInteger(value) && Number(value) > 0);

const confined = among('RuntimeDefault', 'Localhost');

/** Those that the profile names as safe: they are the pod's own, not the node's. */
const safeSysctls = among(
  'kernel.shm_rmid_forced',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.ip_unprivileged_port_start',
  'net.ipv4.tcp_syncookies',
  'net.ipv4.ping_group_range',
  'net.ipv4.ip_local_reserved_ports',
  'net.ipv4.tcp_keepalive_time',
  'net.ipv4.tcp_fin_timeout',
  'net.ipv4.tcp_keepalive_intvl',
  'net.ipv4.tcp_keepalive_probes',
  'net.ipv4.tcp_rmem',
  'net.ipv4.tcp_wmem',
);

const controlPlane = ['node-role.kubernetes.io/control-plane', 'node-role.kubernetes.io/master'];

/** A toleration without a key is one of every taint. */
const isWorkerToleration = (value: unknown): boolean => {
  const key = Object(value).key;
  return typeof key === 'string' && key !== '' && !controlPlane.includes(key);
};

/** Classes of the cluster itself begin so. */
const isOrdinary = (value: unknown): boolean => !String(value).startsWith('system-');

const dropsAll = (value: unknown): boolean => isAbsent(value) || (Array.isArray(value) && value.includes('ALL'));

/** A claim is one volume, and the same one for every pod of the template. */
const isWrittenByNobody = (value: unknown): boolean => isAbsent(value) || Object(value).readOnly === true;

const leftOut = 'nothing';
const offOrOut = 'false, or left out';

// biome-ignore format: a table is read by its columns
const ofPod: readonly Row[] = [
  ['hostNetwork',                  isOff,              'the network of the node',                                   offOrOut],
  ['hostPID',                      isOff,              'the processes of the node',                                 offOrOut],
  ['hostIPC',                      isOff,              'the shared memory of the node',                             offOrOut],
  ['nodeName',                     isAbsent,           'chooses a node past the scheduler and its taints',          'nodeSelector'],
  ['tolerations[]',                isWorkerToleration, 'may run on the nodes of the control plane',                 'the key of another taint'],
  ['priority',                     isAbsent,           'a rank that priority classes give',                         'priorityClassName'],
  ['priorityClassName',            isOrdinary,         'comes before what the cluster itself needs',                'a class of your own'],
  ['serviceAccountName',           among('', 'default'), 'the rights of a service account',                         leftOut],
  ['serviceAccount',               among('', 'default'), 'the rights of a service account',                         leftOut],
  ['automountServiceAccountToken', isOff,              'a token of the API server, for whoever pays',               offOrOut],
  ['ephemeralContainers',          isAbsent,           'cannot be there when a pod is created',                     'containers'],
  ['securityContext.sysctls[].name', safeSysctls,      'a setting of the node’s kernel',                            'one that belongs to the pod alone'],
];

// biome-ignore format: a table is read by its columns
const ofVolume: readonly Row[] = [
  ['hostPath',                                isAbsent,          'files of the node',                           'emptyDir'],
  ['projected.sources[].serviceAccountToken', isAbsent,          'a token of the API server, for whoever pays', leftOut],
  ['projected.sources[].podCertificate',      isAbsent,          'a certificate of the service account',        leftOut],
  ['persistentVolumeClaim',                   isWrittenByNobody, 'written by the pods of all payers',           'readOnly: true, or ephemeral'],
];

/** Storage named in the pod itself, past the claims that an administrator gave. */
const foreignVolumes = [
  ...[
    'awsElasticBlockStore',
    'azureDisk',
    'azureFile',
    'cephfs',
    'cinder',
    'fc',
    'flexVolume',
    'flocker',
    'gcePersistentDisk',
  ],
  ...['gitRepo', 'glusterfs', 'iscsi', 'nfs', 'photonPersistentDisk', 'portworxVolume', 'quobyte', 'rbd', 'scaleIO'],
  ...['storageos', 'vsphereVolume'],
];

// biome-ignore format: a table is read by its columns
const ofSecurity: readonly Row[] = [
  ['runAsUser',                 isUser,      'root',                                      'a user from 1 on'],
  ['runAsNonRoot',              isNot(false), 'may be root',                              'true, or left out'],
  ['seccompProfile.type',       confined,    'every call of the kernel',                  'RuntimeDefault or Localhost'],
  ['appArmorProfile.type',      confined,    'not confined by AppArmor',                  'RuntimeDefault or Localhost'],
  ['seLinuxOptions.type',       among('', 'container_t', 'container_init_t', 'container_kvm_t', 'container_engine_t'),
                                             'a type that is not of containers',          'container_t'],
  ['seLinuxOptions.user',       among(''),   'another user of SELinux',                   leftOut],
  ['seLinuxOptions.role',       among(''),   'another role of SELinux',                   leftOut],
  ['windowsOptions.hostProcess', isOff,      'a process of the node',                     offOrOut],
];

// biome-ignore format: a table is read by its columns
const ofContainer: readonly Row[] = [
  ['resources.requests.cpu',                  isQuantity, 'no share of the processors is set aside',      'a quantity such as 100m'],
  ['resources.requests.memory',               isQuantity, 'no memory is set aside',                       'a quantity such as 128Mi'],
  ['resources.limits.cpu',                    isQuantity, 'no limit: it may take every processor',        'a quantity such as 500m'],
  ['resources.limits.memory',                 isQuantity, 'no limit: it may take all of the memory',      'a quantity such as 256Mi'],
  ['ports[].hostPort',                        among(0),   'a port of the node',                           leftOut],
  ['ports[].hostIP',                          among(''),  'an address of the node',                       leftOut],
  ['securityContext.privileged',              isOff,      'everything that the node may do',              offOrOut],
  ['securityContext.allowPrivilegeEscalation', isOff,     'may become more than it began as',             offOrOut],
  ['securityContext.capabilities.add[]',      among('NET_BIND_SERVICE'), 'a right that root has',         'NET_BIND_SERVICE alone'],
  ['securityContext.capabilities.drop',       dropsAll,   'keeps rights that root has',                   'ALL among them'],
  ['securityContext.procMount',               among('Default'), 'what /proc hides of the node',           'Default'],
  ['volumeMounts[].mountPropagation',         among('None', 'HostToContainer'), 'mounts on the node',     leftOut],
];

/** The kubelet asks there, from the node, past every network policy. */
const asked = ['livenessProbe', 'readinessProbe', 'startupProbe', 'lifecycle.postStart', 'lifecycle.preStop'].flatMap(
  (probe) => [`${probe}.httpGet.host`, `${probe}.tcpSocket.host`],
);

const below = (prefix: string, rows: readonly Row[]): Row[] =>
  rows.map(([where, ...rest]) => [`${prefix}${where}`, ...rest]);

const containerRows = [
  ...ofContainer,
  ...below('securityContext.', ofSecurity),
  ...asked.map((where): Row => [where, among(''), 'has the node ask other machines', leftOut]),
];

const rows: readonly Row[] = [
  ...ofPod,
  ...below('securityContext.', ofSecurity),
  ...below('volumes[].', ofVolume),
  ...foreignVolumes.map(
    (kind): Row => [`volumes[].${kind}`, isAbsent, 'storage that is not the pod’s own', 'emptyDir or ephemeral'],
  ),
  ...['initContainers[].', 'containers[].'].flatMap((list) => below(list, containerRows)),
];

export const dangers: readonly Danger[] = rows.map(([where, isSafe, message, expected]) => ({
  where,
  isSafe,
  message,
  expected,
}));

/** Where AppArmor was said before it had a field; the API server takes it still. */
const appArmorPrefix = 'container.apparmor.security.beta.kubernetes.io/';

/** Of a template's annotations, by their places there. */
export const dangersInAnnotations = (annotations: unknown) =>
  Object.entries(Object(annotations)).flatMap(([key, value]) =>
    key.startsWith(appArmorPrefix) && !/^(?:runtime\/default|localhost\/.+|)$/.test(String(value))
      ? [{ path: [key], message: 'not confined by AppArmor', expected: 'runtime/default or localhost/…' }]
      : [],
  );

/** Everything in the `spec` that a payer's pod should not have, by its place there. */
export const dangersIn = (spec: unknown) =>
  dangers.flatMap(({ where, isSafe, message, expected }) =>
    expand(spec, where).flatMap(({ path, value }) => (isSafe(value) ? [] : [{ path, message, expected }])),
  );
