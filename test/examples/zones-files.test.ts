/** The files of examples/zones: the seed's own, with what they lack, and they fit each other. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { parse } from 'yaml';
import { readRealm, realmFiles } from '../../examples/zones/zones.ts';
import { load } from '../../src/config/harness.test.ts';
import { interpolate } from '../../src/config/read/interpolate.ts';
import { runSallyport } from '../sallyport.ts';
import { locate, needs } from '../servers/programs.ts';
import { createWorkdir } from '../servers/workdir.ts';

const root = join(import.meta.dirname, '../..');
const folder = join(root, 'examples/zones');
const textOf = (path: string) => readFileSync(join(folder, path), 'utf8');
const seed = readFileSync(join(root, 'test/seeds/001.md'), 'utf8');
const seedBlock = (language: string, pattern: RegExp) =>
  [...seed.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm'))]
    .map(([, text = '']) => text)
    .find((text) => pattern.test(text)) ?? assert.fail(`the seed has no ${pattern}`);

type Leaf = readonly [path: string, value: unknown];

/** Every value with its path; a list of texts is one value. */
const leavesOf = (value: unknown, path = ''): Leaf[] => {
  const isTree = typeof value === 'object' && value !== null;
  if (!isTree || (Array.isArray(value) && value.every((one) => typeof one === 'string'))) return [[path, value]];
  return Object.entries(value).flatMap(([key, inner]) => leavesOf(inner, path === '' ? key : `${path}.${key}`));
};

const secrets = { ORDER_SERVICE_CLIENT_SECRET: 'of-order', PAYMENT_SERVICE_CLIENT_SECRET: 'of-payment' };
const leaves = (yaml: string) => new Map(leavesOf(parse(interpolate(yaml, secrets).text)));

const health = ['endpoints.addr', 'where probes ask, without a client certificate'] as const;
const service = ['proxy.audit.service', 'what the audit lines call it'] as const;
const upstream = ['proxy.upstream', 'the service behind'] as const;
const inside = (target: string) =>
  [
    [`egress.targets.${target}.allow_private`, 'the next zone has private addresses'],
    [`egress.targets.${target}.tls.server_name`, 'the name is verified, whatever the address'],
  ] as const;
const egress = ['egress.addr', 'where the service calls'] as const;
const user = (key: string) => [`proxy.headers.${key}`, 'whom the request is for'] as const;

/** All that the example adds to the configurations of the seed, and why. It changes nothing. */
const added = {
  gateway: [
    ['proxy.routes.0.strip_prefix', 'the order service knows /orders'],
    ['proxy.routes.1.strip_prefix', 'the payment service knows /payments'],
    service,
    ...inside('order-service'),
    ...inside('payment-service'),
    health,
  ],
  'order-service': [
    upstream,
    user('inject_claims.preferred_username'),
    service,
    egress,
    ...inside('data-service'),
    health,
  ],
  'payment-service': [
    upstream,
    user('inject_user_id'),
    user('inject_claims.sub'),
    user('inject_claims.preferred_username'),
    service,
    egress,
    ...inside('data-service'),
    ['policy.engine', 'data.payment.allow would have nobody to answer it'],
    ['policy.path', 'data.payment.allow would have nobody to answer it'],
    health,
  ],
  'data-service': [upstream, service, health],
} as const;

const names = Object.keys(added) as (keyof typeof added)[];
const folderInSeed = (name: string) => new RegExp(`^# ${name}/config\\.yaml$`, 'm');

for (const name of names) {
  test(`the configuration of ${name} is the seed's, and has besides what the table says`, () => {
    const ours = leaves(textOf(`${name}/config.yaml`));
    const theirs = leaves(seedBlock('yaml', folderInSeed(name)));
    for (const [path, value] of theirs) assert.deepEqual(ours.get(path), value, path);
    const more = [...ours.keys()].filter((path) => !theirs.has(path));
    assert.deepEqual(more.toSorted(), added[name].map(([path]) => path).toSorted());
  });

  test(`the README says why ${name} has what the seed lacks`, () => {
    const readme = textOf('README.md');
    for (const [path] of added[name]) {
      const key = path.split('.').findLast((step) => Number.isNaN(Number(step)) && step !== 'sub') ?? path;
      assert.ok(readme.includes(`\`${key}\``) || readme.includes(`.${key}\``), key);
    }
  });

  test(`the configuration of ${name} is valid`, () => {
    assert.doesNotThrow(() => load(textOf(`${name}/config.yaml`), { env: secrets }));
  });
}

/** Those of all four at once: their packages have names of their own. */
const policyTests = 24;

test('the policies pass their own tests in the engine of the process', () => {
  const { status, stdout, stderr } = runSallyport(['policy', 'test', folder], { cwd: root });
  assert.equal(status, 0, `${stdout}${stderr}`);
  assert.match(stdout, new RegExp(`^pass: ${policyTests}/${policyTests}$`, 'm'));
});

test('and in opa', needs('opa'), () => {
  const paths = names.map((name) => join(folder, name, 'policies'));
  const { status, stdout } = spawnSync(locate('opa'), ['test', ...paths], { encoding: 'utf8' });
  assert.equal(status, 0, stdout);
  assert.match(stdout, new RegExp(`^PASS: ${policyTests}/${policyTests}$`, 'm'));
});

/** Without comments, and however it is indented. */
const bare = (rego: string) =>
  rego
    .split('\n')
    .map((line) => line.replace(/#.*/, '').trim())
    .filter(Boolean);

for (const name of ['gateway', 'order', 'payment']) {
  test(`the policy ${name}.rego is the seed's`, () => {
    const place = name === 'gateway' ? name : `${name}-service`;
    const printed = seedBlock('rego', new RegExp(`^package ${name}$`, 'm'));
    assert.deepEqual(bare(textOf(`${place}/policies/${name}.rego`)), bare(printed));
  });
}

test('the policy dataservice.rego grants what the one of the seed grants', () => {
  const printed = bare(seedBlock('rego', /^package dataservice$/m)).join('\n');
  const ours = bare(textOf('data-service/policies/dataservice.rego')).join('\n');
  const matrix = /service_permissions := \{[^}]*\}/;
  assert.equal(matrix.exec(ours)?.[0], matrix.exec(printed)?.[0]);
  assert.ok(!/\brequired_permission := get_required_permission/.test(ours));
});

const compose = parse(textOf('docker-compose.yaml'), { merge: true });
const sidecars = ['api-gateway', 'order-service', 'payment-service', 'data-service'];

test('Compose has the networks and mounts of the seed, and no service sees the key of an authority', () => {
  const printed = parse(seedBlock('yaml', /^version: '3\.8'/m));
  for (const name of sidecars) {
    const { networks, volumes } = compose.services[name];
    assert.deepEqual(Object.keys(networks), printed.services[name].networks, name);
    assert.deepEqual(
      volumes.map((mount: string) => mount.replace(/:ro$/, '')),
      printed.services[name].volumes.map((mount: string) => mount.replace(/:ro$/, '')),
    );
    assert.equal(networks[Object.keys(networks)[0] ?? ''].aliases.length, 1);
  }
  assert.deepEqual(Object.keys(compose.networks), Object.keys(printed.networks));
  assert.deepEqual(compose.services.keycloak.networks, printed.services.keycloak.networks);
});

test('each service is on the loopback interface of its sidecar, and nothing but gateway and Keycloak is published', () => {
  for (const name of ['order', 'payment', 'data']) {
    const { network_mode, command } = compose.services[`${name}-application`];
    assert.equal(network_mode, `service:${name}-service`);
    assert.ok(existsSync(join(folder, 'services', command[1].replace('/app/', ''))));
  }
  const services: [string, { ports?: string[]; image?: string }][] = Object.entries(compose.services);
  assert.deepEqual(
    services.flatMap(([name, { ports = [] }]) => ports.map((port) => `${name} ${port}`)),
    ['api-gateway 127.0.0.1:8443:8443', 'keycloak 127.0.0.1:8080:8080'],
  );
  for (const [name, { image }] of services) assert.match(image ?? ':0', /:v?\d/, name);
});

test('what Compose asks of the environment is in .env.example, with the secrets of the realm', () => {
  const offered = Object.fromEntries([...textOf('.env.example').matchAll(/^(\w+)=(.*)$/gm)].map(([, a, b]) => [a, b]));
  const asked = [...textOf('docker-compose.yaml').matchAll(/\$\{(\w+)/g)].map(([, name]) => name);
  assert.deepEqual([...new Set(asked)].toSorted(), Object.keys(offered).toSorted());
  const clients = realmFiles.flatMap((file) => readRealm(file).clients);
  for (const name of ['order-service', 'payment-service']) {
    const variable = `${name.toUpperCase().replace('-', '_')}_CLIENT_SECRET`;
    assert.equal(offered[variable], clients.find(({ clientId }) => clientId === name)?.secret);
  }
});

for (const name of names) {
  test(`with what Compose gives it the configuration of ${name} is valid, and lacks no variable`, () => {
    const { environment } = compose.services[name === 'gateway' ? 'api-gateway' : name];
    const { missing } = interpolate(textOf(`${name}/config.yaml`), environment);
    assert.deepEqual(missing, []);
    assert.equal(environment.ISSUER, compose.services.keycloak.environment.KC_HOSTNAME);
    const { AUTHZ_CONFIG_PATH: _, ...env } = environment;
    assert.doesNotThrow(() => load(textOf(`${name}/config.yaml`), { env }));
  });
}

test('the realm of the services has the clients of the seed, and every scope that a configuration asks for', () => {
  const printed = JSON.parse(seedBlock('json', /"realm": "services"/));
  const [, services] = realmFiles.map((file) => JSON.parse(readFileSync(file, 'utf8')));
  for (const client of printed.clients) {
    const ours = services.clients.find(({ clientId }: { clientId: string }) => clientId === client.clientId);
    assert.deepEqual({ ...ours, ...client }, ours);
  }
  for (const name of ['order-service', 'payment-service']) {
    const { auth } = parse(textOf(`${name}/config.yaml`)).egress.targets['data-service'];
    const { optionalClientScopes } = services.clients.find(({ clientId }: { clientId: string }) => clientId === name);
    assert.deepEqual(optionalClientScopes, auth.scopes);
    for (const scope of auth.scopes)
      assert.ok(services.clientScopes.some((one: { name: string }) => one.name === scope));
  }
});

// --- Certificates ---------------------------------------------------------------------------------------------------

const ready = needs('openssl');
const certs = createWorkdir('zones-certs', { after }).path;
const script = join(folder, 'generate-certs.sh');
const make = (env: Readonly<Record<string, string>> = {}) =>
  spawnSync('bash', [script, certs], { encoding: 'utf8', env: { PATH: process.env['PATH'], ...env } });
const first = ready.skip ? undefined : make();
const certificate = (path: string) => new X509Certificate(readFileSync(join(certs, path)));

test('the files of the seed are made', ready, () => {
  assert.equal(first?.status, 0, first?.stderr);
  const tree = /^\/etc\/certs\/\n([\s\S]*?)^```/m.exec(seed)?.[1] ?? '';
  let at = '';
  const printed = [...tree.matchAll(/([\w-]+\/|[\w.-]+\.(?:crt|key))/g)].flatMap(([, name = '']) => {
    if (!name.endsWith('/')) return [`${at}${name}`];
    at = name;
    return [];
  });
  assert.equal(printed.length, 17);
  const made = readdirSync(certs, { recursive: true }).map(String);
  assert.deepEqual(
    made.filter((file) => /\.(crt|key)$/.test(file) && !file.startsWith('private/')).toSorted(),
    printed.toSorted(),
  );
});

for (const [path, name, authority, sibling] of [
  ['gateway/client-zone2.crt', 'api-gateway-client', 'zone1', 'zone2'],
  ['order-service/client-zone3.crt', 'order-service-client', 'zone2', 'zone3'],
  ['payment-service/client-zone3.crt', 'payment-service-client', 'zone2', 'zone3'],
] as const) {
  test(`${path} is ${name}, for clients alone, by the authority of the zone where it lives`, ready, () => {
    const one = certificate(path);
    assert.equal(one.subject, `O=MyOrg\nCN=${name}`);
    assert.ok(one.verify(certificate(`ca/${authority}-ca.crt`).publicKey));
    assert.ok(!one.verify(certificate(`ca/${sibling}-ca.crt`).publicKey));
    assert.deepEqual(one.keyUsage, ['1.3.6.1.5.5.7.3.2']);
    assert.equal(one.ca, false);
  });
}

for (const [path, host, zone] of [
  ['gateway/server.crt', 'api-gateway.zone1.local', 'zone1'],
  ['order-service/server.crt', 'order-service.zone2.local', 'zone2'],
  ['payment-service/server.crt', 'payment-service.zone2.local', 'zone2'],
  ['data-service/server.crt', 'data-service.zone3.local', 'zone3'],
] as const) {
  test(`${path} is for ${host}, for servers alone`, ready, () => {
    const one = certificate(path);
    assert.equal(one.subjectAltName, `DNS:${host}`);
    assert.ok(one.verify(certificate(`ca/${zone}-ca.crt`).publicKey));
    assert.deepEqual(one.keyUsage, ['1.3.6.1.5.5.7.3.1']);
  });
}

test('keys are for their owner alone, and those of the authorities lie apart', ready, () => {
  const keys = readdirSync(certs, { recursive: true })
    .map(String)
    .filter((file) => file.endsWith('.key'));
  assert.equal(keys.length, 10);
  for (const key of keys) assert.equal(statSync(join(certs, key)).mode & 0o777, 0o600, key);
  assert.deepEqual(
    keys.filter((key) => key.includes('-ca.')).map((key) => key.split('/')[0]),
    ['private', 'private', 'private'],
  );
});

test('a second run makes only what is missing or does not fit any more', ready, () => {
  const before = certificate('order-service/server.crt').serialNumber;
  assert.equal(make().stdout, '');
  rmSync(join(certs, 'payment-service/server.key'));
  cpSync(join(certs, 'gateway/server.key'), join(certs, 'data-service/server.key'));
  rmSync(join(certs, 'private/zone1-ca.key'));
  assert.deepEqual(make().stdout.match(/[\w-]+\/[\w-]+\.crt/g), [
    'ca/zone1-ca.crt',
    'gateway/server.crt',
    'payment-service/server.crt',
    'data-service/server.crt',
    'gateway/client-zone2.crt',
  ]);
  assert.equal(certificate('order-service/server.crt').serialNumber, before);
});

test('without openssl the script says so, and what to do', () => {
  const { status, stderr } = spawnSync('/bin/bash', [script, certs], { encoding: 'utf8', env: { PATH: '/nowhere' } });
  assert.equal(status, 1);
  assert.match(stderr, /openssl is not on this machine\. Install it/);
});
