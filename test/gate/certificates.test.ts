/** Client certificates as credentials, through the real service: by our own handshake and by headers of trusted proxies. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { request as requestHttps } from 'node:https';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { SignJWT } from 'jose';
import { startMint } from '../peers/mint.ts';
import { adminToken, startSallyport } from '../sallyport.ts';
import { createAuthority, type Pair, readPair } from '../servers/certificates.ts';
import { freePort } from '../servers/free-port.ts';
import { request } from '../servers/request.ts';
import { until } from '../servers/until.ts';

const owner = { after };
const secret = 'canary-secret-of-the-issuer-32-bytes';
const authority = createAuthority(owner);
const own = authority.issue('sallyport');
const orders = authority.issue('orders', 'spiffe://zone/orders', { subject: '/O=MyOrg/CN=orders' });
const gateway = authority.issue('gateway', undefined, { subject: '/O=MyOrg/CN=api-gateway-client' });
const imitator = authority.issue('imitator', undefined, { subject: '/O=MyOrg/CN=x,CN=api-gateway-client' });
const multiple = authority.issue('multiple', undefined, { subject: '/O=MyOrg+CN=api-gateway-client' });
const twice = authority.issue('twice', undefined, { subject: '/O=MyOrg/CN=x/CN=api-gateway-client' });
const foreign = authority.issue('foreign', undefined, { subject: '/O=Möbel/CN=Jörg, \u{1F511}' });

const mint = await startMint({ owner });

const rules = `
jwt: { issuers: [{ name: zone, issuer: "https://zone.example", audience: api, secret: ${secret} }] }
cashu: { mints: ["${mint.url}"] }
logger: { format: json, sample_allows: 1 }
usage: {}
rules:
  - { name: open, match: { path: "/open/**" }, accept: [anonymous] }
  - { name: services, match: { path: "/services/**" }, accept: [certificate] }
  - { name: either, match: { path: "/either/**" }, accept: [jwt, certificate] }
  - name: both
    match: { path: "/both/**" }
    accept: [jwt]
    require: { certificates: ["CN=api-gateway-client,O=MyOrg"] }
  - name: gateway
    match: { path: "/gateway/**" }
    accept: [anonymous]
    require: { certificates: ["CN=api-gateway-client,O=MyOrg"] }
  - { name: roles, match: { path: "/roles/**" }, accept: [certificate], require: { roles: [admin] } }
  - { name: scopes, match: { path: "/scopes/**" }, accept: [certificate], require: { scopes: [read] } }
  - { name: paid, match: { path: "/paid/**" }, accept: [cashu, certificate], price: 5 }
  - { name: scarce, match: { path: "/scarce/**" }, accept: [certificate], limits: { per_day: 1 } }
`;

const endpointsPort = await freePort();
const direct = await startSallyport({
  owner,
  http: `tls: { cert_file: ${own.cert}, key_file: ${own.key}, client_ca_file: ${authority.ca}, client_auth: request }`,
  config: `endpoints: { addr: "127.0.0.1:${endpointsPort}" }\nforwarded_certificates: envoy\n${rules}`,
});

const behindProxies = await startSallyport({
  owner,
  config: `trusted_proxies: [203.0.113.7]\nforwarded_certificates: envoy\n${rules}`,
});
const unconfigured = await startSallyport({ owner, config: `grpc: { addr: "127.0.0.1:0" }\n${rules}` });

const jwt = await new SignJWT({ sub: 'john' })
  .setProtectedHeader({ alg: 'HS256' })
  .setIssuer('https://zone.example')
  .setAudience('api')
  .setExpirationTime('1h')
  .sign(Buffer.from(secret));
const bearer = { Authorization: `Bearer ${jwt}` };

type Headers = Readonly<Record<string, string>>;
type Sent = Readonly<{ client?: Pair; headers?: Headers }>;

/** Asks as a client of its own, over TLS. */
const ask = async (path: string, { client, headers = {} }: Sent = {}) => {
  const asked = requestHttps({
    host: '127.0.0.1',
    port: direct.port,
    path,
    headers,
    agent: false,
    ca: readFileSync(authority.ca),
    ...(client && readPair(client)),
  });
  asked.end();
  const [answer] = await once(asked, 'response');
  const text: string = (await answer.toArray()).map(String).join('');
  const { code = '', detail = '' } = text.startsWith('{') ? JSON.parse(text) : {};
  return { status: answer.statusCode, headers: answer.headers, code, detail };
};

const native = async (path: string, sent: Sent = {}) => ask(`/auth/native${path}`, sent);

const known = ({ status, headers }: Awaited<ReturnType<typeof ask>>) => [
  status,
  headers['x-auth-method'],
  headers['x-user-id'],
  headers['x-client-cn'],
];

test('who shows a certificate in our own handshake is known by it', async () => {
  const spiffe = [200, 'certificate', 'spiffe://zone/orders', 'orders'];
  assert.deepEqual(known(await native('/services/1', { client: orders })), spiffe);
  const named = [200, 'certificate', 'api-gateway-client', 'api-gateway-client'];
  assert.deepEqual(known(await native('/services/1', { client: gateway })), named);
  assert.deepEqual(known(await native('/either/1', { client: gateway })), named);
});

test('a name in any script reaches the application as UTF-8', async () => {
  const { headers } = await native('/services/1', { client: foreign });
  assert.equal(Buffer.from(String(headers['x-client-cn']), 'latin1').toString(), 'Jörg, \u{1F511}');
});

test('who shows none is told to', async () => {
  const alone = await native('/services/1');
  assert.deepEqual([alone.status, alone.code], [401, 'credential_required']);
  assert.equal(alone.detail, 'Connect with a client certificate.');
  assert.equal(alone.headers['www-authenticate'], 'Certificate realm="sallyport"');
  const either = await native('/either/1');
  assert.equal(either.detail, 'Send a JWT as Authorization: Bearer …. Or connect with a client certificate.');
  assert.match(String(either.headers['www-authenticate']), /^Bearer /);
});

test('a JWT beside a certificate says who calls; the certificate is still told of, and a bad JWT is no way in', async () => {
  const both = await native('/either/1', { client: gateway, headers: bearer });
  assert.deepEqual(known(both), [200, 'jwt', 'john', 'api-gateway-client']);
  const bad = { Authorization: `${bearer.Authorization}x` };
  const { status, code } = await native('/either/1', { client: gateway, headers: bad });
  assert.deepEqual([status, code], [401, 'invalid_token']);
});

test('a stolen JWT opens nothing without the certificate, nor with another', async () => {
  for (const [client, expected] of [
    [gateway, 'allowed'],
    [multiple, 'allowed'],
    [undefined, 'certificate_refused'],
    [orders, 'certificate_refused'],
    [imitator, 'certificate_refused'],
    [twice, 'certificate_refused'],
  ] as const) {
    const sent = client ? { client, headers: bearer } : { headers: bearer };
    const { status, code } = await native('/both/1', sent);
    assert.equal(status === 200 ? 'allowed' : code, expected, client?.cert ?? 'without');
  }
  assert.equal((await native('/both/1', { client: gateway })).code, 'credential_required');
});

test('callers without a name are asked for the certificate too', async () => {
  assert.equal((await native('/gateway/1')).code, 'certificate_refused');
  assert.deepEqual(known(await native('/gateway/1', { client: gateway })), [
    200,
    'anonymous',
    '',
    'api-gateway-client',
  ]);
});

test('a certificate has no roles and no scopes', async () => {
  assert.equal((await native('/roles/1', { client: orders })).code, 'missing_role');
  assert.equal((await native('/scopes/1', { client: orders })).code, 'insufficient_scope');
});

test('who is known by a certificate is asked for no money, and all others are', async () => {
  assert.equal(known(await native('/paid/1', { client: orders }))[1], 'certificate');
  const { status, code } = await native('/paid/1');
  assert.deepEqual([status, code], [402, 'payment_required']);
  const cookie = { client: orders, headers: { Cookie: 'sallyport-session=over' } };
  assert.equal(known(await native('/paid/1', cookie))[1], 'certificate', 'the cookie of a session costs nothing then');
});

test('limits count by certificate, whatever address it comes from, and a renewed one is the same caller', async () => {
  const renewed = authority.issue('renewed', 'spiffe://zone/orders', { subject: '/O=MyOrg/CN=orders' });
  const statuses: unknown[] = [];
  for (const client of [orders, orders, renewed, gateway, gateway])
    statuses.push((await native('/scarce/1', { client })).status);
  assert.deepEqual(statuses, [200, 429, 429, 200, 429]);
});

test('behind a proxy our own handshake shows the proxy, who is nobody’s credential', async () => {
  const described = { 'X-Forwarded-Uri': '/services/1', 'X-Forwarded-Method': 'GET', 'X-Forwarded-Host': 'a' };
  const { status, code } = await ask('/auth/traefik', { client: orders, headers: described });
  assert.deepEqual([status, code], [401, 'credential_required']);
  assert.equal((await ask('/auth/envoy/services/1', { client: orders })).code, 'credential_required');
});

test('headers count for a proxy’s client, and never for one who shakes hands with us', async () => {
  const xfcc = { 'X-Forwarded-Client-Cert': 'Subject="CN=boss"' };
  assert.deepEqual(known(await ask('/auth/envoy/services/1', { headers: xfcc })), [200, 'certificate', 'boss', 'boss']);
  assert.equal((await native('/services/1', { headers: xfcc })).code, 'credential_required');
  assert.equal(known(await native('/services/1', { client: gateway, headers: xfcc }))[2], 'api-gateway-client');
});

test('what a trusted proxy tells of a certificate and cannot be read is refused, wherever the request goes', async () => {
  const { status, code } = await ask('/auth/envoy/open/1', { headers: { 'X-Forwarded-Client-Cert': 'rubbish' } });
  assert.deepEqual([status, code], [403, 'certificate_refused']);
});

const forged: Headers = {
  'X-Forwarded-Client-Cert': 'Subject="CN=api-gateway-client,O=MyOrg"',
  'X-Forwarded-Tls-Client-Cert': readFileSync(gateway.cert, 'utf8').replace(/-----[^-]+-----|\n/g, ''),
  'Client-Cert': `:${readFileSync(gateway.cert, 'utf8').replace(/-----[^-]+-----|\n/g, '')}:`,
  'ssl-client-verify': 'SUCCESS',
  'ssl-client-subject-dn': 'CN=api-gateway-client,O=MyOrg',
  'ssl-client-cert': encodeURIComponent(readFileSync(gateway.cert, 'utf8')),
};

for (const [what, { url }] of [
  ['of a peer that is not trusted', behindProxies],
  ['that nobody configured', unconfigured],
] as const) {
  test(`headers ${what} are no certificate`, async () => {
    for (const path of ['/services/1', '/gateway/1']) {
      const { status } = await request(url, `/auth/envoy${path}`, { headers: forged });
      assert.notEqual(status, 200, path);
    }
    const open = await request(url, '/auth/envoy/open/1', { headers: forged });
    assert.deepEqual([open.status, open.headers['x-client-cn']], [200, '']);
  });
}

test('which headers count is taken over by a reload', async () => {
  const file = join(unconfigured.directory, 'sallyport.yaml');
  const text = readFileSync(file, 'utf8');
  const reload = async (changed: string) => {
    writeFileSync(file, changed);
    const headers = { authorization: `Bearer ${adminToken}` };
    const { status } = await request(unconfigured.adminUrl, '/admin/reload', { method: 'POST', headers });
    assert.equal(status, 200);
    return (await request(unconfigured.url, '/auth/envoy/services/1', { headers: forged })).status;
  };
  assert.equal(await reload(`${text}\nforwarded_certificates: envoy\n`), 200);
  assert.equal(await reload(text), 401);
});

test('lines of the log name the certificate of who was refused and of who was let in, cut to a line', async () => {
  const longest = `CN=${'a'.repeat(3_000)}`;
  await ask('/auth/envoy/gateway/long', { headers: { 'X-Forwarded-Client-Cert': `Subject="${longest}"` } });
  await native('/gateway/refused', { client: orders });
  await native('/services/allowed', { client: gateway });
  const lineFor = async (path: string) => {
    await until('the line is written', () => direct.log().some((line) => line['path'] === path));
    return direct.log().find((line) => line['path'] === path) ?? {};
  };
  const refused = await lineFor('/gateway/refused');
  assert.equal(refused['certificate'], 'spiffe://zone/orders');
  const allowed = await lineFor('/services/allowed');
  assert.deepEqual(
    [allowed['credential'], allowed['user'], allowed['certificate']],
    ['certificate', 'api-gateway-client', 'CN=api-gateway-client,O=MyOrg'],
  );
  const long = await lineFor('/gateway/long');
  assert.equal(String(long['certificate']).length, 256);
});

test('metrics and usage count certificates as a method and as a user', async () => {
  await native('/services/counted', { client: orders });
  const metrics = await request(`http://127.0.0.1:${endpointsPort}`, '/metrics');
  assert.match(
    metrics.body,
    /sallyport_decisions_total\{[^}]*rule="services"[^}]*method="certificate"[^}]*outcome="allow"/,
  );
  const headers = { authorization: `Bearer ${adminToken}` };
  const usage = async () => (await request(direct.adminUrl, '/api/usage?group_by=user', { headers })).body;
  await until('the use is counted', async () => (await usage()).includes('spiffe://zone/orders'));
});
