/** The release that stands for each folder of plain manifests. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkout, type Release } from './helm.ts';

export type Folder = 'nginx' | 'traefik' | 'istio' | 'gateway-api' | 'pods' | 'egress';

const valuesOf = (name: string) => ['--values', `charts/sallyport/values/${name}.yaml`];

export const releases: Readonly<Record<Folder, Release>> = {
  nginx: { release: 'sallyport', namespace: 'sallyport', words: valuesOf('nginx') },
  traefik: { release: 'sallyport', namespace: 'sallyport', words: valuesOf('traefik') },
  istio: { release: 'sallyport', namespace: 'sallyport', words: valuesOf('istio') },
  'gateway-api': { release: 'sallyport', namespace: 'sallyport', words: valuesOf('gateway-api') },
  pods: { release: 'sallyport', namespace: 'sallyport', words: [...valuesOf('nginx'), ...valuesOf('pods')] },
  egress: {
    release: 'egress-proxy',
    namespace: 'egress',
    words: [...valuesOf('egress'), '--set-file', 'configText=examples/egress/sallyport.yaml'],
  },
};

export const foldersOfChart = Object.keys(releases) as Folder[];

/** The command in the head of a values file, in one line, as its words. */
export const commandOf = (folder: Folder): string => {
  const text = readFileSync(join(checkout, 'charts/sallyport/values', `${folder}.yaml`), 'utf8');
  return text
    .split('\n')
    .filter((line) => line.startsWith('#'))
    .map((line) => line.slice(1).trim().replace(/\\$/, ''))
    .join(' ')
    .replaceAll(/\s+/g, ' ');
};
