/** Templates before a real API server: what is accepted here is accepted by the strictest namespace, and every danger is a real field. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { load } from '../../src/config/harness.test.ts';
import { dangers } from '../../src/config/pods/dangers.ts';
import { examplesFor, plain, specWith } from '../../src/config/pods/harness.test.ts';
import type { PodTemplate } from '../../src/core/pod-template.ts';
import { paidPod as pod } from '../../src/pods/harness.test.ts';
import { renderPod, renderService } from '../../src/pods/manifest.ts';
import { startKubeApiserver } from '../servers/kube-apiserver.ts';
import { needs } from '../servers/programs.ts';

const options = needs('kube-apiserver', 'etcd');
const namespace = 'strict';

const start = async () => {
  const kube = await startKubeApiserver({ owner: { after } });
  const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' };
  await kube.apply([{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace, labels } }]);
  return kube;
};

const kube = options.skip === false ? await start() : undefined;

const templateOf = (template: unknown, insecure = new Set<string>()): PodTemplate =>
  load(JSON.stringify({ pods: { template } }), { insecure }).config.pod_templates['default'] ??
  assert.fail('no template');

const render = { namespace, longestMs: 86_400_000 };

/** Whether the API server would take it, and what it says. */
const wouldTake = async (what: 'pods' | 'services', body: unknown) => {
  const place = kube ?? assert.fail('unreachable: skipped where it is not there');
  const path = `/api/v1/namespaces/${namespace}/${what}?dryRun=All&fieldValidation=Strict`;
  const { status, text } = await place.ask('POST', path, { body });
  return { status, text };
};

const resources = { requests: { cpu: '100m', memory: '64Mi' }, limits: { cpu: 1, memory: '1Gi' } };
const confined = { type: 'Localhost', localhostProfile: 'profiles/a.json' };
const probe = { httpGet: { path: '/', port: 'http' }, periodSeconds: 1 };

/** Everything that a template may say and that others of its kind may not. */
const rich = {
  metadata: { labels: { 'app.kubernetes.io/name': 'rich' }, annotations: { note: '{{ payment }} {{ expires }}' } },
  spec: {
    hostname: '{{ pod }}',
    priorityClassName: '',
    serviceAccountName: 'default',
    tolerations: [{ key: 'paid', operator: 'Exists' }],
    nodeSelector: { paid: 'true' },
    securityContext: {
      runAsUser: 1000,
      fsGroup: 1000,
      seccompProfile: confined,
      appArmorProfile: { type: 'RuntimeDefault' },
      seLinuxOptions: { type: 'container_t' },
      sysctls: [{ name: 'net.ipv4.tcp_syncookies', value: '1' }],
    },
    volumes: [
      { name: 'own', emptyDir: { sizeLimit: '1Gi' } },
      { name: 'shared', persistentVolumeClaim: { claimName: 'models', readOnly: true } },
      { name: 'config', configMap: { name: 'config' } },
      { name: 'all', projected: { sources: [{ configMap: { name: 'config' } }, { secret: { name: 'public' } }] } },
      { name: 'image', image: { reference: 'example.com/data:1' } },
      {
        name: 'each',
        ephemeral: {
          volumeClaimTemplate: {
            spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
          },
        },
      },
    ],
    initContainers: [{ name: 'beside', image: 'example.com/beside:1', restartPolicy: 'Always', resources }],
    containers: [
      {
        name: 'main',
        image: 'example.com/main:1',
        args: ['--for', '{{ amount }} {{ unit }}'],
        env: [{ name: 'NODE', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }],
        ports: [
          { name: 'http', containerPort: 8080 },
          { name: 'dns', containerPort: 53, protocol: 'UDP' },
        ],
        livenessProbe: probe,
        lifecycle: { preStop: { exec: { command: ['true'] } } },
        volumeMounts: [{ name: 'own', mountPath: '/own', mountPropagation: 'HostToContainer' }],
        securityContext: { readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'], add: ['NET_BIND_SERVICE'] } },
        resources,
      },
    ],
  },
};

const least = { spec: { containers: [{ name: 'main', image: 'example.com/main:1', resources }] } };

for (const [what, written] of Object.entries({ least, rich })) {
  test(`the ${what} that a template can say is taken where the profile is restricted`, options, async () => {
    const { status, text } = await wouldTake('pods', renderPod(templateOf(written), pod, render));
    assert.equal(status, 201, text);
  });
}

test('and so is its Service', options, async () => {
  const { status, text } = await wouldTake('services', renderService(templateOf(rich), pod, render));
  assert.equal(status, 201, text);
});

test('every danger is looked for in a field that there is', options, async () => {
  const spec = { ...plain, volumes: [{ name: 'v', emptyDir: {} }] };
  const unknown: string[] = [];
  for (const { where } of dangers) {
    const [first] = examplesFor(where)[0];
    const body = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a' }, spec: specWith(where, first, spec) };
    const { text } = await wouldTake('pods', body);
    if (text.includes('unknown field')) unknown.push(where);
  }
  assert.deepEqual(unknown, []);
});

test('what is allowed all the same is what the strict namespace then refuses', options, async () => {
  const insecure = new Set(['insecure-pod-template']);
  const spec = { ...least.spec, hostNetwork: true, securityContext: { runAsUser: 0 } };
  const { status, text } = await wouldTake('pods', renderPod(templateOf({ spec }, insecure), pod, render));
  assert.equal(status, 403);
  assert.match(text, /violates PodSecurity/);
  assert.match(text, /hostNetwork=true/);
  assert.match(text, /runAsUser=0/);
});
