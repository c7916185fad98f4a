/** From a template and a payment to what is sent to the API server. Pure: the same pod always gives the same objects. */

import type { PaidPod } from '../core/pod.ts';
import { instanceLabel, podAnnotations, podLabels } from '../core/pod-marks.ts';
import { fillPlaces, isList, isObject, type JsonObject, type PodTemplate } from '../core/pod-template.ts';
import type { Manifest } from './cluster.ts';
import { harden } from './hardened.ts';

export type RenderOptions = Readonly<{
  namespace: string;
  /** `pods.max_lifetime`: Kubernetes lets `activeDeadlineSeconds` shrink alone, so that no extension could move it. */
  longestMs: number;
}>;

/** The API server ends a pod by itself only where nobody else did in time. */
const BACKSTOP_SECONDS = 60;

const metadataOf = (template: PodTemplate, pod: PaidPod, { namespace }: RenderOptions): JsonObject => ({
  name: pod.name,
  namespace,
  labels: {
    'app.kubernetes.io/name': template.name,
    'app.kubernetes.io/component': 'user-pod',
    ...fillPlaces(template.labels, pod),
    [instanceLabel]: pod.name,
    ...podLabels,
  },
  annotations: {
    ...fillPlaces(template.annotations, pod),
    [podAnnotations.payment]: pod.paymentId,
    [podAnnotations.amount]: `${pod.amount} ${pod.unit}`,
    [podAnnotations.expires]: new Date(pod.expiresAtMs).toISOString(),
    [podAnnotations.template]: template.name,
  },
});

export const renderPod = (template: PodTemplate, pod: PaidPod, options: RenderOptions): Manifest => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: metadataOf(template, pod, options),
  spec: {
    ...harden(fillPlaces(template.spec, pod)),
    activeDeadlineSeconds: Math.ceil(options.longestMs / 1000) + BACKSTOP_SECONDS,
  },
});

type ServicePort = Readonly<{ name: string; port: number; targetPort: number; protocol: string }>;

const itemsAt = (parent: JsonObject, key: string): readonly JsonObject[] => {
  const value = parent[key];
  return value !== undefined && isList(value) ? value.filter(isObject) : [];
};

/** Those of the containers, each once. */
export const portsOf = ({ spec }: PodTemplate): readonly ServicePort[] => {
  const found = new Map<string, ServicePort>();
  for (const container of itemsAt(spec, 'containers')) {
    for (const { containerPort: port, protocol = 'TCP' } of itemsAt(container, 'ports')) {
      if (typeof port !== 'number' || typeof protocol !== 'string') continue;
      // Two containers may give their ports the same name; a Service may not.
      const name = `${protocol.toLowerCase()}-${port}`;
      found.set(name, { name, port, targetPort: port, protocol });
    }
  }
  return [...found.values()];
};

/** Of the pod's name, so that `NAME.NAMESPACE.svc` is the pod. */
export const renderService = (template: PodTemplate, pod: PaidPod, options: RenderOptions): Manifest => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: metadataOf(template, pod, options),
  spec: { type: 'ClusterIP', selector: { ...podLabels, [instanceLabel]: pod.name }, ports: portsOf(template) },
});
