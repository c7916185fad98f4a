/** Who may use a target: by client certificate, JWT, API key and address, through the real service over TLS. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { SignJWT } from 'jose';
import { startRecordingTarget } from '../peers/recording-target.ts';
import { adminToken, startSallyport } from '../sallyport.ts';
import { createAuthority, type Pair, readPair } from '../servers/certificates.ts';
import { freePort } from '../servers/free-port.ts';
import { until } from '../servers/until.ts';

const owner = { after };
const secret = 'canary-secret-of-the-issuer-32-bytes';
const authority = createAuthority(owner);
const own = authority.issue('sallyport');
const orders = authority.issue('orders', 'spiffe://zone/orders');
const billing = authority.issue('billing', 'spiffe://zone/billing');
const stranger = createAuthority(owner).issue('orders', 'spiffe://zone/orders');
const ca = readFileSync(authority.ca);
const target = await startRecordingTarget({ owner });
const endpointsPort = await freePort();

const tls = (clientAuth: string) =>
  `tls: { cert_file: ${own.cert}, key_file: ${own.key}, client_ca_file: ${authority.ca}, client_auth: ${clientAuth} }`;

const targets: Readonly<Record<string, string>> = {
  open: '',
  certificate: 'callers: [{ certificate: "uri:spiffe://zone/orders" }, { certificate: CN=nobody }]',
  jwt: 'callers: [{ issuer: zone, subject: orders }]',
  key: 'callers: [{ api_key: KEY_ID }]',
  both: 'callers: [{ certificate: "uri:spiffe://zone/orders", issuer: zone, subject: orders }]',
  near: 'callers: [{ source: 127.0.0.1 }]',
  far: 'callers: [{ source: 203.0.113.0/24 }]',
  reported: 'callers: { mode: report, allow: [{ issuer: zone, subject: orders }] }',
  limited: 'limits: { per_minute: 2 }',
};

const config = (keyId: string): string =>
  [
    `jwt: { issuers: [{ name: zone, issuer: "https://zone.example", audience: egress, secret: ${secret} }] }`,
    `endpoints: { addr: "127.0.0.1:${endpointsPort}" }`,
    'egress:',
    '  addr: "127.0.0.1:0"',
    `  ${tls('request')}`,
    '  targets:',
    ...Object.entries(targets).map(
      ([name, keys]) =>
        `    ${name}: { url: "${target.url}", allow_private: true, auth: { type: bearer, token: canary-of-target }${keys && `, ${keys.replace('KEY_ID', keyId)}`} }`,
    ),
    '  routes:',
    ...Object.keys(targets).map((name) => `    - { path_prefix: /ext/${name}, target: ${name} }`),
    '',
  ].join('\n');

const sallyport = await startSallyport({ owner, http: tls('require'), config: config('key-of-nobody') });
const { key, id } = await sallyport.createKey();

// The id of a key is known once it is made: the rest of the file is about what a reload took into use.
const reload = async (change: (text: string) => string): Promise<void> => {
  const file = join(sallyport.directory, 'sallyport.yaml');
  writeFileSync(file, change(readFileSync(file, 'utf8')));
  const headers = { authorization: `Bearer ${adminToken}` };
  const answer = await fetch(`${sallyport.adminUrl}/admin/reload`, { method: 'POST', headers });
  assert.equal(answer.status, 200, await answer.text());
};

await reload((text) => text.replace('key-of-nobody', id));

const egressPort = Number(/egress on 127\.0\.0\.1:(\d+)/.exec(sallyport.output())?.[1]);

type Sent = Readonly<{ client?: Pair; headers?: Record<string, string>; port?: number; agent?: Agent }>;

const ask = async (path: string, { client, headers = {}, port = egressPort, agent }: Sent = {}) => {
  const asked = request({
    host: '127.0.0.1',
    port,
    path,
    ca,
    headers,
    agent: agent ?? false,
    ...(client && readPair(client)),
  });
  asked.end();
  const [response] = await once(asked, 'response');
  const body = Buffer.concat(await response.toArray()).toString();
  return { status: Number(response.statusCode), code: body.startsWith('{') ? String(JSON.parse(body).code) : '', body };
};

const sign = (sub: string, by = secret): Promise<string> =>
  new SignJWT({})
    .setProtectedHeader({ alg: 'HS256' })
    .setIssuer('https://zone.example')
    .setAudience('egress')
    .setSubject(sub)
    .setExpirationTime('5m')
    .sign(new TextEncoder().encode(by));

const ordersToken = await sign('orders');
const billingToken = await sign('billing');
const forged = await sign('orders', 'another-secret-of-at-least-32-bytes!');
const proof = (token: string) => ({ 'proxy-authorization': `Bearer ${token}` });

const cases: readonly (readonly [what: string, name: string, sent: Sent, status: number, code: string])[] = [
  ['anybody, where nobody is named', 'open', {}, 200, ''],
  ['a forged token, even where nobody is named', 'open', { headers: proof(forged) }, 401, 'invalid_token'],
  ['the right certificate', 'certificate', { client: orders }, 200, ''],
  ['another certificate of the same authority', 'certificate', { client: billing }, 403, 'caller_refused'],
  ['no certificate', 'certificate', {}, 401, 'caller_unknown'],
  [
    'a header that names a certificate',
    'certificate',
    { headers: { 'x-forwarded-client-cert': 'URI=spiffe://zone/orders' } },
    401,
    'caller_unknown',
  ],
  ['the right JWT', 'jwt', { headers: proof(ordersToken) }, 200, ''],
  ['the right JWT as Authorization', 'jwt', { headers: { authorization: `Bearer ${ordersToken}` } }, 200, ''],
  ['the JWT of somebody else', 'jwt', { headers: proof(billingToken) }, 403, 'caller_refused'],
  ['a forged JWT', 'jwt', { headers: proof(forged) }, 401, 'invalid_token'],
  ['no JWT', 'jwt', {}, 401, 'caller_unknown'],
  ['the right API key', 'key', { headers: { 'x-api-key': key } }, 200, ''],
  ['a key that there is not', 'key', { headers: { 'x-api-key': 'sk-canary-guess' } }, 401, 'invalid_api_key'],
  ['certificate and JWT', 'both', { client: orders, headers: proof(ordersToken) }, 200, ''],
  ['the certificate without the JWT', 'both', { client: orders }, 403, 'caller_refused'],
  ['the JWT without the certificate', 'both', { headers: proof(ordersToken) }, 403, 'caller_refused'],
  ['the right address', 'near', {}, 200, ''],
  ['the right address, with a forged token', 'near', { headers: proof(forged) }, 401, 'invalid_token'],
  ['whom a trusted proxy names', 'far', { headers: { 'x-forwarded-for': '203.0.113.7' } }, 200, ''],
  ['another address', 'far', {}, 403, 'caller_refused'],
  ['whoever is not enforced yet', 'reported', { headers: proof(billingToken) }, 200, ''],
];

for (const [what, name, sent, status, code] of cases) {
  test(`${what}: ${status} ${code}`, async () => {
    const before = target.calls.length;
    const answer = await ask(`/ext/${name}/a`, sent);
    assert.deepEqual([answer.status, answer.code], [status, code], answer.body);
    assert.equal(target.calls.length - before, status === 200 ? 1 : 0, 'nothing is sent before the caller is known');
  });
}

test('a certificate that a header tells of is believed only where the configuration says so', async () => {
  const headers = { 'x-forwarded-client-cert': 'Hash=00;URI=spiffe://zone/orders' };
  assert.equal((await ask('/ext/certificate/a', { headers })).code, 'caller_unknown');
  await reload((text) => text.replace('  targets:', '  forwarded_certificates: true\n  targets:'));
  assert.equal((await ask('/ext/certificate/a', { headers })).status, 200);
  assert.equal(
    (await ask('/ext/certificate/a', { client: orders, headers: { 'x-forwarded-client-cert': 'URI=a,' } })).code,
    'caller_unknown',
  );
  assert.equal((await ask('/ext/certificate/a', { client: orders })).status, 200);
  await reload((text) => text.replace('  forwarded_certificates: true\n', ''));
});

test('a certificate of another authority gets no answer at all', async () => {
  await assert.rejects(ask('/ext/open/a', { client: stranger }));
});

test('what proves a caller never leaves, and the target gets its own credential', async () => {
  await ask('/ext/key/a', { headers: { 'x-api-key': key, ...proof(key) } });
  const { values } = target.latest();
  assert.deepEqual(values('authorization'), ['Bearer canary-of-target']);
  for (const name of ['proxy-authorization', 'x-api-key']) assert.deepEqual(values(name), [], name);
});

test('a caller that has had enough waits, and no other', async () => {
  const statuses: number[] = [];
  for (const client of [orders, orders, orders, billing])
    statuses.push((await ask('/ext/limited/a', { client })).status);
  assert.deepEqual(statuses, [200, 200, 429, 200]);
});

test('who guesses is slowed down, and nobody else', async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  after(() => agent.destroy());
  const guess = (from: string) =>
    ask('/ext/far/a', { agent, headers: { 'x-forwarded-for': from, ...proof(forged) } }).then(({ code }) => code);
  const codes = await Promise.all(Array.from({ length: 101 }, () => guess('203.0.113.99')));
  assert.deepEqual([codes[0], codes.at(-1)], ['invalid_token', 'too_many_failures']);
  assert.equal(await guess('203.0.113.98'), 'invalid_token');
  const good = { 'x-forwarded-for': '203.0.113.99', ...proof(ordersToken) };
  assert.equal((await ask('/ext/far/a', { headers: good })).status, 200);
});

test('each call has its line, whoever made it and whatever became of it, and none tells a secret', async () => {
  await ask('/ext/both/charges?key=canary-query', { client: orders, headers: proof(ordersToken) });
  const linesOf = () => sallyport.log().filter(({ event }) => event === 'egress');
  // Lines are written in batches.
  await until('the line of the last call', () => linesOf().some(({ path }) => path === '/ext/both/charges'));
  const lines = linesOf();
  const said = new Set(
    lines.map(({ caller, target: to, status, error }) => `${caller} ${to} ${status} ${error ?? ''}`),
  );
  for (const line of [
    'jwt:zone/orders both 200 ',
    'certificate:spiffe://zone/orders both 403 caller',
    'certificate:spiffe://zone/billing certificate 403 caller',
    `api_key:${id} key 200 `,
    '127.0.0.1 near 200 ',
    '203.0.113.7 far 200 ',
    'jwt:zone/billing reported 200 ',
    'certificate:spiffe://zone/orders limited 429 limited',
  ])
    assert.ok(said.has(line), `${line} is not in\n${[...said].join('\n')}`);
  assert.deepEqual(
    lines.filter(({ credential_version: version, status }) => status === 200 && !version),
    [],
  );
  const told = sallyport.output();
  for (const canary of ['canary', ordersToken, forged, key]) assert.ok(!told.includes(canary), canary);
});

test('who would be refused is told of, by name', () => {
  const [reported] = sallyport.log().filter(({ event }) => event === 'egress_caller_reported');
  assert.deepEqual(
    [reported?.['target'], reported?.['caller'], reported?.['code']],
    ['reported', 'jwt:zone/billing', 'caller_refused'],
  );
});

test('where certificates are demanded, health and metrics are on a listener that wants none', async () => {
  const { port } = sallyport;
  await assert.rejects(ask('/auth/native', { port }));
  assert.equal((await ask('/health', { port, client: orders })).status, 404);
  assert.equal((await fetch(`http://127.0.0.1:${endpointsPort}/health`)).status, 200);
  const metrics = await (await fetch(`http://127.0.0.1:${endpointsPort}/metrics`)).text();
  assert.match(metrics, /egress_requests_total\{target="certificate",method="GET",status="200"\} 3\n/);
  assert.match(metrics, /egress_errors_total\{target="limited",error_type="limited"\} 1\n/);
  assert.doesNotMatch(metrics, /canary/);
});
