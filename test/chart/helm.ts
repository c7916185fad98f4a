/** The chart as Helm renders it. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { Resource } from '../k8s/manifests.ts';
import { locate } from '../servers/programs.ts';

export const checkout = join(import.meta.dirname, '..', '..');
export const chart = join(checkout, 'charts', 'sallyport');

export type Release = Readonly<{ release: string; namespace: string; words: readonly string[] }>;

export type Ran = Readonly<{ ok: boolean; stdout: string; stderr: string }>;

/** Runs from the checkout, so that paths are those that the documentation prints. `env`: in the place of the tests' own. */
export const helm = (words: readonly string[], env = process.env): Ran => {
  const { status, stdout, stderr } = spawnSync(locate('helm'), words, { cwd: checkout, encoding: 'utf8', env });
  return { ok: status === 0, stdout, stderr };
};

export const render = ({ release, namespace, words }: Release): Ran =>
  helm(['template', release, 'charts/sallyport', '--namespace', namespace, ...words]);

/** The objects of a release. Throws with Helm's own words where it renders none. */
export const objectsOf = (release: Release): Resource[] => {
  const { ok, stdout, stderr } = render(release);
  if (!ok) throw new Error(stderr);
  return parseAllDocuments(stdout)
    .map((document) => {
      const [error] = document.errors;
      if (error) throw error;
      return document.toJS() as Resource | null;
    })
    .filter((resource) => resource !== null);
};
