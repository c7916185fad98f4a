/** The audit lines of a sidecar, in a file of their own. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { startRecordingTarget } from '../peers/recording-target.ts';
import { startSallyport } from '../sallyport.ts';
import { writePolicies } from '../servers/opa.ts';
import { request } from '../servers/request.ts';
import { until } from '../servers/until.ts';
import { createWorkdir } from '../servers/workdir.ts';
import { jwtBlock, userToken } from './tokens.ts';

const owner = { after };

/** As the seed's data service answers, and with what no policy may say. */
const policy = `package data_service

import rego.v1

default allow := false

allow if input.request.method == "GET"

reasons contains sprintf("user %s", [input.token.sub])

result := {
    "allow": allow,
    "reasons": reasons,
    "audit": {"service": "forged", "decision": "forged", "action": input.request.method, "claims": input.token},
}
`;

const folder = createWorkdir('audit', owner).path;
writePolicies(join(folder, 'policies'), { 'data.rego': policy });
const file = join(folder, 'audit.log');
const target = await startRecordingTarget({ owner });

const config = (audit: string) => `${jwtBlock}
logger: { format: json, level: error }
policy: { path: "${join(folder, 'policies')}", timeout: 5s }
proxy:
  upstream: "${target.url}"
  authz: { policy_query: data.data_service.result }
  headers: { extract: [X-User-Context, X-Tenant] }
  audit: ${audit}
`;
const sidecar = await startSallyport({ owner, config: config(`{ service: data-service, file: "${file}" }`) });

const token = await userToken();
const headers = { authorization: `Bearer ${token}`, 'X-User-Context': 'john' };

type Line = Readonly<Record<string, unknown>>;

const linesIn = (path: string): Line[] =>
  existsSync(path)
    ? readFileSync(path, 'utf8')
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line))
    : [];

const lineOf = async (path: string, asked: Promise<Awaited<ReturnType<typeof request>>>): Promise<Line> => {
  const id = (await asked).headers['x-correlation-id'];
  const find = () => linesIn(path).find((line) => line['correlation_id'] === id);
  await until('it is told', () => find() !== undefined);
  return find() ?? assert.fail();
};

test('a line is whole: who, what, where to, the decision, and what the policy adds without forging anything', async () => {
  const { time, duration_ms, correlation_id, client_ip, claims, ...line } = await lineOf(
    file,
    request(sidecar.url, '/orders/7?x=1', { headers: { ...headers, 'X-Tenant': 'acme' } }),
  );
  assert.match(String(time), /^\d{4}-\d\d-\d\dT/);
  assert.ok(Number(duration_ms) > 0 && correlation_id !== '' && client_ip === '127.0.0.1');
  assert.equal((claims as { sub?: string }).sub, 'john');
  assert.deepEqual(line, {
    level: 'info',
    event: 'request',
    service: 'data-service',
    user_id: 'john',
    user_context: 'john',
    credential: 'jwt',
    method: 'GET',
    path: '/orders/7',
    route: '/**',
    downstream: target.url,
    status: 200,
    decision: 'allow',
    reasons: ['user john'],
    headers: { 'X-Tenant': 'acme' },
    action: 'GET',
  });
});

test('a denial by the policy is told with its code, its reasons and its user', async () => {
  const line = await lineOf(file, request(sidecar.url, '/orders/7', { method: 'DELETE', headers }));
  const { status, decision, code, reasons, user_id, action, downstream } = line;
  assert.deepEqual(
    [status, decision, code, reasons, user_id, action, downstream],
    [403, 'deny', 'policy_denied', ['user john'], 'john', 'DELETE', undefined],
  );
});

test('no credential is told, in whatever a caller hides it', async () => {
  const hidden = { ...headers, 'X-User-Context': `for ${token}`, 'X-Tenant': Buffer.from(token).toString() };
  const allowed = await lineOf(file, request(sidecar.url, `/orders/${token}`, { headers: hidden }));
  assert.deepEqual([allowed['path'], allowed['user_context']], ['/orders/[redacted]', 'for [redacted]']);
  const denied = `Bearer ${token.slice(0, -3)}abc`;
  await lineOf(file, request(sidecar.url, '/orders', { headers: { ...headers, authorization: denied } }));
  const [, payload = '', signature = ''] = token.split('.');
  const all = readFileSync(file, 'utf8') + sidecar.output();
  for (const secret of [payload, signature]) assert.equal(all.includes(secret), false);
});

test('a file that is moved away while requests come is opened anew, and not one line is lost', async () => {
  const before = linesIn(file).length;
  let sent = 0;
  const send = async () => {
    assert.equal((await request(sidecar.url, `/rotated/${sent++}`, { headers })).status, 200);
  };
  for (let times = 0; times < 20; times++) await send();
  renameSync(file, `${file}.1`);
  while (!existsSync(file)) await send();
  for (let times = 0; times < 20; times++) await send();
  await until('all are told', () => linesIn(`${file}.1`).length + linesIn(file).length === before + sent);
  assert.ok(linesIn(file).length > 0);
});

test('lines of standard output are JSON, whatever the log looks like, and their end is not lost', async (t) => {
  const plain = await startSallyport({
    owner: { after: (end) => t.after(end) },
    config: config('{ service: plain }').replace('format: json', 'format: text'),
  });
  await request(plain.url, '/last', { headers });
  await plain.stop();
  const line = plain.log().find(({ event }) => event === 'request');
  assert.deepEqual([line?.['service'], line?.['path']], ['plain', '/last']);
});

test('a disk that is full ends nothing', async (t) => {
  const full = await startSallyport({
    owner: { after: (end) => t.after(end) },
    config: config('{ file: /dev/full }'),
  });
  for (let times = 0; times < 20; times++) assert.equal((await request(full.url, '/x', { headers })).status, 200);
});

test('a file that cannot be opened keeps the service from starting, and says so', async (t) => {
  await assert.rejects(
    startSallyport({ owner: { after: (end) => t.after(end) }, config: config('{ file: /dev/null/audit.log }') }),
    /the audit file cannot be opened: ENOTDIR/,
  );
});
