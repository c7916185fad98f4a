/** The release that stands for each folder of plain manifests. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { at, documentsOf, filesOf, listAt, type Resource } from '../k8s/manifests.ts';
import { nameOf } from './comparable.ts';
import { checkout, type Release } from './helm.ts';

export type Installed = Release &
  Readonly<{
    /** Folders of k8s/ that together are what it installs, as if applied one after the other. */
    folders: readonly string[];
    /** What of them it does not install: files, which another folder takes the place of, or objects, as `Kind name`. */
    without?: readonly string[];
    /** The namespace of the one that is there, where the folder lets several in and says that the others are to be taken out. */
    controller?: string;
  }>;

const valuesOf = (...names: readonly string[]) =>
  names.flatMap((name) => ['--values', `charts/sallyport/values/${name}.yaml`]);

/** Of the whole cluster, and somebody's account. */
const issuer = 'ClusterIssuer letsencrypt';

const gate = { release: 'sallyport', namespace: 'sallyport' } as const;

/** Services whose neighbours stay plain manifests: their objects are of a shape of their own, and mean the same. */
export const services: Readonly<Record<string, Release>> = {
  'api-keys': {
    release: 'api-key-service',
    namespace: 'api-proxy',
    words: [...valuesOf('api-keys'), '--set-file', 'configText=examples/api-keys/sallyport.yaml'],
  },
  sandbox: {
    release: 'credential-resolver',
    namespace: 'credential-resolver',
    words: [...valuesOf('sandbox'), '--set-file', 'configText=examples/sandbox/sallyport.yaml'],
  },
};

/** By the values file that is its own; with a comma, that with a value or two changed. */
export const releases: Readonly<Record<string, Installed>> = {
  nginx: { ...gate, folders: ['nginx'], words: valuesOf('nginx') },
  traefik: { ...gate, folders: ['traefik'], words: valuesOf('traefik') },
  'traefik, older': {
    ...gate,
    folders: ['traefik', 'traefik/older-group'],
    without: ['traefik/70-ingressroute.yaml'],
    words: [...valuesOf('traefik'), '--set', 'front.traefik.olderGroup=true'],
  },
  'traefik, its provider': {
    ...gate,
    folders: ['traefik', 'traefik/ingress-nginx-provider'],
    without: ['traefik/70-ingressroute.yaml'],
    words: [...valuesOf('traefik'), '--set', 'front.type=traefik-ingress-nginx,front.className=nginx'],
  },
  istio: { ...gate, folders: ['istio'], words: valuesOf('istio') },
  'gateway-api': { ...gate, folders: ['gateway-api'], words: valuesOf('gateway-api') },
  tls: {
    ...gate,
    folders: ['nginx', 'nginx/with-tls'],
    without: [issuer],
    words: valuesOf('nginx', 'tls'),
  },
  'traefik, tls': {
    ...gate,
    folders: ['traefik', 'traefik/with-tls'],
    without: [issuer],
    words: valuesOf('traefik', 'tls'),
  },
  'istio, tls': { ...gate, folders: ['istio', 'istio/with-tls'], words: valuesOf('istio', 'tls') },
  'gateway-api, tls': {
    ...gate,
    folders: ['gateway-api', 'gateway-api/with-tls'],
    without: [issuer],
    words: valuesOf('gateway-api', 'tls'),
  },
  pods: { ...gate, folders: ['pods'], words: valuesOf('nginx', 'pods') },
  monitoring: {
    ...gate,
    folders: ['nginx', 'monitoring'],
    // Of other releases.
    without: ['ServiceMonitor sallyport-others', 'PodMonitor sallyport-resolver'],
    words: valuesOf('nginx', 'monitoring'),
  },
  replicas: {
    ...gate,
    folders: ['nginx', 'replicas'],
    without: ['nginx/20-storage.yaml'],
    controller: 'ingress-nginx',
    words: valuesOf('nginx', 'replicas'),
  },
  'pods, replicas': {
    ...gate,
    folders: ['pods', 'replicas', 'replicas/with-pods'],
    without: ['pods/20-storage.yaml'],
    controller: 'ingress-nginx',
    words: valuesOf('nginx', 'pods', 'replicas'),
  },
  egress: {
    release: 'egress-proxy',
    namespace: 'egress',
    folders: ['egress'],
    words: [...valuesOf('egress'), '--set-file', 'configText=examples/egress/sallyport.yaml'],
  },
};

const namespaces = ['ingress-nginx', 'traefik', 'istio-system', 'envoy-gateway-system'];

type Rule = Readonly<{ from?: readonly unknown[] }>;

/** A network policy without the other controllers. */
const narrowed = (resource: Resource, controller: string): Resource => {
  if (resource.kind !== 'NetworkPolicy') return resource;
  const isOther = (peer: unknown): boolean => {
    const labels = at(peer, 'namespaceSelector.matchLabels') as Readonly<Record<string, string>> | undefined;
    const name = labels?.['kubernetes.io/metadata.name'] ?? controller;
    return namespaces.includes(name) && name !== controller;
  };
  const ingress = (listAt(resource, 'spec.ingress') as Rule[])
    .map((rule) => ({ ...rule, ...(rule.from && { from: rule.from.filter((peer) => !isOther(peer)) }) }))
    .filter(({ from }) => from === undefined || from.length > 0);
  const spec = at(resource, 'spec') as object;
  return { ...resource, spec: 'ingress' in spec ? { ...spec, ingress } : spec };
};

/** The plain objects that a release stands for. */
export const plainOf = ({ folders, without = [], namespace, controller }: Installed): Resource[] => {
  const found = new Set<string>();
  const left = (name: string): boolean => {
    if (without.includes(name)) found.add(name);
    return without.includes(name);
  };
  /**
   * Helm makes the namespace that it installs into and takes nothing over that is there already, as a namespace's account
   * `default` is at once.
   */
  const isThere = ({ kind, metadata: { name } }: Resource) =>
    (kind === 'Namespace' && name === namespace) || (kind === 'ServiceAccount' && name === 'default');
  const resources = folders
    .flatMap(filesOf)
    .filter((file) => !left(file))
    .flatMap(documentsOf)
    .filter((resource) => !isThere(resource) && !left(`${resource.kind} ${resource.metadata.name}`));
  const unknown = without.filter((name) => !found.has(name));
  if (unknown.length > 0) throw new Error(`There is no ${unknown.join(', ')} in k8s/${folders.join(', k8s/')}`);
  const applied = [...new Map(resources.map((resource) => [nameOf(resource), resource])).values()];
  return controller === undefined ? applied : applied.map((resource) => narrowed(resource, controller));
};

/** The command in the head of a values file, in one line. */
export const commandOf = (name: string): string =>
  readFileSync(join(checkout, 'charts/sallyport/values', `${name}.yaml`), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('#'))
    .map((line) => line.slice(1).trim().replace(/\\$/, ''))
    .join(' ')
    .replaceAll(/\s+/g, ' ');
