import assert from 'node:assert/strict';
import { test } from 'node:test';
import { problemsOf } from '../k8s-schemas/kubeconform.ts';
import { needs } from '../servers/programs.ts';
import { everyFolder, filesOf, resourcesOf, textOf } from './manifests.ts';

for (const folder of everyFolder) {
  test(
    `k8s/${folder}: every document fits its schema, without unknown fields`,
    needs('kubeconform', 'kube-schemas'),
    () => {
      assert.deepEqual(problemsOf(filesOf(folder).map(textOf).join('\n---\n')), []);
    },
  );

  test(`k8s/${folder}: no two documents are one resource, and all are of today's API versions`, () => {
    const resources = resourcesOf(folder);
    const names = resources.map(({ kind, metadata: { namespace, name } }) => `${kind} ${namespace}/${name}`);
    assert.deepEqual(names.toSorted(), [...new Set(names)].toSorted());
    const versions = new Set(resources.map(({ apiVersion, kind }) => `${apiVersion} ${kind}`));
    const today = [
      'apps/v1 Deployment',
      'apps/v1 StatefulSet',
      'autoscaling/v2 HorizontalPodAutoscaler',
      'batch/v1 CronJob',
      'batch/v1 Job',
      'cert-manager.io/v1 Certificate',
      'cert-manager.io/v1 ClusterIssuer',
      'gateway.envoyproxy.io/v1alpha1 ClientTrafficPolicy',
      'gateway.envoyproxy.io/v1alpha1 SecurityPolicy',
      'gateway.networking.k8s.io/v1 Gateway',
      'gateway.networking.k8s.io/v1 GatewayClass',
      'gateway.networking.k8s.io/v1 HTTPRoute',
      'monitoring.coreos.com/v1 PodMonitor',
      'monitoring.coreos.com/v1 PrometheusRule',
      'monitoring.coreos.com/v1 ServiceMonitor',
      'networking.istio.io/v1 Gateway',
      'networking.istio.io/v1 ServiceEntry',
      'networking.istio.io/v1 VirtualService',
      'networking.istio.io/v1alpha3 EnvoyFilter',
      'networking.k8s.io/v1 Ingress',
      'networking.k8s.io/v1 NetworkPolicy',
      'policy/v1 PodDisruptionBudget',
      'rbac.authorization.k8s.io/v1 Role',
      'rbac.authorization.k8s.io/v1 RoleBinding',
      'security.istio.io/v1 AuthorizationPolicy',
      'traefik.io/v1alpha1 IngressRoute',
      'traefik.io/v1alpha1 Middleware',
      'v1 ConfigMap',
      'v1 LimitRange',
      'v1 Namespace',
      'v1 PersistentVolumeClaim',
      'v1 ResourceQuota',
      'v1 Service',
      'v1 ServiceAccount',
    ];
    const older = ['traefik.containo.us/v1alpha1 IngressRoute', 'traefik.containo.us/v1alpha1 Middleware'];
    assert.deepEqual(
      [...versions].filter((version) => !(folder === 'traefik/older-group' ? older : today).includes(version)),
      [],
    );
  });
}
