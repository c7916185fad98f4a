/** What the API server has before the first payment, as the manifests make it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { podAnnotations, podLabels } from '../../src/core/pod-marks.ts';
import type { Manifest } from '../../src/pods/cluster.ts';
import type { KubeApiserver } from '../servers/kube-apiserver.ts';

export const namespace = 'user-workloads';
export const podsPath = `/api/v1/namespaces/${namespace}/pods`;

const textOf = (file: string) => readFileSync(join(import.meta.dirname, '../../k8s/pods', file), 'utf8');

const quotaPath = `/api/v1/namespaces/${namespace}/resourcequotas/user-workloads`;

/** What the quota's controller does in a whole cluster: without it, the quota does not count. */
export const countQuota = async (
  { ask }: KubeApiserver,
  hard: Readonly<Record<string, string>>,
  path = quotaPath,
): Promise<void> => {
  const { body } = await ask('GET', path);
  const used = Object.fromEntries(Object.keys(hard).map((resource) => [resource, '0']));
  const { status, text } = await ask('PUT', `${path}/status`, { body: { ...body, status: { hard, used } } });
  if (status !== 200) throw new Error(`The quota's status cannot be set: ${text}`);
};

/** The namespaces, the quota and the Role of `k8s/pods`. */
export const prepareNamespace = async (kube: KubeApiserver): Promise<void> => {
  for (const file of ['00-namespace.yaml', '05-user-workloads.yaml', '08-access.yaml']) await kube.apply(textOf(file));
  await countQuota(kube, { pods: '110', services: '110' });
};

export type PodDraft = Readonly<{
  name: string;
  paymentId?: string;
  labels?: Readonly<Record<string, string>>;
  expires?: string;
}>;

/** One that every admission takes. */
export const podOf = ({ name, paymentId = 'c0ffee', labels = podLabels, expires }: PodDraft): Manifest => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name,
    labels,
    annotations: {
      [podAnnotations.payment]: paymentId,
      ...(expires !== undefined && { [podAnnotations.expires]: expires }),
    },
  },
  spec: {
    automountServiceAccountToken: false,
    securityContext: { runAsNonRoot: true, runAsUser: 65_532, seccompProfile: { type: 'RuntimeDefault' } },
    containers: [
      {
        name: 'workload',
        image: 'example.com/workload:1',
        securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
        resources: { requests: { cpu: '10m', memory: '16Mi' }, limits: { cpu: '10m', memory: '16Mi' } },
      },
    ],
  },
});

export const serviceOf = ({ name, paymentId = 'c0ffee', labels = podLabels }: PodDraft): Manifest => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, labels, annotations: { [podAnnotations.payment]: paymentId } },
  spec: { selector: { ...labels }, ports: [{ name: 'http', port: 80 }] },
});

/** What a kubelet tells of a pod that it runs. */
export const setReady = async ({ ask }: KubeApiserver, name: string, ip = '10.1.2.3'): Promise<void> => {
  const { status, text } = await ask('PATCH', `${podsPath}/${name}/status`, {
    contentType: 'application/merge-patch+json',
    body: {
      status: {
        phase: 'Running',
        podIP: ip,
        podIPs: [{ ip }],
        conditions: [{ type: 'Ready', status: 'True' }],
      },
    },
  });
  if (status !== 200) throw new Error(`The pod's status cannot be set: ${text}`);
};
