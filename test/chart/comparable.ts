/** An object without what only Helm's has, and without the order of what has none. */
import { parse } from 'yaml';
import { at, type Resource } from '../k8s/manifests.ts';

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Helm's guidelines ask for these, and a pod is made anew when its configuration changes. */
const ofHelm =
  /^(helm\.sh\/(chart|resource-policy)|app\.kubernetes\.io\/(instance|managed-by)|checksum\/(configuration|pod-templates))$/;

const withoutHelm = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(withoutHelm);
  if (!isFields(value)) return value;
  const kept = Object.entries(value)
    // What Kubernetes does by itself with an image that has a tag.
    .filter(([name, inner]) => !(ofHelm.test(name) || (name === 'imagePullPolicy' && inner === 'IfNotPresent')))
    .map(([name, inner]) => [name, withoutHelm(inner)] as const)
    // Annotations that were Helm's alone leave an empty field.
    .filter(([name, inner]) => name !== 'annotations' || !isFields(inner) || Object.keys(inner).length > 0);
  return Object.fromEntries(kept);
};

const sorted = (values: readonly unknown[]): unknown[] =>
  values.toSorted((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)));

/** Rules of a network policy, its peers and ports, volumes, variables and groups of alerts come in any order. */
const unordered = new Set([
  'parentRefs',
  'ingress',
  'egress',
  'from',
  'to',
  'ports',
  'volumes',
  'volumeMounts',
  'env',
  'policyTypes',
  'groups',
]);

const inOrder = (value: unknown, name = ''): unknown => {
  if (Array.isArray(value)) {
    const inner = value.map((entry) => inOrder(entry));
    return unordered.has(name) ? sorted(inner) : inner;
  }
  if (!isFields(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .toSorted()
      .map((key) => [key, inOrder(value[key], key)]),
  );
};

/** A file that is YAML means what it says, whatever its comments and its quotes. */
const meant = (resource: Resource): Resource => {
  const data = at(resource, 'data');
  if (resource.kind !== 'ConfigMap' || !isFields(data)) return resource;
  const files = Object.entries(data).map(([name, text]) => [
    name,
    /\.(ya?ml|json)$/.test(name) && typeof text === 'string' ? parse(text) : text,
  ]);
  return { ...resource, data: Object.fromEntries(files) };
};

export const comparable = (resource: Resource): unknown => inOrder(withoutHelm(meant(resource)));

export const nameOf = ({ apiVersion, kind, metadata }: Resource): string =>
  `${apiVersion} ${kind} ${metadata.namespace ?? ''}/${metadata.name}`;
