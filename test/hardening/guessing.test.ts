/** Guessing keys and tokens: what the guesser learns, what it costs the others, and what reaches store and issuer. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { generateKey } from '../../src/keys/api-key.ts';
import { answering } from '../peers/faults.ts';
import { startJwksServer } from '../peers/jwks-server.ts';
import { adminToken, startSallyport } from '../sallyport.ts';
import { type Answered, request } from '../servers/request.ts';
import { until } from '../servers/until.ts';

const owner = { after };
const issuer = await startJwksServer({ owner, algorithms: ['ES256'] });
const late = await startJwksServer({ owner, algorithms: ['ES256'] });
late.faults.set('/jwks', answering(503));
const gate = await startSallyport({
  owner,
  config: `
jwt:
  issuers:
    - { name: users, issuer: "${issuer.url}", audience: api, jwks_url: "${issuer.jwksUrl}" }
    - { name: late, issuer: "${late.url}", audience: api, jwks_url: "${late.jwksUrl}" }
rules:
  - { name: api, match: { path: "/api/**" }, accept: [api_key, jwt] }
`,
});

let nextAddress = 0;
/** Each test guesses from an address of its own. */
const address = () => `198.51.100.${++nextAddress}`;
const ask = (credential: string, from?: string): Promise<Answered> =>
  request(gate.url, '/auth/native/api/x', {
    headers: { Authorization: `Bearer ${credential}`, ...(from && { 'X-Forwarded-For': from }) },
  });

const countOf = async (series: RegExp): Promise<number> =>
  Number(series.exec((await request(gate.url, '/metrics')).body)?.[1] ?? 0);
const storeLookups = () => countOf(/^sallyport_cache_lookups_total\{cache="api_key",result="miss"\} (\d+)$/m);

const shapeOf = ({ status, headers, body }: Answered): string => {
  const { date: _, 'x-request-id': __, ...rest } = headers;
  return JSON.stringify({ status, rest, body });
};

test('unknown, revoked, mistyped and half keys get one and the same answer', async () => {
  const { key: good } = await gate.createKey();
  const { key: revoked, id } = await gate.createKey();
  assert.equal((await ask(revoked)).status, 200);
  const headers = { authorization: `Bearer ${adminToken}` };
  assert.equal((await request(gate.adminUrl, `/api/keys/${id}`, { method: 'DELETE', headers })).status, 204);
  const bad = [
    revoked,
    generateKey('sk-'),
    `${good}x`,
    good.slice(0, -1),
    'sk-',
    `sk-${'0'.repeat(49)}`,
    good.toUpperCase().replace('SK-', 'sk-'),
  ];
  const shapes = new Set<string>();
  for (const key of bad) shapes.add(shapeOf(await ask(key)));
  assert.equal(shapes.size, 1, [...shapes].join('\n'));
  assert.match([...shapes][0] ?? '', /"status":401/);
});

for (const [how, headers] of [
  ['the challenge', { 'X-Original-URL': 'https://a.example.com/api/x', 'X-Original-Method': 'GET' }],
  ["ingress-nginx's default backend", { 'X-Original-URI': '/api/x', 'X-Code': '401' }],
] as const) {
  test(`asking ${how} for the refusal of a bad credential counts against nobody`, async () => {
    const from = address();
    for (const credential of [generateKey('sk-'), 'a.b.c']) {
      for (let n = 0; n < 100; n++) {
        const asked = { ...headers, Authorization: `Bearer ${credential}`, 'X-Forwarded-For': from };
        const answered = await request(gate.url, how === 'the challenge' ? '/auth/challenge' : '/', { headers: asked });
        assert.equal(answered.status, 401);
      }
    }
    assert.equal((await ask(generateKey('sk-'), from)).status, 401);
  });
}

test('a flood of mistyped keys never reaches the store', async () => {
  const before = await storeLookups();
  const from = address();
  for (let wave = 0; wave < 20; wave++) {
    await Promise.all(Array.from({ length: 100 }, (_, n) => ask(`sk-${wave}-${n}`.padEnd(52, '0'), from)));
  }
  assert.equal(await storeLookups(), before);
});

test('a flood of well-formed invented keys reaches the store a thousand times a minute and address, and harms no good key', async () => {
  const { key: known } = await gate.createKey();
  const { key: fresh } = await gate.createKey();
  const from = address();
  assert.equal((await ask(known, from)).status, 200);
  const before = await storeLookups();
  const statuses = new Map<number, number>();
  for (let wave = 0; wave < 30; wave++) {
    const answers = await Promise.all(Array.from({ length: 100 }, () => ask(generateKey('sk-'), from)));
    for (const { status } of answers) statuses.set(status, (statuses.get(status) ?? 0) + 1);
  }
  assert.deepEqual(
    [...statuses],
    [
      [401, 100],
      [429, 2_900],
    ],
  );
  assert.ok((await storeLookups()) - before <= 1_000 + 2, 'the two are good keys');
  assert.equal((await ask(known, from)).status, 200, 'a key that was seen before');
  assert.equal((await ask(fresh, address())).status, 200, 'a key from elsewhere');
});

test('bad keys from an address lock out neither its new keys nor callers whose address is not told', async () => {
  const { key } = await gate.createKey();
  const from = address();
  for (let wave = 0; wave < 2; wave++) await Promise.all(Array.from({ length: 100 }, () => ask('sk-bad', from)));
  const throttled = await ask('sk-bad', from);
  assert.deepEqual([throttled.status, throttled.headers['retry-after']], [429, '60']);
  assert.equal((await ask(key, from)).status, 200);
  await Promise.all(Array.from({ length: 150 }, () => ask('sk-bad')));
  assert.equal((await ask('sk-bad')).status, 401, 'nobody in particular may send more');
});

test('who guesses from every address of an IPv6 network is one source', async () => {
  const guess = (n: number) => ask('sk-bad', `2001:db8:1:2::${n.toString(16)}`);
  for (let wave = 0; wave < 2; wave++) await Promise.all(Array.from({ length: 60 }, (_, n) => guess(wave * 60 + n)));
  assert.equal((await guess(5_000)).status, 429);
  assert.equal((await ask('sk-bad', '2001:db8:1:3::1')).status, 401, 'another network');
});

test('a flood of tokens of unknown keys causes two fetches of the key set at the most, and good tokens pass meanwhile', async () => {
  const token = await issuer.issuer.issue({ aud: 'api', sub: 'john' });
  assert.equal((await ask(token)).status, 200);
  const before = issuer.fetches();
  const payload = Buffer.from(JSON.stringify({ iss: issuer.url, aud: 'api', exp: 9e9 })).toString('base64url');
  for (let wave = 0; wave < 30; wave++) {
    const flood = Array.from({ length: 100 }, (_, n) => {
      const header = Buffer.from(JSON.stringify({ alg: 'ES256', kid: `${wave}-${n}` })).toString('base64url');
      return ask(`${header}.${payload}.${'A'.repeat(86)}`);
    });
    const answers = await Promise.all(flood);
    assert.ok(answers.every(({ status }) => status === 401));
    assert.equal((await ask(await issuer.issuer.issue({ aud: 'api', wave }))).status, 200);
  }
  assert.ok(issuer.fetches() - before <= 2, `${issuer.fetches() - before}`);
});

test('bad signatures cause no fetch', async () => {
  const [head, payload] = (await issuer.issuer.issue({ aud: 'api' })).split('.');
  const before = issuer.fetches();
  for (let wave = 0; wave < 10; wave++) {
    await Promise.all(Array.from({ length: 100 }, () => ask(`${head}.${payload}.${'A'.repeat(86)}`)));
  }
  assert.equal(issuer.fetches(), before);
});

test('an issuer that is down shows in readiness and is 503 for its own tokens alone; it is back when it is back', async () => {
  const token = await late.issuer.issue({ aud: 'api', sub: 'jane' });
  const refused = await ask(token);
  assert.deepEqual(
    [refused.status, JSON.parse(refused.body).code, refused.headers['retry-after']],
    [503, 'keys_unavailable', '5'],
  );
  assert.equal((await ask(await issuer.issuer.issue({ aud: 'api' }))).status, 200);
  const ready = await request(gate.url, '/ready');
  assert.equal(ready.status, 200);
  const { status, parts } = JSON.parse(ready.body);
  assert.equal(status, 'degraded');
  assert.deepEqual(
    parts.map((part: { name: string; status: string }) => `${part.name}: ${part.status}`),
    ['store: ok', 'store_writes: ok', 'issuer users: ok', 'issuer late: degraded'],
  );
  late.faults.clear();
  await until('its tokens are good', async () => (await ask(token)).status === 200);
  assert.equal(JSON.parse((await request(gate.url, '/ready')).body).status, 'ok');
  const failures = gate.log().filter(({ event, issuer: name }) => event === 'jwks_refresh_failed' && name === 'late');
  assert.ok(failures.length > 0 && failures.length < 20, 'a line for each try, and not for each request');
});
