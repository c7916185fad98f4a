/**
 * Every manifest before a real API server, as `kubectl apply --server-side --dry-run=server` would bring it: with the definitions
 * of what extends Kubernetes, their rules (CEL) and every admission, unknown fields refused.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { objectsOf } from '../chart/helm.ts';
import { releases, services } from '../chart/releases.ts';
import { type KubeApiserver, startKubeApiserver } from '../servers/kube-apiserver.ts';
import { locate, needs } from '../servers/programs.ts';
import { at, everyFolder, listAt, type Resource, resourcesOf } from './manifests.ts';

const programs = ['kube-apiserver', 'etcd', 'kube-schemas'] as const;
const needed = needs(...programs);
const resources = everyFolder.flatMap((folder) => resourcesOf(folder));

/** Those of the kinds that manifests name: Kubernetes has no definition of its own kinds. */
const definitions = (): object[] => {
  const names = resources.map(({ apiVersion, kind }) => `${apiVersion.replace(/\/.*/, '')}_${kind}.json`);
  return [...new Set(names)]
    .map((name) => join(locate('kube-schemas'), 'definitions', name))
    .filter((path) => existsSync(path))
    .map((path) => JSON.parse(readFileSync(path, 'utf8')));
};

/** Namespaces are kept, or nothing could be in them; those of controllers are there already in a cluster. */
const namespaces = (): object[] => {
  const delivered = resources.filter(({ kind }) => kind === 'Namespace');
  const known = new Set(delivered.map(({ metadata }) => metadata.name));
  const others = new Set(
    resources.flatMap(({ metadata }) => metadata.namespace ?? []).filter((name) => !known.has(name)),
  );
  const byName = new Map(delivered.map((one) => [one.metadata.name, one]));
  return [
    ...byName.values(),
    ...[...others].map((name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })),
  ];
};

const start = async (): Promise<KubeApiserver> => {
  const server = await startKubeApiserver({ owner: { after } });
  await server.apply([...definitions(), ...namespaces()]);
  return server;
};

const server = needed.skip ? undefined : await start();
const running = (): KubeApiserver => server ?? assert.fail('The API server was not started');

for (const folder of everyFolder) {
  test(`k8s/${folder}: the API server takes all of it`, needed, async () => {
    await running().apply(resourcesOf(folder), { isDryRun: true });
  });
}

for (const [name, release] of Object.entries({ ...releases, ...services })) {
  test(`charts/sallyport, values ${name}: the API server takes all of it`, needs(...programs, 'helm'), async () => {
    await running().apply(objectsOf(release), { isDryRun: true });
  });
}

/** As its controller would make it, in a namespace of the strictest standard. */
const podOf = ({ metadata: { name }, ...rest }: Resource): Resource => {
  const template = at(rest, 'spec.jobTemplate.spec.template') ?? at(rest, 'spec.template');
  const claims = listAt(rest, 'spec.volumeClaimTemplates').map((claim) => ({
    name: at(claim, 'metadata.name'),
    persistentVolumeClaim: { claimName: name },
  }));
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'sallyport', labels: Object(at(template, 'metadata.labels')) },
    spec: { ...Object(at(template, 'spec')), volumes: [...listAt(template, 'spec.volumes'), ...claims] },
  };
};

test('every pod of ours is let into a namespace of the strictest standard', needed, async () => {
  const workloads = resources.filter(({ kind }) => ['Deployment', 'StatefulSet', 'CronJob', 'Job'].includes(kind));
  assert.ok(workloads.length > 10);
  const pods = workloads.map(podOf);
  await running().apply(pods, { isDryRun: true });
});

test(
  'a mistake in a manifest would have been found: an unknown field, a rule of a definition, a pod that is root',
  needed,
  async () => {
    const route = resourcesOf('gateway-api').find(({ kind }) => kind === 'HTTPRoute');
    const twice = {
      ...Object(route),
      spec: { ...Object(route?.['spec']), rules: [{ filters: [{ type: 'ExternalAuth' }] }] },
    };
    const [first] = resources.filter(({ kind }) => kind === 'Deployment');
    const pod = podOf(first ?? assert.fail('no Deployment'));
    const root = { ...pod, spec: { ...Object(pod['spec']), securityContext: { runAsUser: 0 } } };
    const service = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'a' },
      spec: { ports: [{ port: 1, prot: 2 }] },
    };
    for (const [object, message] of [
      [twice, /ExternalAuth|externalAuth/],
      [root, /restricted/],
      [service, /prot/],
    ] as const) {
      await assert.rejects(running().apply([object], { isDryRun: true }), message);
    }
  },
);
