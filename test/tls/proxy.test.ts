/** The reverse proxy behind a real handshake: whom `allowed_clients` lets in, over HTTP/1.1 and HTTP/2. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type ClientHttp2Session, connect, type OutgoingHttpHeaders } from 'node:http2';
import { after, test } from 'node:test';
import { startRecordingTarget } from '../peers/recording-target.ts';
import { startSallyport } from '../sallyport.ts';
import { createAuthority, type Pair, readPair } from '../servers/certificates.ts';
import type { Owner } from '../servers/last-resort.ts';
import { request } from '../servers/request.ts';
import { ask, outcomeOf } from './ask.ts';

const owner = { after };
const zone = createAuthority(owner);
const server = zone.issue('server');
const service = await startRecordingTarget({ owner });
const sidecar = await startSallyport({
  owner,
  http: `tls: { cert_file: "${server.cert}", key_file: "${server.key}", client_ca_file: "${zone.ca}", client_auth: require, http2: true }`,
  config: `endpoints: { addr: "127.0.0.1:0" }
trusted_proxies: []
proxy:
  upstream: "${service.url}"
  auth: { enabled: false }
  mtls:
    allowed_clients: ["CN=api-gateway-client,O=MyOrg", "uri:spiffe://zone/orders", "dns:payments.zone"]
  audit: { enabled: false }
`,
});

const named = (name: string, subject: string, uri?: string, host?: string): Pair =>
  zone.issue(name, uri, { subject, ...(host && { host }) });

const gateway = named('gateway', '/O=MyOrg/CN=api-gateway-client');

for (const [what, own, status] of [
  ['the name', gateway, 200],
  ['the name in another order', named('order', '/CN=api-gateway-client/O=MyOrg'), 200],
  ['the name as one of both values', named('multi', '/CN=api-gateway-client+O=MyOrg'), 200],
  ['one more attribute', named('more', '/O=MyOrg/OU=x/CN=api-gateway-client'), 403],
  ['one attribute less', named('less', '/CN=api-gateway-client'), 403],
  ['another common name, in which the name stands', named('inside', '/O=MyOrg/CN=x,CN=api-gateway-client'), 403],
  ['the whole name as a common name', named('whole', '/CN=api-gateway-client,O=MyOrg'), 403],
  ['two common names, one of them right', named('two', '/O=MyOrg/CN=x/CN=api-gateway-client'), 403],
  ['two common names in one', named('both', '/O=MyOrg/CN=x+CN=api-gateway-client'), 403],
  ['the name with a line break before it', named('lines', '/O=MyOrg/CN=x\nCN=api-gateway-client'), 403],
  ['the name in the place of a SPIFFE id', named('spiffe-name', '/CN=uri:spiffe:\\/\\/zone\\/orders'), 403],
  ['the SPIFFE id', named('spiffe', '/CN=whoever', 'spiffe://zone/orders'), 200],
  ['a longer SPIFFE id', named('longer', '/CN=whoever', 'spiffe://zone/orders/x'), 403],
  ['the DNS name', named('dns', '/CN=whoever', undefined, 'DNS:payments.zone'), 200],
  ['a name below the DNS name', named('below', '/CN=whoever', undefined, 'DNS:x.payments.zone'), 403],
] as const) {
  test(`a client whose certificate has ${what}: ${status}`, async () => {
    const before = service.calls.length;
    assert.equal((await ask({ port: sidecar.port, ca: zone.ca, own })).status, status);
    assert.equal(service.calls.length - before, status === 200 ? 1 : 0);
  });
}

test('who shows no certificate gets no answer, and probes are answered elsewhere', async () => {
  assert.equal(await outcomeOf({ port: sidecar.port, ca: zone.ca }), 'refused');
  assert.equal((await request(`http://127.0.0.1:${sidecar.endpointsPort}`, '/ready')).status, 200);
});

const open = (t: Owner, own: Pair): ClientHttp2Session => {
  const session = connect(`https://127.0.0.1:${sidecar.port}`, { ca: readFileSync(zone.ca), ...readPair(own) });
  session.on('error', () => undefined);
  t.after(async () => session.destroy());
  return session;
};

const over = async (session: ClientHttp2Session, headers: OutgoingHttpHeaders, pieces: readonly string[] = []) => {
  const stream = session.request(headers, { endStream: pieces.length === 0 });
  for (const piece of pieces) stream.write(piece);
  if (pieces.length > 0) stream.end();
  const [{ ':status': status }] = await once(stream, 'response');
  return { status, body: Buffer.concat(await stream.toArray()).toString() };
};

test('over HTTP/2 the service behind gets the same request, its body piece by piece, and one line of cookies', async (t) => {
  const session = open(t, gateway);
  const told = await over(
    session,
    { ':method': 'POST', ':path': '/a/b?c=d', cookie: ['a=1', 'b=2'], 'x-a': '1', 'x-client-cn': 'admin' },
    ['one ', 'two'],
  );
  assert.equal(told.status, 200);
  const { method, url, values, body } = service.latest();
  assert.deepEqual([method, url, body], ['POST', '/a/b?c=d', 'one two']);
  assert.deepEqual(['cookie', 'x-a', 'x-client-cn'].flatMap(values), ['a=1; b=2', '1', 'api-gateway-client']);
  assert.equal((await over(session, { ':path': '/again' })).status, 200);
});

test('over HTTP/2 another certificate is refused by the same rule', async (t) => {
  const before = service.calls.length;
  const told = await over(open(t, named('stranger', '/CN=stranger')), { ':path': '/' });
  assert.equal(told.status, 403);
  assert.equal(JSON.parse(told.body).code, 'certificate_refused');
  assert.equal(service.calls.length, before);
});
