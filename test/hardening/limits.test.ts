/** Limits as callers meet them. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startJwksServer } from '../peers/jwks-server.ts';
import { startSallyport } from '../sallyport.ts';
import { type Answered, request } from '../servers/request.ts';

const owner = { after };
const issuer = await startJwksServer({ owner, algorithms: ['ES256'] });
const gate = await startSallyport({
  owner,
  config: `
jwt: { issuers: [{ name: users, issuer: "${issuer.url}", audience: api, jwks_url: "${issuer.jwksUrl}" }] }
rules:
  - { name: one, match: { path: "/one/**" }, accept: [api_key] }
  - { name: two, match: { path: "/two/**" }, accept: [api_key] }
  - { name: limited, match: { path: "/limited/**" }, accept: [api_key, jwt], limits: { per_day: 3 } }
  - { name: also, match: { path: "/also/**" }, accept: [api_key, jwt], limits: { per_day: 3 } }
  - { name: windows, match: { path: "/windows/**" }, accept: [api_key], limits: { per_minute: 2, per_day: 4 } }
  - { name: open, match: { path: "/open/**" }, accept: [anonymous], limits: { per_day: 2 } }
  - { name: scoped, match: { path: "/scoped/**" }, accept: [api_key], require: { scopes: [admin] }, limits: { per_day: 1 } }
`,
});

const ask = (path: string, credential: string, rest: Readonly<Record<string, string>> = {}): Promise<Answered> =>
  request(gate.url, `/auth/native${path}`, {
    headers: { ...(credential && { Authorization: `Bearer ${credential}` }), ...rest },
  });

const statuses = async (count: number, one: () => Promise<Answered>): Promise<Record<number, number>> => {
  const answers = await Promise.all(Array.from({ length: count }, one));
  const counts: Record<number, number> = {};
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
};

test('a key’s own limit is one over all rules, and exact under a hundred requests at once', async () => {
  const { key } = await gate.createKey({ rate_limit_per_minute: 10, rate_limit_per_day: 1000 });
  const { key: other } = await gate.createKey({ rate_limit_per_minute: 10 });
  const [one, two] = await Promise.all([
    statuses(50, () => ask('/one/x', key)),
    statuses(50, () => ask('/two/x', key)),
  ]);
  assert.equal((one[200] ?? 0) + (two[200] ?? 0), 10);
  assert.equal((one[429] ?? 0) + (two[429] ?? 0), 90);
  assert.equal((await ask('/one/x', other)).status, 200);
});

test('a rule’s limit is one for each caller of that rule', async () => {
  const [john, jane] = [
    await issuer.issuer.issue({ aud: 'api', sub: 'john' }),
    await issuer.issuer.issue({ aud: 'api', sub: 'jane' }),
  ];
  const again = await issuer.issuer.issue({ aud: 'api', sub: 'john' });
  const { key } = await gate.createKey();
  assert.deepEqual(await statuses(5, () => ask('/limited/x', john)), { 200: 3, 429: 2 });
  assert.equal((await ask('/limited/x', again)).status, 429, 'another token of the same user');
  assert.deepEqual(await statuses(5, () => ask('/limited/x', jane)), { 200: 3, 429: 2 });
  assert.deepEqual(await statuses(5, () => ask('/limited/x', key)), { 200: 3, 429: 2 });
  assert.deepEqual(await statuses(5, () => ask('/also/x', john)), { 200: 3, 429: 2 });
});

test('callers without a name are counted by address', async () => {
  const from = (ip: string) => statuses(3, () => ask('/open/x', '', { 'X-Forwarded-For': ip }));
  assert.deepEqual(await from('203.0.113.1'), { 200: 2, 429: 1 });
  assert.deepEqual(await from('203.0.113.2'), { 200: 2, 429: 1 });
  assert.deepEqual(await from('2001:db8::1'), { 200: 2, 429: 1 });
  assert.deepEqual(await from('2001:db8::2'), { 429: 3 }, 'one network');
});

test('where one window is full no other is used up, and the answer tells of the one that takes longest', async () => {
  const { key } = await gate.createKey();
  assert.deepEqual(await statuses(20, () => ask('/windows/x', key)), { 200: 2, 429: 18 });
  const refused = await ask('/windows/x', key);
  assert.deepEqual(
    [refused.headers['x-ratelimit-limit'], refused.headers['ratelimit-policy']],
    ['2', '"key-60s";q=1000;w=60, "key-86400s";q=100000;w=86400, "rule-60s";q=2;w=60, "rule-86400s";q=4;w=86400'],
  );
  const wait = Number(refused.headers['retry-after']);
  assert.ok(wait >= 1 && wait <= 61, `${wait}`);
  assert.equal(refused.headers['ratelimit'], `"rule-60s";r=0;t=${wait}`);
});

test('what is refused for another reason, or only previewed, is not counted', async () => {
  const { key: unfit } = await gate.createKey({ scopes: ['user'], rate_limit_per_day: 1 });
  for (let time = 0; time < 3; time++) assert.equal((await ask('/scoped/x', unfit)).status, 403);
  assert.equal((await ask('/one/x', unfit)).status, 200, 'the key’s own limit is untouched');
  const { key } = await gate.createKey({ scopes: ['admin'] });
  const preview = {
    'X-Original-URL': 'https://a/scoped/x',
    'X-Original-Method': 'GET',
    Authorization: `Bearer ${key}`,
  };
  for (let time = 0; time < 3; time++)
    assert.equal((await request(gate.url, '/auth/challenge', { headers: preview })).status, 503);
  assert.equal((await ask('/scoped/x', key)).status, 200);
  assert.equal((await ask('/scoped/x', key)).status, 429);
});
