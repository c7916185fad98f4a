/** Values that no folder of k8s/ needs: each renders objects that fit the schemas, and does what it says. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { at, find, listAt, type Resource } from '../k8s/manifests.ts';
import { problemsOf } from '../k8s-schemas/kubeconform.ts';
import { needs } from '../servers/programs.ts';
import { objectsOf, render } from './helm.ts';

const pod = 'spec.template.spec';
const front = 'front.type=ingress-nginx,front.namespace=ingress-nginx,front.className=nginx,front.host=a.example';
const digest = `sha256:${'0'.repeat(64)}`;

const deployment = (resources: readonly Resource[]) => find(resources, 'Deployment', 'sallyport');
const kinds = (resources: readonly Resource[]) => resources.map(({ kind }) => kind);
const without = (kind: string) => (resources: readonly Resource[]) => assert.ok(!kinds(resources).includes(kind));

type Case = readonly [set: string, holds: (resources: readonly Resource[]) => void];

const cases: readonly Case[] = [
  ['networkPolicy.enabled=false', without('NetworkPolicy')],
  ['disruption.enabled=false', without('PodDisruptionBudget')],
  ['autoscaling.enabled=false', without('HorizontalPodAutoscaler')],
  ['data.existingClaim=mine', without('PersistentVolumeClaim')],
  ['data.volume=none', (all) => assert.equal(listAt(deployment(all), `${pod}.volumes`).length, 1)],
  ['data.storageClassName=fast', (all) => assert.match(JSON.stringify(all), /"storageClassName":"fast"/)],
  ['existingConfigMap=mine', without('ConfigMap')],
  [
    'serviceAccount.create=false,serviceAccount.name=mine',
    (all) => assert.equal(at(deployment(all), `${pod}.serviceAccountName`), 'mine'),
  ],
  ['serviceAccount.annotations.a=b', (all) => assert.match(JSON.stringify(all), /"annotations":\{"a":"b"\}/)],
  [
    `image.digest=${digest}`,
    (all) => assert.match(String(at(deployment(all), `${pod}.containers.0.image`)), new RegExp(`:[0-9.]+@${digest}$`)),
  ],
  [
    'image.pullSecrets[0].name=mine',
    (all) => assert.deepEqual(at(deployment(all), `${pod}.imagePullSecrets`), [{ name: 'mine' }]),
  ],
  ['nodeSelector.a=b', (all) => assert.deepEqual(at(deployment(all), `${pod}.nodeSelector`), { a: 'b' })],
  ['priorityClassName=high', (all) => assert.equal(at(deployment(all), `${pod}.priorityClassName`), 'high')],
  [
    'tolerations[0].key=a,tolerations[0].operator=Exists',
    (all) => assert.equal(listAt(deployment(all), `${pod}.tolerations`).length, 1),
  ],
  [
    'affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution=null,podLabels.a=b,podAnnotations.c=d',
    (all) => assert.equal(at(deployment(all), 'spec.template.metadata.labels.a'), 'b'),
  ],
  [
    'autoscaling.minReplicas=2,autoscaling.maxReplicas=3,data.volume=none,replicas=2',
    (all) => assert.equal(at(deployment(all), 'spec.replicas'), undefined),
  ],
  ['topologySpread=null', (all) => assert.equal(at(deployment(all), `${pod}.topologySpreadConstraints`), undefined)],
  ['service.headless=true', (all) => assert.equal(at(find(all, 'Service', 'sallyport'), 'spec.clusterIP'), 'None')],
  [
    'monitoring.operator=true,monitoring.dashboards=true',
    (all) => assert.ok(find(all, 'PrometheusRule', 'sallyport') && find(all, 'ServiceMonitor', 'sallyport')),
  ],
  ['monitoring.annotations=false', (all) => assert.doesNotMatch(JSON.stringify(all), /prometheus\.io/)],
  ['redis.enabled=true,redis.secret.name=mine', (all) => assert.ok(find(all, 'Deployment', 'redis'))],
  [
    'postgresql.enabled=true,postgresql.secret=mine,postgresql.backup.enabled=false,data.volume=none',
    (all) => assert.deepEqual([kinds(all).includes('StatefulSet'), kinds(all).includes('CronJob')], [true, false]),
  ],
  ['postgresql.enabled=true,postgresql.secret=mine,networkPolicy.enabled=false', without('NetworkPolicy')],
  [
    `${front},front.headers={X-Tenant},front.annotations.a=b`,
    (all) => {
      const annotations = at(find(all, 'Ingress', 'example-app'), 'metadata.annotations') as Record<string, string>;
      assert.match(annotations['nginx.ingress.kubernetes.io/auth-response-headers'] ?? '', /,X-Tenant$/);
      assert.equal(annotations['a'], 'b');
    },
  ],
  [`${front},exampleApp.enabled=true,networkPolicy.enabled=false`, without('NetworkPolicy')],
  [
    'pods.enabled=true,pods.createNamespace=false,pods.services=false,pods.dns=false,pods.templates.default.template.spec.restartPolicy=Never',
    (all) => {
      assert.ok(!kinds(all).includes('Namespace'));
      assert.doesNotMatch(JSON.stringify(find(all, 'Role', 'sallyport')), /services/);
      assert.deepEqual(at(find(all, 'NetworkPolicy', 'user-workloads'), 'spec.egress'), []);
    },
  ],
];

for (const [set, holds] of cases) {
  test(`--set ${set} does that`, needs('helm'), () => {
    holds(objectsOf({ release: 'sallyport', namespace: 'sallyport', words: ['--set', set] }));
  });
}

test('whatever is set, it fits the schemas', needs('helm', 'kubeconform', 'kube-schemas'), () => {
  const documents = cases.flatMap(([set]) =>
    render({ release: 'sallyport', namespace: 'sallyport', words: ['--set', set] }).stdout.split(/^---$/m),
  );
  const different = [...new Set(documents.map((document) => document.trim()))].filter(Boolean);
  assert.deepEqual(problemsOf(different.join('\n---\n')), []);
});
