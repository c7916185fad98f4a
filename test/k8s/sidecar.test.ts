/** k8s/sidecar: the pod as it is delivered, and what is in it run as the pod would run it. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { startRecordingTarget } from '../peers/recording-target.ts';
import { createAuthority } from '../servers/certificates.ts';
import { freePort } from '../servers/free-port.ts';
import { launch } from '../servers/process.ts';
import { needs } from '../servers/programs.ts';
import { request } from '../servers/request.ts';
import { until } from '../servers/until.ts';
import { createWorkdir } from '../servers/workdir.ts';
import { outcomeOf } from '../tls/ask.ts';
import { at, find, listAt, resourcesOf, textAt } from './manifests.ts';

const root = join(import.meta.dirname, '..', '..');
const zones = join(root, 'examples', 'zones');
const resources = resourcesOf('sidecar');
const deployment = find(resources, 'Deployment', 'order-service');
const pod = at(deployment, 'spec.template.spec');
const [sallyport] = listAt(pod, 'initContainers');
const [service] = listAt(pod, 'containers');
const dataOf = (name: string) => Object(at(find(resources, 'ConfigMap', name), 'data')) as Record<string, string>;

test('its configuration, policy and service are those of examples/zones, word for word', () => {
  const { 'sallyport.yaml': configuration, 'order.rego': policy, ...more } = dataOf('order-service-sidecar');
  assert.equal(configuration, readFileSync(join(zones, 'order-service/config.yaml'), 'utf8'));
  assert.equal(policy, readFileSync(join(zones, 'order-service/policies/order.rego'), 'utf8'));
  assert.deepEqual(more, {});
  const program = dataOf('order-service');
  assert.ok(`/app/${Object.keys(program)[0]}` === at(service, 'command.1'));
  for (const [name, text] of Object.entries(program))
    assert.equal(text, readFileSync(join(zones, 'services', name), 'utf8'), name);
});

test('Sallyport is there before the service and after it; probes ask where no certificate is wanted', () => {
  assert.equal(at(sallyport, 'restartPolicy'), 'Always');
  const ports = Object.fromEntries(
    listAt(sallyport, 'ports').map((port) => [at(port, 'name'), at(port, 'containerPort')]),
  );
  assert.deepEqual(ports, { https: 8443, probes: 9090 });
  for (const probe of ['startupProbe', 'livenessProbe', 'readinessProbe'])
    assert.equal(at(sallyport, `${probe}.httpGet.port`), 'probes');
  assert.equal(at(service, 'ports'), undefined, 'nobody outside of the pod reaches the service');
  const grace = Number(at(pod, 'terminationGracePeriodSeconds'));
  assert.ok(grace >= Number(at(service, 'lifecycle.preStop.sleep.seconds')) + 5 + 20 + 5, `${grace} s`);
});

test('both containers are confined, and the pod has no token of the API', () => {
  assert.equal(at(pod, 'automountServiceAccountToken'), false);
  assert.equal(at(pod, 'securityContext.runAsNonRoot'), true);
  for (const container of [sallyport, service]) {
    assert.deepEqual(at(container, 'securityContext'), {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    for (const what of ['requests.cpu', 'requests.memory', 'limits.cpu', 'limits.memory'])
      assert.ok(at(container, `resources.${what}`), what);
  }
});

test('the network lets zone 1 to the TLS port alone, and no port is open that the pod does not have', () => {
  const policy = find(resources, 'NetworkPolicy', 'order-service');
  const allowed = listAt(policy, 'spec.ingress').map((rule) => [
    at(rule, 'from.0.namespaceSelector.matchLabels')?.['kubernetes.io/metadata.name' as never],
    at(rule, 'ports.0.port'),
  ]);
  assert.deepEqual(allowed, [
    ['zone1', 8443],
    ['monitoring', 9090],
  ]);
  assert.equal(at(find(resources, 'Service', 'order-service'), 'spec.ports.0.targetPort'), 'https');
});

/** A volume as the kubelet fills it, with the files of a Secret that was made as the head of the manifest says. */
const mount = (directory: string, name: string, contents: (key: string) => string): void => {
  const volume = listAt(pod, 'volumes').find((one) => at(one, 'name') === name);
  const items = [...listAt(volume, 'configMap.items'), ...listAt(volume, 'secret.items')];
  for (const item of items) {
    const path = join(directory, textAt(item, 'path'));
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, contents(textAt(item, 'key')), { mode: 0o440 });
  }
};

test(
  'what the pod mounts makes a sidecar that is ready, and whom no certificate lets in gets nowhere',
  needs('openssl'),
  async (t) => {
    const owner = { after: t.after.bind(t) };
    const { path } = createWorkdir('sidecar', owner);
    const made = spawnSync('bash', [join(zones, 'generate-certs.sh'), join(path, 'made')], { encoding: 'utf8' });
    assert.equal(made.status, 0, made.stderr);
    const secret = readFileSync(join(root, 'k8s/sidecar/10-configuration.yaml'), 'utf8');
    const files = new Map(
      [...secret.matchAll(/--from-file=certs\/(\S+)/g)].map(([, file = '']) => [file.replace(/.*\//, ''), file]),
    );
    const certs = join(path, 'certs');
    mount(certs, 'certificates', (key) => readFileSync(join(path, 'made', files.get(key) ?? assert.fail(key)), 'utf8'));
    for (const volume of ['configuration', 'policies'])
      mount(join(path, volume), volume, (key) => dataOf('order-service-sidecar')[key] ?? assert.fail(key));

    const issuer = await startRecordingTarget({ owner });
    issuer.behave((_request, response) => void response.end('{"keys":[]}'));
    const [listen, health, egress] = [await freePort(), await freePort(), await freePort()];
    const given = Object.fromEntries(
      listAt(sallyport, 'env').map((one) => [textAt(one, 'name'), String(at(one, 'value') ?? 'the-secret')]),
    );
    assert.deepEqual(
      Object.keys(given),
      ['AUTHZ_CONFIG_PATH', 'HEALTH', 'KEYCLOAK', 'ISSUER', 'DATA_SERVICE', 'ORDER_SERVICE_CLIENT_SECRET'],
      'the rest is as the configuration has it',
    );
    await launch({
      command: process.execPath,
      args: [join(root, 'bin/sallyport.js')],
      cwd: path,
      // Where the pod has a network and folders of its own.
      env: {
        ...given,
        ...{
          AUTHZ_CONFIG_PATH: join(path, 'configuration/sallyport.yaml'),
          POLICIES: join(path, 'policies'),
          CERTS: certs,
        },
        ...{ LISTEN: `127.0.0.1:${listen}`, HEALTH: `127.0.0.1:${health}`, EGRESS: `127.0.0.1:${egress}` },
        KEYCLOAK: issuer.url,
      },
      stopSignal: 'SIGINT',
      owner,
    });
    await until('it is ready', async () => (await request(`http://127.0.0.1:${health}`, '/ready')).status === 200);
    const gateway = {
      cert: join(path, 'made/gateway/client-zone2.crt'),
      key: join(path, 'made/gateway/client-zone2.key'),
    };
    const tls = { servername: 'order-service.zone2.local' };
    const asking = { port: listen, ca: join(path, 'made/ca/zone2-ca.crt'), path: '/orders/1', tls };
    assert.equal(await outcomeOf({ ...asking, own: gateway }), 401, 'a token is wanted besides');
    assert.equal(await outcomeOf(asking), 'refused');
    assert.equal(
      await outcomeOf({ ...asking, own: createAuthority({ after }).issue('api-gateway-client') }),
      'refused',
    );
  },
);
