import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { locate } from '../servers/programs.ts';

export type Problem = Readonly<{ kind: string; name: string; message: string }>;

type Result = { kind: string; name: string; status: string; msg: string };

/**
 * What is wrong with manifests (YAML, several documents at once), by the schemas of Kubernetes, Traefik and Istio:
 * unknown fields and unknown kinds are wrong too. An empty list is a clean bill.
 */
export function problemsOf(manifests: string): Problem[] {
  const schemas = locate('kube-schemas');
  const { stdout, stderr, error } = spawnSync(
    locate('kubeconform'),
    [
      ...['-strict', '-output', 'json', '-verbose'],
      ...['-schema-location', join(schemas, 'core', '{{.ResourceKind}}{{.KindSuffix}}.json')],
      ...['-schema-location', join(schemas, 'crds', '{{.Group}}', '{{.ResourceKind}}_{{.ResourceAPIVersion}}.json')],
      '-',
    ],
    { input: manifests, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 },
  );
  if (error || stdout === '') throw new Error(`kubeconform did not run: ${error?.message ?? stderr}`);
  const { resources = [] }: { resources?: Result[] } = JSON.parse(stdout);
  if (resources.length === 0) throw new Error('There is no manifest in what was to be checked');
  return resources
    .filter(({ status }) => status !== 'statusValid')
    .map(({ kind, name, msg }) => ({ kind, name, message: msg }));
}
