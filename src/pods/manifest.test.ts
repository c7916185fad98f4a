import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type JsonObject, type PodTemplate, podPlaces } from '../core/pod-template.ts';
import { paidPod as paid } from './harness.test.ts';
import { renderPod, renderService } from './manifest.ts';

const resources = { requests: { cpu: '100m', memory: '64Mi' }, limits: { cpu: '100m', memory: '64Mi' } };
const container = { name: 'main', image: 'nginx:1.29', resources };

const templateOf = (spec: JsonObject, more: Partial<PodTemplate> = {}): PodTemplate => ({
  name: 'default',
  labels: {},
  annotations: {},
  spec,
  ...more,
});

const plain = templateOf({ containers: [container] });
const options = { namespace: 'user-workloads', longestMs: 86_400_000 };

/** One value of a manifest, by keys with dots between them. */
const at = (manifest: unknown, path: string): unknown =>
  path.split('.').reduce<unknown>((value, key) => Object(value)[key], manifest);

test('the pod has its name, its namespace, our labels, and the payment in annotations', () => {
  assert.deepEqual(renderPod(plain, paid, options)['metadata'], {
    name: 'user-pod-0123456789ab',
    namespace: 'user-workloads',
    labels: {
      'app.kubernetes.io/name': 'default',
      'app.kubernetes.io/instance': 'user-pod-0123456789ab',
      'app.kubernetes.io/component': 'user-pod',
      'app.kubernetes.io/managed-by': 'sallyport',
      app: 'paygress-provisioned',
      'payment-verified': 'true',
    },
    annotations: {
      'sallyport.dev/payment': 'c0ffee',
      'sallyport.dev/amount': '1000 sat',
      'sallyport.dev/expires': '2026-11-22T12:00:00.000Z',
      'sallyport.dev/template': 'default',
    },
  });
});

test('the template may add labels and annotations, and call the application otherwise, but never hide a pod from us', () => {
  const labels = { app: 'mine', team: 'a', 'app.kubernetes.io/name': 'jupyter', 'app.kubernetes.io/instance': 'b' };
  const annotations = { note: 'for {{ payment }}', 'sallyport.dev/expires': 'never' };
  const manifest = renderPod(templateOf(plain.spec, { labels, annotations }), paid, options);
  assert.deepEqual(at(manifest, 'metadata.labels'), {
    team: 'a',
    'app.kubernetes.io/name': 'jupyter',
    'app.kubernetes.io/instance': paid.name,
    'app.kubernetes.io/component': 'user-pod',
    'app.kubernetes.io/managed-by': 'sallyport',
    app: 'paygress-provisioned',
    'payment-verified': 'true',
  });
  assert.equal(Object(at(manifest, 'metadata.annotations')).note, 'for c0ffee');
  assert.equal(Object(at(manifest, 'metadata.annotations'))['sallyport.dev/expires'], '2026-11-22T12:00:00.000Z');
});

test('what the template leaves out is as the profile `restricted` wants it', () => {
  assert.deepEqual(renderPod(plain, paid, options)['spec'], {
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    activeDeadlineSeconds: 86_460,
    securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
    containers: [
      {
        ...container,
        securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
      },
    ],
  });
});

test('what the template says stays, in init containers too', () => {
  const own = {
    readOnlyRootFilesystem: true,
    allowPrivilegeEscalation: false,
    capabilities: { drop: ['ALL'], add: ['NET_BIND_SERVICE'] },
  };
  const seccomp = { type: 'Localhost', localhostProfile: 'profiles/a.json' };
  const spec = renderPod(
    templateOf({
      enableServiceLinks: true,
      securityContext: { runAsUser: 1000, seccompProfile: seccomp },
      initContainers: [container],
      containers: [{ ...container, securityContext: own }],
    }),
    paid,
    options,
  )['spec'];
  assert.equal(at(spec, 'enableServiceLinks'), true);
  assert.deepEqual(at(spec, 'securityContext'), { runAsNonRoot: true, runAsUser: 1000, seccompProfile: seccomp });
  assert.deepEqual(at(spec, 'containers.0.securityContext'), own);
  assert.deepEqual(at(spec, 'initContainers.0.securityContext'), {
    allowPrivilegeEscalation: false,
    capabilities: { drop: ['ALL'] },
  });
});

test('a template that was allowed to be root or privileged all the same gets nothing that would keep it from starting', () => {
  const spec = renderPod(
    templateOf({
      securityContext: { runAsUser: 0 },
      containers: [
        { ...container, securityContext: { privileged: true } },
        { ...container, securityContext: { runAsUser: 0, capabilities: { add: ['CAP_SYS_ADMIN'] } } },
      ],
    }),
    paid,
    options,
  )['spec'];
  assert.deepEqual(at(spec, 'securityContext'), { runAsUser: 0, seccompProfile: { type: 'RuntimeDefault' } });
  assert.deepEqual(at(spec, 'containers.0.securityContext'), { privileged: true, capabilities: { drop: ['ALL'] } });
  assert.deepEqual(at(spec, 'containers.1.securityContext'), {
    runAsNonRoot: false,
    runAsUser: 0,
    capabilities: { drop: ['ALL'], add: ['CAP_SYS_ADMIN'] },
  });
});

test('places are filled with what is known of the payment, and with nothing else', () => {
  const text = podPlaces.join(' ');
  const spec = renderPod(templateOf({ hostname: text, containers: [{ '{{ pod }}': [text] }] }), paid, options)['spec'];
  const filled = 'user-pod-0123456789ab c0ffee 1000 sat 2026-11-22T12:00:00.000Z {{';
  assert.equal(at(spec, 'hostname'), filled);
  assert.deepEqual(Object(at(spec, 'containers.0'))['{{ pod }}'], [filled]);
});

test('no value breaks out of its text, whatever it is: the shape stays, and values are not read again', () => {
  const hostile = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('{{ pod }}', '"}],"hostNetwork":true,"x":[{"y":"', '\n  hostNetwork: true', '$&', "$'", '{{'),
  );
  const shaped = templateOf({
    hostname: 'a-{{ pod }}',
    containers: [
      { ...container, args: ['{{ payment }}', 'b', '{{ unit }}{{ pod }}'], env: [{ name: 'A', value: '{{ unit }}' }] },
    ],
  });
  fc.assert(
    fc.property(hostile, hostile, hostile, (name, paymentId, unit) => {
      const manifest = renderPod(shaped, { ...paid, name, paymentId, unit }, options);
      const expected = structuredClone(renderPod(shaped, paid, options));
      Object.assign(Object(expected['spec']), { hostname: `a-${name}` });
      Object.assign(Object(at(expected, 'spec.containers.0')), {
        args: [paymentId, 'b', `${unit}${name}`],
        env: [{ name: 'A', value: unit }],
      });
      assert.deepEqual(manifest['spec'], expected['spec']);
    }),
  );
});

test('the Service has the name of its pod, finds it alone, and has each port of its containers once', () => {
  const spec = {
    containers: [
      {
        ...container,
        ports: [
          { containerPort: 8080, name: 'http' },
          { containerPort: 53, protocol: 'UDP' },
        ],
      },
      { ...container, ports: [{ containerPort: 8080 }, { containerPort: 53, protocol: 'TCP', name: 'http' }] },
      container,
    ],
  };
  const { metadata, ...rest } = renderService(templateOf(spec), paid, options);
  assert.deepEqual(metadata, renderPod(templateOf(spec), paid, options)['metadata']);
  assert.deepEqual(rest, {
    apiVersion: 'v1',
    kind: 'Service',
    spec: {
      type: 'ClusterIP',
      selector: {
        app: 'paygress-provisioned',
        'payment-verified': 'true',
        'app.kubernetes.io/managed-by': 'sallyport',
        'app.kubernetes.io/instance': 'user-pod-0123456789ab',
      },
      ports: [
        { name: 'tcp-8080', port: 8080, targetPort: 8080, protocol: 'TCP' },
        { name: 'udp-53', port: 53, targetPort: 53, protocol: 'UDP' },
        { name: 'tcp-53', port: 53, targetPort: 53, protocol: 'TCP' },
      ],
    },
  });
});

test('the same pod always gives the same objects', () => {
  assert.deepEqual(renderPod(plain, paid, options), renderPod(plain, paid, options));
  assert.deepEqual(renderService(plain, paid, options), renderService(plain, paid, options));
});
