/** The chart in the place of one service of a folder: to everything around it, it is what the plain manifest was. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { at, find, listAt, type Resource, resourcesOf } from '../k8s/manifests.ts';
import { needs } from '../servers/programs.ts';
import { comparable } from './comparable.ts';
import { helm, objectsOf } from './helm.ts';
import { commandOf, services } from './releases.ts';

type Fields = Readonly<Record<string, unknown>>;

/** What others rely on, by kind. The rest is of the chart's own making, and stricter. */
const reliedOn: Readonly<Record<string, readonly string[]>> = {
  ConfigMap: ['data'],
  Deployment: [
    'spec.replicas',
    'spec.template.spec.serviceAccountName',
    'spec.template.spec.automountServiceAccountToken',
    'spec.template.spec.terminationGracePeriodSeconds',
    'spec.template.spec.volumes',
    ...['name', 'image', 'env', 'ports', 'resources', 'volumeMounts', 'securityContext'].map(
      (field) => `spec.template.spec.containers.0.${field}`,
    ),
  ],
  NetworkPolicy: ['spec.ingress'],
  PodDisruptionBudget: ['spec.maxUnavailable'],
  Service: ['spec.clusterIP', 'spec.ports'],
  ServiceAccount: ['automountServiceAccountToken'],
};

const selectorsIn = (value: unknown): Fields[] => {
  if (Array.isArray(value)) return value.flatMap(selectorsIn);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) =>
    name === 'podSelector' ? [(at(inner, 'matchLabels') ?? {}) as Fields] : selectorsIn(inner),
  );
};

for (const [name, release] of Object.entries(services)) {
  const folder = resourcesOf(name);
  const isOurs = ({ metadata, kind }: Resource) => metadata.name === release.release && kind !== 'Namespace';

  test(`values/${name}.yaml has what others rely on, as k8s/${name} has it`, needs('helm'), () => {
    const rendered = objectsOf(release);
    for (const plain of folder.filter(isOurs)) {
      const ours = find(rendered, plain.kind, plain.metadata.name);
      for (const path of reliedOn[plain.kind] ?? assert.fail(plain.kind)) {
        // Not said: what Kubernetes takes for it.
        if (at(plain, path) === undefined) continue;
        assert.deepEqual(at(comparable(ours), path), at(comparable(plain), path), `${plain.kind} ${path}`);
      }
    }
  });

  test(`values/${name}.yaml: every selector of k8s/${name} that found the pods still does`, needs('helm'), () => {
    const labelsOf = (resource: Resource) => at(resource, 'spec.template.metadata.labels') as Fields;
    const before = labelsOf(find(folder, 'Deployment', release.release));
    const after = labelsOf(find(objectsOf(release), 'Deployment', release.release));
    const finds = (labels: Fields) => (selector: Fields) =>
      Object.entries(selector).every(([key, value]) => labels[key] === value);
    const selectors = [
      ...folder.flatMap(selectorsIn),
      ...folder.map((one) => at(one, 'spec.selector') as Fields),
    ].filter((selector) => selector !== undefined && !('matchLabels' in selector));
    const meant = selectors.filter(finds(before));
    assert.ok(meant.length > 1);
    assert.deepEqual(meant.filter(finds(after)), meant);
  });

  test(`values/${name}.yaml passes helm lint, and says the command that installs it`, needs('helm'), () => {
    const { ok, stdout } = helm(['lint', 'charts/sallyport', '--strict', ...release.words]);
    assert.ok(ok, stdout);
    const { release: called, namespace, words } = release;
    const command = `helm install ${called} charts/sallyport --namespace ${namespace} ${words.join(' ')}`;
    assert.ok(commandOf(name).includes(command), command);
    const own = folder.filter(isOurs).map(({ kind }) => kind.toLowerCase());
    const removal = `kubectl --namespace ${namespace} delete ${own.toSorted().join(',')} ${called} `;
    assert.ok(commandOf(name).includes(removal), removal);
  });
}

test(
  'out of a release, its pods reach what their configuration names, and nothing else in the cluster',
  needs('helm'),
  () => {
    const reached = (name: string) => {
      const release = services[name] ?? assert.fail(name);
      const policy = find(objectsOf(release), 'NetworkPolicy', release.release);
      return listAt(policy, 'spec.egress').flatMap((rule) => listAt(rule, 'ports').map((port) => at(port, 'port')));
    };
    assert.deepEqual(reached('api-keys'), [53, 53, 443, 5432, 6379]);
    assert.deepEqual(reached('sandbox'), []);
  },
);
