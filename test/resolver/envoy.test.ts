/** The example's sidecars on the real Envoy, over HTTP and over gRPC, and a sandbox that tries what it can. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { parse, stringify } from 'yaml';
import { type EchoApp, startEchoApp, valuesOf } from '../peers/echo-app.ts';
import { example } from '../proxies/line-up.ts';
import { type Sallyport, startSallyport } from '../sallyport.ts';
import { startEnvoy } from '../servers/envoy.ts';
import { freePort } from '../servers/free-port.ts';
import type { Owner } from '../servers/last-resort.ts';
import { needs } from '../servers/programs.ts';
import { request } from '../servers/request.ts';
import { until } from '../servers/until.ts';
import { jwtSecret, sandboxToken } from './tokens.ts';

const options = needs('envoy');
const owner: Owner = { after };
const anthropicKey = 'sk-ant-canary-4711';
const coralogixKey = 'cx-canary-0815';

const config = `resolver:
  addr: "127.0.0.1:0"
  secret: "\${JWT_SECRET}"
  credentials:
    anthropic: { api_key: "\${ANTHROPIC}" }
    coralogix: { api_key: "\${CORALOGIX}", domain: eu2.coralogix.com }
grpc: { addr: "127.0.0.1:0" }
logger: { format: json }
`;

type Cluster = { name: string; type: string; transport_socket?: unknown; load_assignment: unknown };

/** The example, with loopback servers in the place of the real ones, and a route for everything else. */
const sidecar = (file: string, ports: Readonly<Record<string, number>>, token: string): string => {
  const bootstrap = parse(example(`sandbox/${file}`).replaceAll('SANDBOX_JWT }', `"${token}" }`));
  const clusters: Cluster[] = bootstrap.static_resources.clusters;
  clusters.push({ ...structuredClone(clusters[0] ?? assert.fail()), name: 'other' });
  for (const cluster of clusters) {
    const socket_address = { address: '127.0.0.1', port_value: ports[cluster.name] ?? assert.fail(cluster.name) };
    const endpoints = [{ lb_endpoints: [{ endpoint: { address: { socket_address } } }] }];
    Object.assign(cluster, { type: 'STATIC', load_assignment: { cluster_name: cluster.name, endpoints } });
    delete cluster.transport_socket;
    if (cluster.name === 'other') Reflect.deleteProperty(cluster, 'typed_extension_protocol_options');
  }
  const [chain] = bootstrap.static_resources.listeners[0].filter_chains;
  const [host] = chain.filters[0].typed_config.route_config.virtual_hosts;
  host.routes.push({ match: { prefix: '/' }, route: { cluster: 'other' } });
  return stringify(bootstrap);
};

type Scene = Readonly<{
  gate: Sallyport;
  anthropic: EchoApp;
  coralogix: EchoApp;
  other: EchoApp;
  urls: Readonly<Record<'http' | 'grpc', string>>;
}>;

const open = async (): Promise<Scene> => {
  const env = { JWT_SECRET: jwtSecret, ANTHROPIC: anthropicKey, CORALOGIX: coralogixKey };
  const [gate, anthropic, coralogix, other] = await Promise.all([
    startSallyport({ owner, config, env }),
    ...[1, 2, 3].map(() => startEchoApp({ owner })),
  ] as const);
  if (!anthropic || !coralogix || !other) return assert.fail();
  const token = await sandboxToken();
  const start = async (file: string, sallyport: number): Promise<string> => {
    const named = { sallyport, anthropic: anthropic.port, coralogix: coralogix.port, other: other.port };
    const own = await freePort();
    const ports = Object.fromEntries(Object.values(named).map((port) => [`127.0.0.1:${port}`, port]));
    const { url } = await startEnvoy({
      config: sidecar(file, named, token),
      ports: { ...ports, '127.0.0.1:8000': own, '127.0.0.1:8001': own, '127.0.0.1:8002': sallyport },
      env: { SANDBOX_JWT: token },
      owner,
    });
    return url;
  };
  const [http, grpc] = await Promise.all([
    start('envoy.yaml', gate.resolverPort),
    start('envoy-grpc.yaml', gate.grpcPort),
  ]);
  return { gate, anthropic, coralogix, other, urls: { http, grpc } };
};

const shared = options.skip === false ? await open() : undefined;
const scene = (): Scene => shared ?? assert.fail('no Envoy');

/** What reached a service under these names. */
const arrived = (app: EchoApp, ...names: string[]) => {
  const echo = app.latest() ?? assert.fail('nothing arrived');
  return Object.fromEntries(names.map((name) => [name, valuesOf(echo, name)]));
};

const lastLine = async ({ gate }: Scene, requestPath: string): Promise<Record<string, unknown>> => {
  let line: Record<string, unknown> | undefined;
  await until('the line is written', async () => {
    line = gate.log().findLast(({ path }) => path === requestPath);
    return line !== undefined;
  });
  return line ?? assert.fail();
};

for (const door of ['http', 'grpc'] as const) {
  const ask = (path: string, headers: Readonly<Record<string, string>> = {}) =>
    request(scene().urls[door], path, { headers });

  test(`${door}: the credential of the service is on the call, and no token`, options, async () => {
    const { anthropic, coralogix } = scene();
    assert.equal((await ask('/v1/messages?beta=true')).status, 200);
    assert.equal(anthropic.latest()?.url, '/v1/messages?beta=true');
    const names = ['x-api-key', 'authorization', 'x-sandbox-jwt', 'host'];
    assert.deepEqual(arrived(anthropic, ...names), {
      'x-api-key': [anthropicKey],
      authorization: [],
      'x-sandbox-jwt': [],
      host: ['api.anthropic.com'],
    });
    assert.equal((await ask('/api/v1/dataprime/query')).status, 200);
    assert.deepEqual(arrived(coralogix, 'x-api-key', 'authorization', 'x-sandbox-jwt'), {
      'x-api-key': [],
      authorization: [`Bearer ${coralogixKey}`],
      'x-sandbox-jwt': [],
    });
  });

  test(`${door}: what a sandbox says of itself, and its own credentials, reach nobody`, options, async () => {
    const { anthropic, coralogix } = scene();
    const another = await sandboxToken({ claims: { tenant_id: 'victim', team_id: 'blue', sandbox_id: 'sb-2' } });
    const own = {
      Authorization: 'Bearer of-the-sandbox',
      'X-API-Key': 'of-the-sandbox',
      'X-Sandbox-JWT': another,
      'X-Tenant-ID': 'victim',
      'x-team-id': 'blue',
      'X-Sandbox-Id': 'sb-2',
      'Proxy-Authorization': 'Basic of-the-sandbox',
    };
    const path = `/v1/spoof-${door}`;
    assert.equal((await ask(path, own)).status, 200);
    const names = ['authorization', 'x-sandbox-jwt', 'x-tenant-id', 'x-team-id', 'x-sandbox-id', 'proxy-authorization'];
    const none = Object.fromEntries(names.map((name) => [name, []]));
    assert.deepEqual(arrived(anthropic, 'x-api-key', ...names), { 'x-api-key': [anthropicKey], ...none });
    const { tenant, team, sandbox, integration, event } = await lastLine(scene(), path);
    assert.deepEqual(
      [tenant, team, sandbox, integration, event],
      ['acme', 'red', 'sb-1', 'anthropic', 'credential_injected'],
    );
    assert.equal((await ask('/api/v1/query', own)).status, 200);
    assert.deepEqual(arrived(coralogix, 'authorization', 'x-api-key'), {
      authorization: [`Bearer ${coralogixKey}`],
      'x-api-key': [],
    });
  });

  test(
    `${door}: neither doubled lines nor Connection bring a sandbox's own through, or take ours off`,
    options,
    async () => {
      const { anthropic } = scene();
      const headers = [
        ['Connection', 'close, X-API-Key, X-Sandbox-JWT, Authorization'],
        ['authorization', 'Bearer one'],
        ['AUTHORIZATION', 'Bearer two'],
        ['x-api-key', 'one'],
        ['X-Api-Key', 'two'],
        ['x-sandbox-jwt', await sandboxToken({ claims: { tenant_id: 'victim' } })],
        ['X-SANDBOX-JWT', 'two'],
      ] as const;
      const { status } = await request(scene().urls[door], '/v1/doubled', { headers });
      assert.equal(status, 200);
      const none = { authorization: [], 'x-sandbox-jwt': [] };
      assert.deepEqual(arrived(anthropic, 'x-api-key', ...Object.keys(none)), { 'x-api-key': [anthropicKey], ...none });
      const { status: refused } = await ask('/v1/imitated', { X_API_Key: 'of-the-sandbox' });
      assert.equal(refused, 400);
    },
  );

  test(`${door}: paths of our own endpoints are checked like any other, and refused`, options, async () => {
    const seen = scene().other.seen();
    for (const path of [
      '/health',
      '/ready',
      '/metrics',
      '/auth',
      '/auth/envoy/v1/x',
      '/resolve/v1/x',
      '/api/keys',
      '/',
    ]) {
      const { status, body } = await ask(path);
      assert.deepEqual([path, status, JSON.parse(body).code], [path, 403, 'no_integration']);
    }
    assert.equal(scene().other.seen(), seen);
  });

  test(`${door}: a host that looks like a service's gets nothing`, options, async () => {
    const { anthropic, coralogix, other } = scene();
    const seen = [anthropic.seen(), coralogix.seen(), other.seen()];
    for (const host of [
      'evil-api.anthropic.com.attacker.com',
      'xapi.anthropic.com',
      'evil.api.anthropic.com',
      'api.anthropic.com.attacker.com',
      'anthropic.com',
      'api-anthropic.com',
      'localhost.attacker.com',
      '127.0.0.1.attacker.com',
    ]) {
      const { status, body } = await ask('/v1/messages', { Host: host });
      assert.deepEqual([host, status, JSON.parse(body).code], [host, 403, 'no_integration']);
    }
    for (const host of [
      'evilcoralogix.com',
      'api.coralogix.com',
      'api.us2.coralogix.com',
      'eu2.coralogix.com.attacker.com',
    ]) {
      const { status } = await ask('/api/v1/query', { Host: host });
      assert.deepEqual([host, status], [host, 403]);
    }
    assert.deepEqual([anthropic.seen(), coralogix.seen(), other.seen()], seen);
    for (const host of [
      'api.anthropic.com',
      'API.Anthropic.COM',
      'api.anthropic.com:443',
      'api.anthropic.com.',
      'localhost:1',
    ]) {
      assert.equal((await ask('/v1/messages', { Host: host })).status, 200, host);
    }
    for (const host of ['api.eu2.coralogix.com', 'eu2.coralogix.com']) {
      assert.equal((await ask('/api/v1/query_range', { Host: host })).status, 200, host);
    }
  });

  test(`${door}: a path that somebody could read in another way gets nothing`, options, async () => {
    const { anthropic, coralogix, other } = scene();
    const seen = [anthropic.seen(), coralogix.seen(), other.seen()];
    for (const path of ['/v1/..;/x', '/v1/%2e%2e;/x', '/v1%2fx', '/v1/a%5cb', '/v1/%252e', '/x;/v1/y']) {
      const { status } = await ask(path);
      assert.ok(status === 400 || status === 403, `${path}: ${status}`);
    }
    assert.deepEqual([anthropic.seen(), coralogix.seen(), other.seen()], seen);
    // Envoy makes plain paths of these before it asks.
    assert.equal((await ask('/x/../v1/messages')).status, 200);
    assert.equal(anthropic.latest()?.url, '/v1/messages');
  });
}

test('no secret is in what Sallyport says', options, async () => {
  const { gate } = scene();
  const { body } = await request(gate.url, '/metrics');
  assert.match(body, /^sallyport_resolver_decisions_total\{integration="anthropic",result="injected"\} \d+$/m);
  const token = await sandboxToken();
  for (const secret of [anthropicKey, coralogixKey, jwtSecret, 'of-the-sandbox', token.slice(0, 40)]) {
    assert.ok(!gate.output().includes(secret));
    assert.ok(!body.includes(secret));
  }
});

test('where Sallyport is gone, nothing leaves', options, async () => {
  const { gate, anthropic, urls } = scene();
  gate.signal('SIGKILL');
  await gate.exited();
  const seen = anthropic.seen();
  for (const url of Object.values(urls)) assert.equal((await request(url, '/v1/messages')).status, 503);
  assert.equal(anthropic.seen(), seen);
});
