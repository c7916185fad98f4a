/** The release that stands for each folder of plain manifests. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { documentsOf, filesOf, type Resource } from '../k8s/manifests.ts';
import { checkout, type Release } from './helm.ts';

export type Installed = Release &
  Readonly<{
    /** Folders of k8s/ that together are what it installs. */
    folders: readonly string[];
    /** What of them it does not install: files, which another folder takes the place of, or objects, `Kind name`. */
    without?: readonly string[];
  }>;

const valuesOf = (...names: readonly string[]) =>
  names.flatMap((name) => ['--values', `charts/sallyport/values/${name}.yaml`]);

const gate = { release: 'sallyport', namespace: 'sallyport' } as const;

/** By the values file that is its own. */
export const releases: Readonly<Record<string, Installed>> = {
  nginx: { ...gate, folders: ['nginx'], words: valuesOf('nginx') },
  traefik: { ...gate, folders: ['traefik'], words: valuesOf('traefik') },
  istio: { ...gate, folders: ['istio'], words: valuesOf('istio') },
  'gateway-api': { ...gate, folders: ['gateway-api'], words: valuesOf('gateway-api') },
  pods: { ...gate, folders: ['pods'], words: valuesOf('nginx', 'pods') },
  monitoring: {
    ...gate,
    folders: ['nginx', 'monitoring'],
    // Of other releases.
    without: ['ServiceMonitor sallyport-others', 'PodMonitor sallyport-resolver'],
    words: valuesOf('nginx', 'monitoring'),
  },
  egress: {
    release: 'egress-proxy',
    namespace: 'egress',
    folders: ['egress'],
    words: [...valuesOf('egress'), '--set-file', 'configText=examples/egress/sallyport.yaml'],
  },
};

/** The plain objects that a release stands for. */
export const plainOf = ({ folders, without = [], namespace }: Installed): Resource[] => {
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
  return resources;
};

/** The command in the head of a values file, in one line. */
export const commandOf = (name: string): string =>
  readFileSync(join(checkout, 'charts/sallyport/values', `${name}.yaml`), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('#'))
    .map((line) => line.slice(1).trim().replace(/\\$/, ''))
    .join(' ')
    .replaceAll(/\s+/g, ' ');
