/** The sidecar and the certificates of its callers: as their credential, beside a JWT, and never by a header. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { after, test } from 'node:test';
import { startRecordingTarget } from '../peers/recording-target.ts';
import { startSallyport } from '../sallyport.ts';
import { createAuthority, type Pair, readPair } from '../servers/certificates.ts';
import { freePort } from '../servers/free-port.ts';
import { jwtBlock, userToken } from './tokens.ts';

const owner = { after };
const authority = createAuthority(owner);
const own = authority.issue('sallyport');
const gateway = authority.issue('gateway', undefined, { subject: '/O=MyOrg/CN=api-gateway-client' });
const orders = authority.issue('orders', 'spiffe://zone/orders', { subject: '/O=MyOrg/CN=orders' });
const imitator = authority.issue('imitator', undefined, { subject: '/O=MyOrg/CN=x,CN=api-gateway-client' });
const ca = readFileSync(authority.ca);
const target = await startRecordingTarget({ owner });

const sidecar = async (keys: string) =>
  startSallyport({
    owner,
    http: `tls: { cert_file: ${own.cert}, key_file: ${own.key}, client_ca_file: ${authority.ca}, client_auth: request }`,
    config: `endpoints: { addr: "127.0.0.1:${await freePort()}" }\n${jwtBlock}\nproxy:\n  upstream: "${target.url}"\n${keys}`,
  });
const [services, seed] = await Promise.all([
  sidecar('  auth: { accept: [jwt, certificate] }\n  headers: { inject_user_id: X-Caller }'),
  sidecar('  mtls: { allowed_clients: ["CN=api-gateway-client,O=MyOrg"] }'),
]);
const authorization = `Bearer ${await userToken()}`;

type Sent = Readonly<{ client?: Pair; headers?: Readonly<Record<string, string>> }>;

const ask = async ({ port }: { port: number }, { client, headers = {} }: Sent = {}) => {
  const before = target.calls.length;
  const asked = request({
    host: '127.0.0.1',
    port,
    path: '/x',
    headers,
    agent: false,
    ca,
    ...(client && readPair(client)),
  });
  asked.end();
  const [answer] = await once(asked, 'response');
  const text = (await answer.toArray()).map(String).join('');
  const reached = target.calls.length > before ? target.latest() : undefined;
  const said = (name: string) => reached?.values(name).join() ?? '';
  return {
    outcome: answer.statusCode === 200 ? 'served' : String(JSON.parse(text).code),
    method: said('X-Auth-Method'),
    caller: said('X-Caller'),
    name: said('X-Client-CN'),
  };
};

const nobody = { method: '', caller: '', name: '' };

test('who shows a certificate and nothing else is known by it', async () => {
  const known = { outcome: 'served', method: 'certificate' };
  assert.deepEqual(await ask(services, { client: orders }), {
    ...known,
    caller: 'spiffe://zone/orders',
    name: 'orders',
  });
  assert.deepEqual(await ask(services), { ...nobody, outcome: 'credential_required' });
});

test('a JWT beside it says who calls, and a bad one is no way in', async () => {
  const sent = { client: gateway, headers: { authorization } };
  const john = { outcome: 'served', method: 'jwt', caller: 'john', name: 'api-gateway-client' };
  assert.deepEqual(await ask(services, sent), john);
  const bad = { ...sent, headers: { authorization: `${authorization}x` } };
  assert.deepEqual(await ask(services, bad), { ...nobody, outcome: 'invalid_token' });
});

test('a stolen JWT without the certificate gets nowhere, nor with another, nor with one that looks alike', async () => {
  const headers = { authorization };
  assert.equal((await ask(seed, { client: gateway, headers })).outcome, 'served');
  for (const sent of [{ headers }, { client: orders, headers }, { client: imitator, headers }])
    assert.deepEqual(await ask(seed, sent), { ...nobody, outcome: 'certificate_refused' });
  assert.equal(
    (await ask(seed, { client: gateway })).outcome,
    'credential_required',
    'nor the certificate without the JWT',
  );
});

test('no header of a client’s is a certificate, or the name of one', async () => {
  const forged = {
    'X-Forwarded-Client-Cert': 'Subject="CN=api-gateway-client,O=MyOrg"',
    'ssl-client-verify': 'SUCCESS',
    'ssl-client-subject-dn': 'CN=api-gateway-client,O=MyOrg',
    'X-Forwarded-Tls-Client-Cert': readFileSync(gateway.cert, 'utf8').replace(/-----[^-]+-----|\n/g, ''),
  };
  assert.equal((await ask(services, { headers: forged })).outcome, 'credential_required');
  assert.equal(
    (await ask(seed, { client: orders, headers: { authorization, ...forged } })).outcome,
    'certificate_refused',
  );
  for (const name of ['X-Client-CN', 'x-client-cn', 'X_Client_CN']) {
    const { name: told } = await ask(services, { headers: { authorization, [name]: 'boss' } });
    assert.equal(told, '', name);
    assert.equal((await ask(services, { client: orders, headers: { [name]: 'boss' } })).name, 'orders', name);
  }
});
