/** What of a request reaches the service behind, what of its answer the caller, and what never does. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { type Recorded, startRecordingTarget } from '../peers/recording-target.ts';
import { startSallyport } from '../sallyport.ts';
import { parseAnswers, sendRaw } from '../servers/raw-http.ts';
import { type HeaderList, request } from '../servers/request.ts';
import { jwtBlock, userToken } from './tokens.ts';

const owner = { after };
const target = await startRecordingTarget({ owner });
const proxy = (keys: string) => startSallyport({ owner, config: `${jwtBlock}\n${keys}` });
const own = await proxy(`
trusted_proxies: [10.0.0.0/8]
proxy:
  upstream: "${target.url}"
  auth: { accept: [jwt, api_key] }
  headers: { inject_claims: { sub: X-User-ID, email: X-User-Email, realm_access.roles: X-User-Roles, team: X-Team } }
  routes:
    - { path: "/**" }
    - { path: "/open/**", auth_required: false }
`);
const behind = await proxy(`
trusted_proxies: [127.0.0.1]
proxy: { upstream: "${target.url}", auth: { enabled: false } }
`);
const passing = await proxy(`
proxy:
  upstream: "${target.url}"
  auth: { header: X-Token, scheme: Token }
  headers: { pass_token: true }
`);
const hiding = await proxy(`
proxy: { upstream: "${target.url}", auth: { header: X-Token } }
`);

const token = await userToken();
const authorization = `Bearer ${token}`;

/** As the service got it. */
const through = async (gate: { url: string }, headers: HeaderList, path = '/open/x'): Promise<Recorded> => {
  const { status, body } = await request(gate.url, path, { headers });
  assert.equal(status, 200, body);
  return target.latest();
};

/** Every value under a name, in any case and with `_` for `-`. */
const valuesOf = ({ rawHeaders }: Recorded, name: string): readonly string[] =>
  rawHeaders.filter(
    (_, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase().replaceAll('_', '-') === name.toLowerCase(),
  );

const spellings = (name: string) => [
  name,
  name.toLowerCase(),
  name.toUpperCase(),
  name.replaceAll('-', '_'),
  name.toLowerCase().replaceAll('-', '_'),
  name.replace('-', '_'),
];

// biome-ignore format: a table is read by its columns
const managed: readonly (readonly [name: string, value: string | undefined])[] = [
  ['X-User-ID', 'john'], ['X-User-Email', 'john@example.com'], ['X-User-Roles', 'customer,orders:create'], ['X-Team', undefined],
  ['X-Auth-Method', 'jwt'], ['X-API-Key-ID', undefined], ['X-Client-CN', undefined],
  ['X-Payment-Verified', undefined], ['X-Payment-Amount', undefined], ['X-Payment-Balance', undefined], ['X-Provisioned-Pod', undefined],
  ['X-Forwarded-Client-Cert', undefined], ['X-Forwarded-Tls-Client-Cert', undefined], ['X-Forwarded-User', undefined], ['Ssl-Client-Verify', undefined], ['Ssl-Client-Subject-Dn', undefined], ['X-SSL-Client-CN', undefined], ['X-Client-Cert', undefined],
  ['X-Original-URL', undefined], ['X-Rewrite-URL', undefined], ['X-HTTP-Method-Override', undefined], ['X-HTTP-Method', undefined], ['X-Method-Override', undefined],
];

for (const [name, value] of managed)
  test(`a client's ${name} never passes for ours, in any spelling`, async () => {
    for (const spelt of new Set(spellings(name))) {
      const forged: [string, string][] = [
        [spelt, 'admin'],
        [spelt, 'admin2'],
        ['Authorization', authorization],
      ];
      assert.deepEqual(valuesOf(await through(own, forged), name), value === undefined ? [] : [value], spelt);
      const named: [string, string][] = [
        ['Connection', `close, ${spelt}`],
        ['Authorization', authorization],
      ];
      assert.deepEqual(
        valuesOf(await through(own, named), name),
        value === undefined ? [] : [value],
        `Connection: ${spelt}`,
      );
    }
  });

test('what belongs to one connection stays on it, and everything else goes on as it is spelt', async () => {
  const seen = await through(own, [
    ['Connection', 'close, X-Hop'],
    ['X-Hop', '1'],
    ['x_hop', '2'],
    ['Keep-Alive', 'timeout=5'],
    ['TE', 'trailers'],
    ['Proxy-Authorization', 'Basic a'],
    ['Proxy-Connection', 'close'],
    ['Upgrade', 'h2c'],
    ['aCCept', 'text/*'],
    ['X-Own', 'a'],
    ['X-Own', 'b'],
    ['Cookie', 'a=b'],
    ['User-Agent', 'me'],
  ]);
  for (const name of ['X-Hop', 'Keep-Alive', 'TE', 'Proxy-Authorization', 'Proxy-Connection', 'Upgrade'])
    assert.deepEqual(valuesOf(seen, name), [], name);
  assert.ok(seen.rawHeaders.includes('aCCept'));
  assert.deepEqual(valuesOf(seen, 'X-Own'), ['a', 'b']);
  assert.deepEqual(valuesOf(seen, 'Cookie'), ['a=b']);
  assert.deepEqual(valuesOf(seen, 'User-Agent'), ['me']);
});

const way = ['X-Forwarded-For', 'X-Forwarded-Proto', 'X-Forwarded-Host', 'X-Forwarded-Port', 'X-Real-IP', 'Forwarded'];
const told = [
  ['X-Forwarded-For', '203.0.113.7'],
  ['X-Forwarded-Proto', 'https'],
  ['X-Forwarded-Host', 'shop.example'],
  ['X-Forwarded-Port', '8443'],
  ['X-Real-IP', '203.0.113.7'],
  ['Forwarded', 'for=203.0.113.7;proto=https'],
  ['X-Correlation-ID', 'req-1'],
  ['X-Request-ID', 'req-2'],
] as const;

test('the way here is written afresh, whatever a client claims', async () => {
  const host = `Orders.Example:${own.port}`;
  const seen = await through(own, [...told, ['Host', host]]);
  assert.deepEqual(
    way.map((name) => valuesOf(seen, name)),
    [['127.0.0.1'], ['http'], [host], [String(own.port)], ['127.0.0.1'], [`for=127.0.0.1;host="${host}";proto=http`]],
  );
  assert.deepEqual(valuesOf(seen, 'Host'), [host], 'the service sees the host that was asked');
  const [id] = valuesOf(seen, 'X-Correlation-ID');
  assert.match(String(id), /^[0-9a-f-]{36}$/);
  assert.deepEqual(valuesOf(seen, 'X-Request-ID'), [id]);
});

test('to what a trusted proxy tells of the way, ours is added', async () => {
  const seen = await through(behind, [...told, ['Host', 'inner']]);
  assert.deepEqual(
    way.map((name) => valuesOf(seen, name)),
    [
      ['203.0.113.7, 127.0.0.1'],
      ['https'],
      ['shop.example'],
      ['8443'],
      ['203.0.113.7'],
      ['for=203.0.113.7;proto=https, for=127.0.0.1;host=inner;proto=http'],
    ],
  );
  assert.deepEqual([valuesOf(seen, 'X-Correlation-ID'), valuesOf(seen, 'X-Request-ID')], [['req-1'], ['req-1']]);
  for (const bad of ['a b', 'x'.repeat(129), 'a,b'])
    assert.notEqual(valuesOf(await through(behind, [['X-Correlation-ID', bad]]), 'X-Correlation-ID')[0], bad);
});

test('money, sessions and keys never reach the service, and a token only by choice', async () => {
  const { key } = await own.createKey();
  const byKey = await through(own, [
    ['X-API-Key', key],
    ['X-Cashu', 'cashuA'],
    ['X-Payment-Session', 's'],
    ['Cookie', 'a=b; __Host-sallyport-session=x; sallyport-session=y'],
  ]);
  for (const name of ['X-API-Key', 'X-Cashu', 'X-Payment-Session']) assert.deepEqual(valuesOf(byKey, name), [], name);
  assert.deepEqual(valuesOf(byKey, 'Cookie'), ['a=b']);
  assert.ok(!byKey.rawHeaders.join('\n').includes(key));
  assert.deepEqual(valuesOf(byKey, 'X-Auth-Method'), ['api_key']);
  assert.deepEqual(valuesOf(await through(own, { authorization }), 'Authorization'), []);
});

test('a token may come in another header, by another scheme or none', async () => {
  for (const value of [`Token ${token}`, `tOKEN ${token}`, token]) {
    const seen = await through(passing, { 'x-token': value, authorization: 'Basic of-the-service' });
    assert.deepEqual(valuesOf(seen, 'X-User-ID'), ['john']);
    assert.deepEqual([valuesOf(seen, 'X-Token'), valuesOf(seen, 'Authorization')], [[value], ['Basic of-the-service']]);
    const hidden = await through(hiding, {
      x_token: 'mine',
      'X-Token': value.replace(/^token /i, ''),
      authorization: 'Basic of-the-service',
    });
    assert.deepEqual([valuesOf(hidden, 'X-Token'), valuesOf(hidden, 'Authorization')], [[], ['Basic of-the-service']]);
  }
  for (const headers of [{ authorization }, { 'x-token': '' }, { x_token: token }])
    assert.equal((await request(passing.url, '/x', { headers })).status, 401);
  assert.match((await request(passing.url, '/x')).body, /Send a JWT as X-Token: Token …\./);
});

test('an answer goes back as it is, but for what belongs to one connection and what is ours to say', async () => {
  target.behave((_request, response) => {
    response.writeHead(302, 'Somewhere', [
      'Location',
      'https://elsewhere.example/',
      'Connection',
      'close, X-Hop',
      'X-Hop',
      '1',
      'Keep-Alive',
      'timeout=9',
      'Alt-Svc',
      'h3=":443"',
      'Set-Cookie',
      'a=1',
      'Set-Cookie',
      'b=2',
      'X-Correlation-ID',
      'theirs',
      'x_request_id',
      'theirs',
      'Server',
      'theirs',
      'X-Powered-By',
      'theirs',
    ]);
    response.end();
  });
  const answer = await request(own.url, '/open/x');
  target.behave();
  assert.equal(answer.status, 302);
  const { headers } = answer;
  assert.equal(headers.location, 'https://elsewhere.example/');
  assert.deepEqual(headers['set-cookie'], ['a=1', 'b=2']);
  assert.deepEqual([headers['x-hop'], headers['alt-svc'], headers['x_request_id']], [undefined, undefined, undefined]);
  assert.match(String(headers['x-correlation-id']), /^[0-9a-f-]{36}$/);
  assert.equal(headers['x-request-id'], headers['x-correlation-id']);
  assert.equal(headers['server'], 'theirs');
});

test('HEAD has the length of what it stands for, and no body', async () => {
  const { text } = await sendRaw('HEAD /open/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', { port: own.port });
  const [answer] = parseAnswers(text, { bodiless: true });
  assert.equal(answer?.status, 200);
  assert.ok(text.endsWith('\r\n\r\n'));
});

test('a request that is refused leaves its connection open, and one with a body that nobody wants ends it', async () => {
  const get = 'GET /x HTTP/1.1\r\nHost: a\r\n\r\n';
  const post = 'POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n';
  const statuses = async (bytes: string) =>
    parseAnswers((await sendRaw(bytes, { port: own.port })).text).map(({ status }) => status);
  assert.deepEqual(await statuses(`${get}${get}${get.replace('Host', 'Connection: close\r\nHost')}`), [401, 401, 401]);
  assert.deepEqual(await statuses(`${post}${get}`), [401]);
});

test('nothing of all this was an error of ours', () => {
  for (const { log } of [own, behind, passing, hiding])
    assert.deepEqual(
      log().filter(({ event }) => event === 'error'),
      [],
    );
});
