/** Whether the resources of a folder fit together. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  at,
  type Controller,
  controllers,
  filesOf,
  find,
  folders,
  listAt,
  resourcesOf,
  textAt,
  textOf,
} from './manifests.ts';
import { labelsAt, matches, one, podsFor, targetOf } from './selectors.ts';

/** What a folder has that asks by gRPC, and no other. */
const asksByGrpc = [
  / {4}# Where Envoy asks\.\n {4}grpc:\n {6}addr: ":9001"\n {6}access_log: false .*\n\n/,
  '            - name: grpc\n              containerPort: 9001\n',
  '    - name: grpc\n      port: 9001\n      targetPort: grpc\n      appProtocol: kubernetes.io/h2c\n',
];

for (const controller of controllers) {
  test(`k8s/${controller}: the namespace comes first, so that one apply is enough`, () => {
    const [first, ...rest] = resourcesOf(controller);
    assert.deepEqual([first?.kind, first?.metadata.name], ['Namespace', 'sallyport']);
    assert.equal(labelsAt(first, 'metadata.labels')['pod-security.kubernetes.io/enforce'], 'restricted');
    const elsewhere = rest.filter(({ metadata }) => metadata.namespace !== 'sallyport');
    const known: Partial<Record<Controller, readonly string[]>> = {
      istio: ['AuthorizationPolicy in istio-system', 'EnvoyFilter in istio-system'],
      'gateway-api': ['GatewayClass in undefined'],
    };
    assert.deepEqual(
      elsewhere.map(({ kind, metadata }) => `${kind} in ${metadata.namespace}`),
      known[controller] ?? [],
    );
  });

  test(`k8s/${controller}: what has nothing to do with the controller is the same in every folder`, () => {
    const shared = filesOf(controller).filter((path) => !/\/(50|70)-/.test(path));
    assert.equal(shared.length, 6);
    for (const path of shared) {
      const text = asksByGrpc.reduce((rest: string, lines) => rest.replace(lines, ''), textOf(path));
      assert.equal(text, textOf(path.replace(controller, 'nginx')), path);
    }
  });

  test(`k8s/${controller}: the account, configuration and volume that the pod names are there`, () => {
    const resources = resourcesOf(controller);
    const sallyport = find(resources, 'Deployment', 'sallyport');
    const account = find(resources, 'ServiceAccount', textAt(sallyport, 'spec.template.spec.serviceAccountName'));
    assert.equal(at(account, 'automountServiceAccountToken'), false);
    for (const volume of listAt(sallyport, 'spec.template.spec.volumes')) {
      const claim = at(volume, 'persistentVolumeClaim.claimName');
      if (claim === undefined) find(resources, 'ConfigMap', textAt(volume, 'configMap.name'));
      else find(resources, 'PersistentVolumeClaim', String(claim));
    }
  });

  test(`k8s/${controller}: one SQLite file means one replica, replaced and never doubled, on a node that can be drained`, () => {
    const resources = resourcesOf(controller);
    const sallyport = find(resources, 'Deployment', 'sallyport');
    assert.match(textOf(`${controller}/10-configuration.yaml`), /store: "sqlite:/);
    assert.equal(at(sallyport, 'spec.replicas'), 1);
    assert.deepEqual(at(sallyport, 'spec.strategy'), { type: 'Recreate' });
    const claim = find(resources, 'PersistentVolumeClaim', 'sallyport');
    assert.deepEqual(listAt(claim, 'spec.accessModes'), ['ReadWriteOnce']);

    const scaler = find(resources, 'HorizontalPodAutoscaler', 'sallyport');
    assert.deepEqual(at(scaler, 'spec.scaleTargetRef'), {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      name: 'sallyport',
    });
    assert.equal(at(scaler, 'spec.minReplicas'), at(sallyport, 'spec.replicas'));
    assert.equal(at(scaler, 'spec.maxReplicas'), at(sallyport, 'spec.replicas'));

    const budget = find(resources, 'PodDisruptionBudget', 'sallyport');
    assert.equal(at(budget, 'spec.minAvailable'), undefined);
    assert.equal(at(budget, 'spec.maxUnavailable'), 1);
    one(podsFor(resources, labelsAt(budget, 'spec.selector.matchLabels')), 'Deployments under the budget');
  });
}

for (const folder of [...controllers, 'nginx/other-namespace', 'egress', 'sidecar'] as const) {
  const resources = resourcesOf(folder);
  const ofKind = (kind: string) => resources.filter((resource) => resource.kind === kind);

  test(`k8s/${folder}: every selector finds the pods of exactly one Deployment, and itself its own`, () => {
    for (const deployment of ofKind('Deployment')) {
      const selector = labelsAt(deployment, 'spec.selector.matchLabels');
      assert.equal(one(podsFor(resources, selector), 'Deployments'), deployment);
      for (const spread of listAt(deployment, 'spec.template.spec.topologySpreadConstraints')) {
        assert.deepEqual(labelsAt(spread, 'labelSelector.matchLabels'), selector);
      }
    }
    for (const policy of ofKind('NetworkPolicy')) {
      one(
        podsFor(resources, labelsAt(policy, 'spec.podSelector.matchLabels')),
        `Deployments under ${policy.metadata.name}`,
      );
    }
  });

  test(`k8s/${folder}: every Service leads to a port of its pods`, () => {
    for (const service of ofKind('Service')) {
      const pods = one(podsFor(resources, labelsAt(service, 'spec.selector')), 'Deployments');
      assert.equal(at(service, 'spec.type'), undefined, 'ingress-nginx takes no ExternalName as default-backend');
      for (const port of listAt(service, 'spec.ports')) targetOf(pods, at(port, 'targetPort'));
    }
  });

  test(`k8s/${folder}: every pod is behind a policy that lets in whom it names alone, on the port it has`, () => {
    const guarded = ofKind('NetworkPolicy').flatMap((policy) => {
      assert.deepEqual(listAt(policy, 'spec.policyTypes'), ['Ingress', 'Egress']);
      const pods = one(podsFor(resources, labelsAt(policy, 'spec.podSelector.matchLabels')), 'Deployments');
      for (const rule of listAt(policy, 'spec.ingress')) {
        assert.ok(listAt(rule, 'from').length > 0, 'from everywhere');
        for (const from of listAt(rule, 'from'))
          assert.ok(
            at(from, 'namespaceSelector.matchLabels') ?? at(from, 'podSelector.matchLabels'),
            'from everywhere',
          );
        for (const port of listAt(rule, 'ports')) targetOf(pods, at(port, 'port'));
      }
      return [pods];
    });
    assert.deepEqual(new Set(guarded), new Set(ofKind('Deployment')));
  });
}

test("out of Sallyport lead names and HTTPS into the world, and no way into the cluster or to the cloud's metadata", () => {
  for (const controller of controllers) {
    const [names, world, ...more] = listAt(find(resourcesOf(controller), 'NetworkPolicy', 'sallyport'), 'spec.egress');
    assert.deepEqual(more, []);
    assert.deepEqual(
      listAt(names, 'ports').map((port) => [at(port, 'port'), at(port, 'protocol')]),
      [
        [53, 'UDP'],
        [53, 'TCP'],
      ],
    );
    assert.deepEqual(listAt(world, 'ports'), [{ port: 443 }]);
    const [four, six] = listAt(world, 'to').map((to) => listAt(to, 'ipBlock.except'));
    for (const range of ['10.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.168.0.0/16'])
      assert.ok(four?.includes(range));
    for (const range of ['fc00::/7', 'fe80::/10']) assert.ok(six?.includes(range));
  }
});

test('the relay is let in, and reaches the port that Sallyport has', () => {
  const resources = resourcesOf('nginx');
  const relay = resourcesOf('nginx/other-namespace');
  const sallyport = find(resources, 'Deployment', 'sallyport');
  const labels = labelsAt(find(relay, 'Deployment', 'sallyport'), 'spec.template.metadata.labels');
  const doors = listAt(find(resources, 'NetworkPolicy', 'sallyport'), 'spec.ingress.0.from');
  const door = doors.find((from) => at(from, 'podSelector') !== undefined);
  assert.ok(matches(labelsAt(door, 'podSelector.matchLabels'), labels));
  const out = listAt(find(relay, 'NetworkPolicy', 'sallyport-relay'), 'spec.egress').at(-1);
  assert.ok(
    matches(labelsAt(out, 'to.0.podSelector.matchLabels'), labelsAt(sallyport, 'spec.template.metadata.labels')),
  );
  targetOf(sallyport, at(out, 'ports.0.port'));
});

test('a name of a Service that a manifest asks is the name and port of the Service that it delivers', () => {
  const service = find(resourcesOf('nginx'), 'Service', 'sallyport');
  const expected = `${service.metadata.name}.${service.metadata.namespace}.svc.cluster.local:${at(service, 'spec.ports.0.port')}`;
  const named = [...folders, 'istio/mesh'].flatMap((folder) =>
    filesOf(folder).flatMap((path) => textOf(path).match(/[\w.-]+\.svc\.cluster\.local(?::\d+)?/g) ?? []),
  );
  assert.ok(named.includes(expected));
  const others = new Set(named.filter((name) => name !== expected));
  // Istio and the relay write the port apart; the example is another Service.
  assert.deepEqual(
    others,
    new Set(['sallyport.sallyport.svc.cluster.local', 'example-app.sallyport.svc.cluster.local']),
  );
});
