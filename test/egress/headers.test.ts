/** What of a message goes on, in both directions, and what never does. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startRecordingTarget } from '../peers/recording-target.ts';
import { startSallyport } from '../sallyport.ts';
import { createAuthority } from '../servers/certificates.ts';
import { parseAnswers, sendRaw } from '../servers/raw-http.ts';
import { request } from '../servers/request.ts';

const owner = { after };
const authority = createAuthority(owner);
const target = await startRecordingTarget({ owner });
const secure = await startRecordingTarget({ owner, tls: authority.issue('target') });
const sallyport = await startSallyport({
  owner,
  config: `
egress:
  targets:
    open: { url: "${target.url}", allow_private: true }
    keyed:
      url: "${target.url}"
      allow_private: true
      credentials:
        - { type: bearer, token: the-secret }
        - { type: api_key, header: X-Api-Key, key: the-key }
    secure: { url: "https://localhost:${secure.port}/v1", allow_private: true, tls: { ca_cert: "${authority.ca}" }, auth: { type: bearer, token: the-secret } }
    distrusted: { url: "https://localhost:${secure.port}", allow_private: true }
  routes:
    - { path_prefix: /ext/open, target: open, strip_prefix: /ext/open }
    - { path_prefix: /ext/keyed, target: keyed, strip_prefix: /ext/keyed }
    - { path_prefix: /ext/secure, target: secure, strip_prefix: /ext/secure }
    - { path_prefix: /ext/distrusted, target: distrusted, strip_prefix: /ext/distrusted }
`,
});

const call = async (path: string, headers: [string, string][]) => {
  const answer = await request(sallyport.url, path, { headers });
  assert.equal(answer.status, 200, answer.body);
  return target.latest();
};

/** Every value under a name, in any case and with `_` for `-`. */
const valuesOf = (rawHeaders: readonly string[], name: string) =>
  rawHeaders.filter(
    (_, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase().replaceAll('_', '-') === name.toLowerCase(),
  );

const injected = [
  ['authorization', 'Bearer the-secret'],
  ['x-api-key', 'the-key'],
] as const;

for (const [name, value] of injected) {
  const spelt = [
    name,
    name.toUpperCase(),
    name.replaceAll('-', '_'),
    `${name.slice(0, 1).toUpperCase()}${name.slice(1)}`,
  ];
  for (const own of new Set(spelt))
    test(`a caller's own ${own} is replaced by the credential`, async () => {
      const { rawHeaders } = await call('/ext/keyed', [[own, 'mine']]);
      assert.deepEqual(valuesOf(rawHeaders, name), [value]);
    });
  for (const connection of [name, `close, ${name.toUpperCase()}`, `keep-alive,${name}`, name.replaceAll('-', '_')])
    test(`Connection: ${connection} takes no credential off`, async () => {
      const { rawHeaders } = await call('/ext/keyed', [['Connection', connection]]);
      assert.deepEqual(valuesOf(rawHeaders, name), [value]);
    });
}

// biome-ignore format: a table is read by its columns
const dropped: readonly (readonly [name: string, value: string])[] = [
  ['Keep-Alive', 'timeout=5'], ['Proxy-Connection', 'keep-alive'], ['Proxy_Connection', 'a'],
  ['TE', 'trailers'], ['Upgrade', 'h2c'], ['HTTP2-Settings', 'AAA'], ['Forwarded', 'for=10.0.0.1'],
  ['X-Forwarded-For', '10.0.0.1'], ['X-Forwarded-Host', 'inner'], ['X_Forwarded_Proto', 'https'], ['X-Real-IP', '10.0.0.1'],
  ['Via', '1.1 inner'], ['X-Original-URL', '/admin'], ['X-Rewrite-URL', '/admin'],
];

for (const [name, value] of dropped)
  test(`${name} stays inside`, async () => {
    const { rawHeaders } = await call('/ext/open', [[name, value]]);
    assert.deepEqual(valuesOf(rawHeaders, name.replaceAll('_', '-')), []);
  });

test('what Connection names stays inside, however it is spelt and wherever it stands', async () => {
  const { rawHeaders } = await call('/ext/open', [
    ['X-One', '1'],
    ['Connection', 'x-one'],
    ['CONNECTION', 'X-TWO , x_three'],
    ['X-Two', '2'],
    ['X-Three', '3'],
    ['X-Four', '4'],
  ]);
  assert.deepEqual(
    ['x-one', 'x-two', 'x-three', 'x-four'].map((name) => valuesOf(rawHeaders, name).join()),
    ['', '', '', '4'],
  );
});

test('everything else goes on as it was spelt, in its order, several lines of a name too', async () => {
  const sent: [string, string][] = [
    ['X-B', '1'],
    ['x-a', '2'],
    ['Accept', 'text/html, */*;q=0.1'],
    ['X-B', '3'],
    ['Cookie', 'a=b'],
    ['Cookie', 'c=d'],
    ['Authorization', 'Bearer mine'],
    ['X-Latin', 'caf\u00e9'],
    ['X-Empty', ''],
    ['Idempotency-Key', 'k'],
  ];
  const { rawHeaders } = await call('/ext/open', sent);
  const own = new Set(['host', 'connection', 'cdn-loop']);
  const pairs = rawHeaders.flatMap((name, at) => (at % 2 === 0 ? [[name, rawHeaders[at + 1]]] : []));
  assert.deepEqual(
    pairs.filter(([name = '']) => !own.has(name.toLowerCase())),
    sent,
  );
});

test('the name in TLS, Host and certificate are those of the target', async () => {
  const answer = await request(sallyport.url, '/ext/secure/charges', { headers: { Host: 'evil.example.com' } });
  assert.equal(answer.status, 200);
  const { url, servername, values } = secure.latest();
  assert.deepEqual([url, servername], ['/v1/charges', 'localhost']);
  assert.deepEqual(values('host'), [`localhost:${secure.port}`]);
  assert.deepEqual(values('authorization'), ['Bearer the-secret']);
});

test('a target whose certificate nobody vouches for gets nothing', async () => {
  const before = secure.calls.length;
  const answer = await request(sallyport.url, '/ext/distrusted/x', { headers: { Authorization: 'Bearer mine' } });
  assert.deepEqual([answer.status, JSON.parse(answer.body).code], [502, 'target_unreachable']);
  assert.equal(secure.calls.length, before);
});

test('of an answer the headers of its connection stay outside, and the rest comes as it was', async () => {
  target.behave((_request, response) => {
    response.writeHead(201, 'Very Good', [
      ...['X-One', '1', 'Connection', 'x-one, keep-alive', 'Keep-Alive', 'timeout=999', 'Proxy-Authenticate', 'Basic'],
      ...['Alt-Svc', 'h3=":443"', 'Set-Cookie', 'a=b', 'Set-Cookie', 'c=d', 'x-LOWER', 'caf\u00e9'],
      ...['Date', 'Sun, 22 Nov 2026 00:00:00 GMT', 'Server', 'target', 'Content-Length', '2'],
    ]);
    response.end(Buffer.from('ok'));
  });
  const { status, rawHeaders, body } = await request(sallyport.url, '/ext/open', {});
  target.behave();
  assert.deepEqual([status, body], [201, 'ok']);
  for (const name of ['x-one', 'proxy-authenticate', 'alt-svc']) assert.deepEqual(valuesOf(rawHeaders, name), []);
  assert.deepEqual(valuesOf(rawHeaders, 'set-cookie'), ['a=b', 'c=d']);
  assert.deepEqual(valuesOf(rawHeaders, 'x-lower'), ['caf\u00e9']);
  assert.deepEqual(valuesOf(rawHeaders, 'date'), ['Sun, 22 Nov 2026 00:00:00 GMT']);
  assert.deepEqual(valuesOf(rawHeaders, 'server'), ['target']);
  assert.deepEqual(valuesOf(rawHeaders, 'keep-alive'), [], 'the connection of the test is closed');
});

for (const status of [301, 302, 303, 307, 308])
  test(`a redirect by ${status} is passed on, and not followed`, async () => {
    const location = `${secure.url}/elsewhere?x=%2F`;
    target.behave((_request, response) => void response.writeHead(status, { Location: location }).end());
    const before = [target.calls.length, secure.calls.length];
    const answer = await request(sallyport.url, '/ext/keyed/x', {});
    target.behave();
    assert.deepEqual([answer.status, answer.headers.location], [status, location]);
    assert.deepEqual([target.calls.length, secure.calls.length], [(before[0] ?? 0) + 1, before[1]]);
  });

for (const status of [400, 401, 403, 404, 409, 429, 500])
  test(`the target's own ${status} comes with its headers and its body`, async () => {
    target.behave((_request, response) => void response.writeHead(status, { 'X-Own': 'yes' }).end('{"own":true}'));
    const answer = await request(sallyport.url, '/ext/open/x', { method: 'POST' });
    target.behave();
    assert.deepEqual([answer.status, answer.headers['x-own'], answer.body], [status, 'yes', '{"own":true}']);
  });

for (const [status, headers] of [
  [204, {}],
  [204, { 'Content-Length': '0' }],
  [304, { ETag: '"a"', 'Content-Length': '5' }],
] as const)
  test(`an answer of ${status} with ${Object.keys(headers).join() || 'no headers'} has no body, and the connection goes on`, async () => {
    target.behave((_request, response) => void response.writeHead(status, headers).end());
    const asked = 'GET /ext/open/x HTTP/1.1\r\nHost: a\r\n';
    const { text } = await sendRaw(`${asked}\r\n${asked}Connection: close\r\n\r\n`, { port: sallyport.port });
    target.behave();
    assert.deepEqual(
      parseAnswers(text).map((answer) => answer.status),
      [status, status],
    );
  });

test('an answer to HEAD has the length and no body', async () => {
  const { status, headers, body } = await request(sallyport.url, '/ext/open/x', { method: 'HEAD' });
  assert.deepEqual([status, headers['x-answered-by'], body], [200, 'target', '']);
});

// biome-ignore format: a table is read by its columns
const interim: readonly (readonly [title: string, interim: string])[] = [
  ['102', 'HTTP/1.1 102 Processing\r\n\r\n'],
  ['103, twice', 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'.repeat(2)],
];

for (const [title, bytes] of interim)
  test(`interim answers are dropped: ${title}`, async () => {
    target.behave(
      ({ socket }) => void socket.end(`${bytes}HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nlast`),
      { raw: true },
    );
    const { text } = await sendRaw('GET /ext/open/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', {
      port: sallyport.port,
    });
    target.behave();
    assert.deepEqual(
      parseAnswers(text).map(({ status, body }) => [status, body]),
      [[200, 'last']],
    );
  });

test('trailers are dropped in both directions', async () => {
  target.behave((_request, response) => {
    response.writeHead(200, { Trailer: 'X-Late' });
    response.write('ok');
    response.addTrailers({ 'X-Late': 'secret' });
    response.end();
  });
  const asked =
    'POST /ext/keyed HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: Authorization\r\nConnection: close\r\n\r\n';
  const { text } = await sendRaw(`${asked}2\r\nhi\r\n0\r\nAuthorization: Bearer mine\r\n\r\n`, {
    port: sallyport.port,
  });
  target.behave();
  assert.ok(!text.includes('X-Late'));
  assert.equal(target.latest().body, 'hi');
  assert.deepEqual(target.latest().values('authorization'), ['Bearer the-secret']);
});
