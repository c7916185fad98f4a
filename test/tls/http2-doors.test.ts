/** The listeners of egress and of the resolver over HTTP/2: what they do over HTTP/1.1, by the same certificates. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type ClientHttp2Session, connect, type OutgoingHttpHeaders } from 'node:http2';
import { after, test } from 'node:test';
import { startRecordingTarget } from '../peers/recording-target.ts';
import { jwtSecret, sandboxToken } from '../resolver/tokens.ts';
import { startSallyport } from '../sallyport.ts';
import { createAuthority, type Pair, readPair } from '../servers/certificates.ts';
import type { Owner } from '../servers/last-resort.ts';
import { ask } from './ask.ts';

const owner = { after };
const authority = createAuthority(owner);
const own = authority.issue('sallyport');
const [orders, billing] = ['orders', 'billing'].map((name) => authority.issue(name, `spiffe://zone/${name}`)) as [
  Pair,
  Pair,
];
const stranger = createAuthority(owner, 'another authority').issue('orders', 'spiffe://zone/orders');
const target = await startRecordingTarget({ owner });
const tls = (http2: boolean) =>
  `tls: { cert_file: "${own.cert}", key_file: "${own.key}", client_ca_file: "${authority.ca}", client_auth: require, http2: ${http2} }`;

const start = (http2: boolean) =>
  startSallyport({
    owner,
    config: `
egress:
  addr: "127.0.0.1:0"
  ${tls(http2)}
  targets:
    api: { url: "${target.url}", allow_private: true, auth: { type: bearer, token: the-secret }, callers: [{ certificate: "uri:spiffe://zone/orders" }] }
  routes: [{ path_prefix: /ext/api, target: api, strip_prefix: /ext/api, websocket: true }]
resolver:
  addr: "127.0.0.1:0"
  ${tls(http2)}
  secret: "${jwtSecret}"
  credentials: { anthropic: { api_key: sk-ant-1 } }
`,
  });

const [gate, plain] = await Promise.all([start(true), start(false)]);

const open = (t: Owner, port: number, pair = orders): ClientHttp2Session => {
  const session = connect(`https://127.0.0.1:${port}`, { ca: readFileSync(authority.ca), ...readPair(pair) });
  session.on('error', () => undefined);
  t.after(async () => session.destroy());
  return session;
};

const over = async (
  session: ClientHttp2Session,
  headers: OutgoingHttpHeaders,
  pieces: readonly (string | Buffer)[] = [],
) => {
  const stream = session.request(headers, { endStream: pieces.length === 0 });
  for (const piece of pieces) stream.write(piece);
  if (pieces.length > 0) stream.end();
  const [head] = await once(stream, 'response');
  return { head, status: head[':status'], body: Buffer.concat(await stream.toArray()).toString() };
};

/** With TLS 1.3 a client that is refused is connected for a moment: what counts is that nothing is answered. */
const isRefused = (session: ClientHttp2Session): Promise<boolean> =>
  new Promise((resolve) => {
    session.once('close', () => resolve(true));
    const stream = session.request({ ':path': '/ext/api/x' });
    stream.on('error', () => undefined).once('response', () => resolve(false));
  });

test('calls of egress carry their bodies and come back, many on one connection, with the credential', async (t) => {
  const session = open(t, gate.egressPort);
  const large = Buffer.alloc(1_000_000, 'x');
  const posted = await over(
    session,
    { ':method': 'POST', ':path': '/ext/api/charges?a=1', 'x-a': '1', authorization: 'Bearer mine' },
    ['{}', large],
  );
  assert.equal(posted.status, 200);
  const { method, url, values, body } = target.latest();
  assert.deepEqual([method, url, body.length], ['POST', '/charges?a=1', 2 + large.length]);
  assert.deepEqual(['authorization', 'x-a'].flatMap(values), ['Bearer the-secret', '1']);
  const many = await Promise.all(Array.from({ length: 50 }, (_, n) => over(session, { ':path': `/ext/api/${n}` })));
  assert.deepEqual(new Set(many.map(({ status }) => status)), new Set([200]));
});

for (const [what, path, expected] of [
  ['a path that no route is for', '/ext/other', [404, 'no_route']],
  ['a path that climbs', '/ext/api/../x', [400, 'ambiguous_path']],
] as const) {
  test(`egress refuses ${what}`, async (t) => {
    const before = target.calls.length;
    const session = open(t, gate.egressPort);
    const { status, body } = await over(session, { ':path': path });
    assert.deepEqual([status, JSON.parse(body).code], expected);
    assert.equal(target.calls.length, before);
  });
}

test('callers of egress are known by the certificate of their connection', async (t) => {
  const refused = await over(open(t, gate.egressPort, billing), { ':path': '/ext/api/x' });
  assert.deepEqual([refused.status, JSON.parse(refused.body).code], [403, 'caller_refused']);
  assert.ok(await isRefused(open(t, gate.egressPort, stranger)));
});

test('the resolver answers an Envoy as over HTTP/1.1: with the credential, or the reason', async (t) => {
  const session = open(t, gate.resolverPort);
  const question = { ':path': '/v1/messages', ':authority': 'localhost:8001' };
  const token = await sandboxToken();
  const answers = await Promise.all(
    [token, `${token}x`, undefined].map((sent) =>
      over(session, { ...question, ...(sent && { 'x-sandbox-jwt': sent }) }),
    ),
  );
  const told = { port: gate.resolverPort, ca: authority.ca, own: orders, path: '/v1/messages' };
  const earlier = await Promise.all(
    [token, `${token}x`, undefined].map((sent) =>
      ask({ ...told, headers: { Host: 'localhost:8001', ...(sent && { 'X-Sandbox-JWT': sent }) } }),
    ),
  );
  assert.deepEqual(
    answers.map(({ status }) => status),
    earlier.map(({ status }) => status),
  );
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 401, 401],
  );
  assert.equal(answers[0]?.head['x-api-key'], 'sk-ant-1');
  assert.ok(answers.slice(1).every(({ head }) => head['x-api-key'] === undefined));
  assert.ok(await isRefused(open(t, gate.resolverPort, stranger)));
});

test('where HTTP/2 was not switched on, neither speaks it', async (t) => {
  for (const port of [plain.egressPort, plain.resolverPort]) assert.ok(await isRefused(open(t, port)));
});
