/** The whole service with a config service beside it: whose credentials go out, when it fails, what a reload changes, what is said. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { badJson, droppedBefore, withFaults } from '../peers/faults.ts';
import { json, listen } from '../peers/loopback.ts';
import { adminToken, startSallyport } from '../sallyport.ts';
import { freePort } from '../servers/free-port.ts';
import { launch } from '../servers/process.ts';
import { request } from '../servers/request.ts';
import { until } from '../servers/until.ts';
import { createWorkdir } from '../servers/workdir.ts';
import { jwtSecret, sandboxToken } from './tokens.ts';

const owner = { after };
const canary = 'canary-credential';

const { respond, faults } = withFaults(({ url, header }) => {
  if (header('authorization') !== 'Bearer canary-service-token') return json(401, { error: 'who are you?' });
  const [, tenant, team] = /^\/of\/([^/]+)\/([^/]+)$/.exec(url) ?? [];
  if (tenant === 'unknown') return json(404, {});
  if (tenant === 'broken') return json(200, { credentials: { anthropic: { api_key: `${canary}\r\nX-Evil: 1` } } });
  return json(200, { credentials: { anthropic: { api_key: `${canary}-${tenant}-${team}` } } });
});
const service = await listen(respond, owner);

const config = (ttl: string, stale = '5m') => `resolver:
  addr: "127.0.0.1:0"
  secret: "\${JWT_SECRET}"
  source: config_service
  config_service: { url: "${service.url}/of/{tenant}/{team}", token: "\${SERVICE_TOKEN}", timeout: 500ms, cache_ttl: ${ttl}, stale_for: ${stale} }
  # What is here is nobody's where there is a config service.
  credentials: { coralogix: { api_key: canary-of-the-environment } }
logger: { format: json }
`;

const env = { JWT_SECRET: jwtSecret, SERVICE_TOKEN: 'canary-service-token' };
const gate = await startSallyport({ owner, config: config('60s'), env });
const url = `http://127.0.0.1:${gate.resolverPort}`;

const ask = async (tenant: string, team: string, path = '/v1/messages') => {
  const token = await sandboxToken({ claims: { tenant_id: tenant, team_id: team } });
  const headers = { Host: 'localhost:8001', 'X-Sandbox-JWT': token, 'X-Tenant-ID': 'victim', 'X-Team-ID': 'victim' };
  const { status, body, headers: given } = await request(url, path, { headers });
  return { status, key: given['x-api-key'], code: body === '' ? undefined : JSON.parse(body).code, body };
};

test('each tenant and team gets its own, whatever its headers say', async () => {
  const pairs = [
    ['acme', 'red'],
    ['acme', 'blue'],
    ['other', 'red'],
    ['acme', 'red'],
  ] as const;
  const answers = await Promise.all(pairs.map(([tenant, team]) => ask(tenant, team)));
  assert.deepEqual(
    answers.map(({ key }) => key),
    pairs.map(([tenant, team]) => `${canary}-${tenant}-${team}`),
  );
});

test('who has no credential, or one that no header can carry, gets nobody else’s', async () => {
  const { status, code } = await ask('unknown', 'red');
  assert.deepEqual([status, code], [503, 'credential_missing']);
  const broken = await ask('broken', 'red');
  assert.deepEqual([broken.status, broken.code, broken.key], [503, 'credential_unusable', undefined]);
  const other = await ask('acme', 'red', '/api/v1/query');
  assert.deepEqual([other.status, other.code], [503, 'credential_missing']);
});

test('while the config service is away, who is new waits for it, and who is known goes on', async () => {
  await ask('known', 'red');
  for (const [fault, tenant] of [
    [droppedBefore, 'new-1'],
    [badJson, 'new-2'],
  ] as const) {
    faults.set(`/of/${tenant}/red`, fault);
    const { status, code } = await ask(tenant, 'red');
    assert.deepEqual([status, code], [503, 'credentials_unavailable']);
  }
  assert.equal((await ask('known', 'red')).key, `${canary}-known-red`);
  const { status, body } = await request(gate.url, '/ready');
  assert.equal(status, 200);
  assert.match(body, /config_service/);
});

test('a reload forgets what was given, and takes changed credentials', async () => {
  const path = '/of/acme/red';
  const before = faults.seen(path);
  await ask('acme', 'red');
  assert.equal(faults.seen(path), before);
  const file = join(gate.directory, 'sallyport.yaml');
  writeFileSync(file, readFileSync(file, 'utf8').replace('timeout: 500ms', 'timeout: 600ms'));
  const headers = { Authorization: `Bearer ${adminToken}` };
  const { status, body } = await request(gate.adminUrl, '/admin/reload', { method: 'POST', headers });
  assert.deepEqual([status, JSON.parse(body).changed], [200, ['resolver.config_service.timeout']]);
  assert.equal((await ask('acme', 'red')).key, `${canary}-acme-red`);
  assert.equal(faults.seen(path), before + 1);
  writeFileSync(file, readFileSync(file, 'utf8').replace('addr: "127.0.0.1:0"\n  secret', 'addr: ":1"\n  secret'));
  const refused = await request(gate.adminUrl, '/admin/reload', { method: 'POST', headers });
  assert.equal(refused.status, 409);
  assert.match(refused.body, /resolver\.addr/);
});

test('each use is a line that says whose and what, and no secret is said anywhere', async () => {
  await ask('audited', 'red', '/v1/audited?secret=canary-query');
  const isIt = ({ path }: Record<string, unknown>) => path === '/v1/audited';
  await until('the line is written', async () => gate.log().some(isIt));
  const { time: _, request_id: id, duration_ms, ...line } = gate.log().find(isIt) ?? assert.fail();
  assert.deepEqual(line, {
    level: 'info',
    event: 'credential_injected',
    tenant: 'audited',
    team: 'red',
    sandbox: 'sb-1',
    integration: 'anthropic',
    method: 'GET',
    host: 'localhost',
    path: '/v1/audited',
    door: 'http',
    peer_ip: '127.0.0.1',
    msg: 'credential injected',
  });
  assert.ok(typeof id === 'string' && typeof duration_ms === 'number');
  const metrics = (await request(gate.url, '/metrics')).body;
  assert.match(
    metrics,
    /^sallyport_resolver_decisions_total\{integration="anthropic",result="credential_unusable"\} 1$/m,
  );
  assert.match(metrics, /^sallyport_config_service_failures_total\{stale="false"\} [2-9]$/m);
  const ready = (await request(gate.url, '/ready')).body;
  const refusals = await Promise.all([ask('broken', 'red'), ask('unknown', 'red'), ask('new-2', 'red')]);
  const token = (await sandboxToken({ claims: { tenant_id: 'acme' } })).slice(0, 30);
  for (const said of [gate.output(), metrics, ready, ...refusals.map(({ body }) => body)]) {
    for (const secret of ['canary', jwtSecret, token]) {
      const at = said.indexOf(secret);
      assert.equal(at, -1, said.slice(Math.max(0, at - 80), at + 80));
    }
  }
});

test('a reload that switches it off closes its listener to all, and one that switches it on opens it', async () => {
  const file = join(gate.directory, 'sallyport.yaml');
  const good = readFileSync(file, 'utf8').replace('addr: ":1"', 'addr: "127.0.0.1:0"');
  const reload = async (text: string): Promise<number> => {
    writeFileSync(file, text);
    const headers = { Authorization: `Bearer ${adminToken}` };
    return (await request(gate.adminUrl, '/admin/reload', { method: 'POST', headers })).status;
  };
  assert.equal(await reload(good.replace('resolver:\n', 'resolver:\n  enabled: false\n')), 200);
  assert.equal((await ask('acme', 'red')).status, 503);
  assert.equal(await reload(good), 200);
  assert.equal((await ask('acme', 'red')).status, 200);
});

test('the variables of the seed alone switch it on, with the built-in integrations', async () => {
  const { path: cwd } = createWorkdir('seed', owner);
  const port = await freePort();
  // A file for the port alone, so that the test disturbs nobody: the embedded defaults take 8080.
  writeFileSync(join(cwd, 'sallyport.yaml'), `http: { addr: "127.0.0.1:${port}" }\n`);
  const running = await launch({
    command: process.execPath,
    args: [join(import.meta.dirname, '../../bin/sallyport.js')],
    cwd,
    env: {
      CREDENTIAL_SOURCE: 'environment',
      JWT_MODE: 'permissive',
      ANTHROPIC_API_KEY: 'sk-ant-1',
      CORALOGIX_API_KEY: 'cx-1',
      CORALOGIX_DOMAIN: 'eu2.coralogix.com',
    },
    stopSignal: 'SIGINT',
    owner,
  });
  await until('it answers', async () => running.output().includes('answers on'));
  const askFor = async (host: string, target: string) => {
    const { status, headers } = await request(`http://127.0.0.1:${port}`, `/resolve${target}`, {
      headers: { Host: host },
    });
    return [status, headers['x-api-key'] ?? headers.authorization];
  };
  assert.deepEqual(await askFor('localhost:8001', '/v1/messages'), [200, 'sk-ant-1']);
  assert.deepEqual(await askFor('localhost:8001', '/api/v1/dataprime/query'), [200, 'Bearer cx-1']);
  assert.deepEqual(await askFor('api.eu2.coralogix.com', '/api/v1/query'), [200, 'Bearer cx-1']);
  assert.deepEqual(await askFor('api.us2.coralogix.com', '/api/v1/query'), [403, undefined]);
  assert.match(running.output(), /CREDENTIAL_SOURCE sets resolver\.source and switches resolver on/);
});
