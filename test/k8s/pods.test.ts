/** What every pod of ours must be, whatever else changes. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { lastOf, parseDockerfile } from '../image/dockerfile.ts';
import { at, controllers, find, folders, listAt, type Resource, resourcesOf } from './manifests.ts';

const checkout = join(import.meta.dirname, '..', '..');
const { version } = JSON.parse(readFileSync(join(checkout, 'package.json'), 'utf8'));
const image = parseDockerfile(readFileSync(join(checkout, 'Dockerfile'), 'utf8')).at(-1) ?? assert.fail('no image');
const user = Number(lastOf(image, 'USER').text.split(':')[0]);

const workloads = ['Deployment', 'StatefulSet', 'DaemonSet', 'Job', 'CronJob', 'Pod'];
const deployments = folders.flatMap((folder) =>
  resourcesOf(folder)
    .filter(({ kind }) => workloads.includes(kind))
    .map((resource) => ({ title: `k8s/${folder}: ${resource.kind} ${resource.metadata.name}`, resource })),
);

/** It starts and ends the pods of payers. */
const needsToken = 'k8s/pods: Deployment sallyport';

const containersOf = (resource: Resource) => [
  ...listAt(resource, 'spec.template.spec.containers'),
  ...listAt(resource, 'spec.template.spec.initContainers'),
];

test('there are pods to look at, and all of them are made by Deployments', () => {
  assert.ok(deployments.length >= controllers.length * 2);
  assert.deepEqual([...new Set(deployments.map(({ resource }) => resource.kind))], ['Deployment']);
});

for (const { title, resource } of deployments) {
  const pod = at(resource, 'spec.template.spec');
  const containers = containersOf(resource);

  test(`${title} runs as the image's user, confined, and without a token of the API, but for the one that starts pods`, () => {
    assert.equal(at(pod, 'automountServiceAccountToken'), title === needsToken);
    assert.equal(at(pod, 'enableServiceLinks'), false);
    assert.equal(at(pod, 'securityContext.runAsNonRoot'), true);
    assert.equal(at(pod, 'securityContext.runAsUser'), user);
    assert.equal(at(pod, 'securityContext.runAsGroup'), user);
    assert.equal(at(pod, 'securityContext.seccompProfile.type'), 'RuntimeDefault');
    for (const field of ['hostNetwork', 'hostPID', 'hostIPC', 'hostUsers']) assert.equal(at(pod, field), undefined);
    const kinds = listAt(pod, 'volumes').flatMap((volume) => Object.keys(volume as object));
    assert.deepEqual(
      kinds.filter((kind) => !['name', 'configMap', 'persistentVolumeClaim'].includes(kind)),
      [],
    );
    assert.ok(containers.length > 0);
    for (const container of containers) {
      assert.deepEqual(at(container, 'securityContext'), {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
    }
  });

  test(`${title} has requests, limits and all three probes, on ports that it has`, () => {
    for (const container of containers) {
      for (const what of ['requests', 'limits']) {
        for (const which of ['cpu', 'memory'])
          assert.match(String(at(container, `resources.${what}.${which}`)), /^\d+(m|Mi)?$/);
      }
      const ports = listAt(container, 'ports').map((port) => at(port, 'name'));
      for (const probe of ['startupProbe', 'livenessProbe', 'readinessProbe']) {
        const port = at(container, `${probe}.httpGet.port`) ?? at(container, `${probe}.tcpSocket.port`);
        assert.ok(ports.includes(port), `${probe} asks the port ${port}`);
      }
    }
  });

  test(`${title} runs the image of this version by name, never whatever is latest`, () => {
    for (const container of containers) {
      assert.match(
        String(at(container, 'image')),
        new RegExp(`^ghcr\\.io/sallyport/sallyport:${version}(@sha256:[0-9a-f]{64})?$`),
      );
      assert.equal(at(container, 'imagePullPolicy'), 'IfNotPresent');
      assert.deepEqual(listAt(container, 'envFrom'), []);
    }
  });
}

for (const controller of controllers) {
  const sallyport = find(resourcesOf(controller), 'Deployment', 'sallyport');
  const [container] = containersOf(sallyport);

  test(`k8s/${controller}: labels say the version of the package`, () => {
    assert.equal(at(sallyport, 'metadata.labels')?.['app.kubernetes.io/version' as never], version);
  });

  test(`k8s/${controller}: the store lies on the volume, which the pod's user may write`, () => {
    const data = lastOf(image, 'VOLUME').text;
    const mounts = listAt(container, 'volumeMounts');
    assert.deepEqual(
      mounts.filter((mount) => at(mount, 'readOnly') !== true).map((mount) => at(mount, 'mountPath')),
      [data],
    );
    assert.equal(at(sallyport, 'spec.template.spec.securityContext.fsGroup'), user);
  });

  test(`k8s/${controller}: the grace period covers drain and grace of the service, with seconds to spare`, () => {
    const source = readFileSync(join(checkout, 'src/commands/serve.ts'), 'utf8');
    const secondsOf = (pattern: RegExp) => Number(pattern.exec(source)?.[1]?.replaceAll('_', '')) / 1000;
    const needed = secondsOf(/SIGTERM: ([\d_]+)/) + secondsOf(/GRACE_MS = ([\d_]+)/);
    const given = Number(at(sallyport, 'spec.template.spec.terminationGracePeriodSeconds'));
    assert.ok(given >= needed + 5 && given <= needed + 30, `${given} s for ${needed} s`);
  });
}

test('no Secret is delivered, and no value that looks like one', () => {
  const all = folders.flatMap(resourcesOf);
  assert.deepEqual(
    all.filter(({ kind }) => kind === 'Secret'),
    [],
  );
  const text = JSON.stringify(all);
  assert.doesNotMatch(
    text,
    /sk-[A-Za-z0-9]{8,}|BEGIN [A-Z ]*PRIVATE KEY|cashu[AB][A-Za-z0-9_-]{8,}|"(password|token)":"/i,
  );
});
