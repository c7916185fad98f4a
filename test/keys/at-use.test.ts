/** What a key may do is asked at every use; against the process itself. */
import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { after, test } from 'node:test';
import { adminToken, startSallyport } from '../sallyport.ts';
import { request } from '../servers/request.ts';
import { until } from '../servers/until.ts';

const gate = await startSallyport({
  owner: { after },
  config: `
rules: [{ name: api, match: { path: "/api/**" }, accept: [api_key] }]
api_keys: { imported: [old_, { length: 32 }] }`,
});

const ask = (key: string, clientIp = '203.0.113.5') =>
  request(gate.url, '/auth/native/api/x', {
    headers: { Authorization: `Bearer ${key}`, 'X-Forwarded-For': clientIp },
  });

const admin = async (method: string, path: string, body?: unknown) => {
  const answer = await request(gate.adminUrl, path, {
    method,
    headers: {
      Authorization: `Bearer ${adminToken}`,
      ...(body !== undefined && { 'Content-Type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  assert.ok(answer.status < 300, answer.body);
  return answer.body === '' ? undefined : JSON.parse(answer.body);
};

const refusal = async (key: string, clientIp?: string) => {
  const { status, body, headers } = await ask(key, clientIp);
  const { date: _, 'x-request-id': __, ...rest } = headers;
  return { status, body, rest };
};

test('expired, disabled, revoked, replaced keys and those from elsewhere are answered like an invented one', async () => {
  const invented = await refusal(`sk-${'x'.repeat(49)}`);
  assert.equal(invented.status, 401);
  const made = [];
  for (const fields of [{}, {}, {}, {}, { allowed_ips: ['192.0.2.0/24'] }]) made.push(await gate.createKey(fields));
  const [ended, disabled, revoked, rotated, bound] = made;
  assert.ok(ended && disabled && revoked && rotated && bound);
  for (const { key } of [ended, disabled, revoked, rotated]) assert.equal((await ask(key)).status, 200);
  assert.equal((await ask(bound.key, '192.0.2.77')).status, 200);
  await admin('PATCH', `/api/keys/${ended.id}`, { expires_at: '2020-01-01T00:00:00Z' });
  await admin('POST', `/api/keys/${disabled.id}/disable`);
  await admin('DELETE', `/api/keys/${revoked.id}`);
  const { key: next } = await admin('POST', `/api/keys/${rotated.id}/rotate`, { overlap_seconds: 0 });
  for (const { key } of made) assert.deepEqual(await refusal(key), invented);
  assert.deepEqual(await refusal(bound.key, 'unknown'), invented, 'an address that is not told is in no range');
  assert.equal((await ask(next)).status, 200);
  await admin('POST', `/api/keys/${disabled.id}/enable`);
  assert.equal((await ask(disabled.key)).status, 200);
});

test('the log says which key was refused, and why', async () => {
  const { key, id } = await gate.createKey({ allowed_ips: ['192.0.2.0/24'] });
  assert.equal((await ask(key)).status, 401);
  await until('it is in the log', () =>
    gate.log().some(({ cause }) => cause === `Error: ${id} is refused: wrong_source`),
  );
  assert.ok(!gate.output().includes(key));
});

test('an end holds to the moment, although the key is cached', async () => {
  const expiresAtMs = Date.now() + 1_500;
  const { key } = await gate.createKey({ expires_at: new Date(expiresAtMs).toISOString() });
  let lastGoodMs = 0;
  await until('it is refused', async () => {
    const askedMs = Date.now();
    const { status } = await ask(key);
    if (status === 200) lastGoodMs = askedMs;
    return status === 401;
  });
  assert.ok(lastGoodMs > 0 && lastGoodMs < expiresAtMs);
});

test('during the overlap both secrets open, as one key; then the new one', async () => {
  const { key, id } = await gate.createKey();
  assert.equal((await ask(key)).status, 200);
  const rotated = await admin('POST', `/api/keys/${id}/rotate`, { overlap_seconds: 2 });
  assert.equal(rotated.id, id);
  for (const one of [key, rotated.key]) assert.equal((await ask(one)).headers['x-api-key-id'], id);
  await until('the overlap is over', async () => (await ask(key)).status === 401);
  assert.equal((await ask(rotated.key)).status, 200);
});

test('limits are counted for the key, whichever of its secrets is used', async () => {
  const { key, id } = await gate.createKey({ rate_limit_per_minute: 2 });
  const { key: next } = await admin('POST', `/api/keys/${id}/rotate`, { overlap_seconds: 60 });
  const statuses = [];
  for (const one of [key, next, key, next]) statuses.push((await ask(one)).status);
  assert.deepEqual(statuses, [200, 200, 429, 429]);
});

test('credits are counted down to the last, refused with 429, and used again as soon as there are more', async () => {
  const { key, id } = await gate.createKey({ credits: { remaining: 2 } });
  const first = await ask(key);
  assert.deepEqual([first.status, first.headers['x-credits-remaining']], [200, '1']);
  assert.equal((await ask(key)).headers['x-credits-remaining'], '0');
  const refused = await ask(key);
  assert.deepEqual([refused.status, JSON.parse(refused.body).code], [429, 'no_credits_left']);
  await admin('PATCH', `/api/keys/${id}`, { credits: { remaining: 1, refill: { amount: 5, interval_seconds: 1 } } });
  assert.equal((await ask(key)).headers['x-credits-remaining'], '0');
  assert.equal((await ask(key)).headers['retry-after'], '1');
  await until('the refill has come', async () => (await ask(key)).headers['x-credits-remaining'] === '4');
  const { credits } = await admin('GET', `/api/keys/id/${id}`);
  assert.ok(credits.remaining >= 4);
});

test('a request that is refused for anything else takes no credit', async () => {
  const { key, id } = await gate.createKey({ credits: { remaining: 10 }, rate_limit_per_minute: 3, user_id: 'x' });
  const statuses = await Promise.all(Array.from({ length: 12 }, async () => (await ask(key)).status));
  assert.equal(statuses.filter((status) => status === 200).length, 3);
  assert.equal((await admin('GET', `/api/keys/id/${id}`)).credits.remaining, 7);
});

test('of many requests at once no more than the credits pass', async () => {
  const { key } = await gate.createKey({ credits: { remaining: 20 } });
  const answers = await Promise.all(Array.from({ length: 80 }, () => ask(key)));
  const left = answers.flatMap(({ status, headers }) =>
    status === 200 ? [Number(headers['x-credits-remaining'])] : [],
  );
  assert.deepEqual(
    left.sort((a, b) => a - b),
    Array.from({ length: 20 }, (_, n) => n),
  );
});

test('keys that were made elsewhere open by their hashes, those without a prefix in X-API-Key alone', async () => {
  const [prefixed, bare] = ['old_secret-of-before', '0123456789abcdef0123456789abcdef'];
  const keys = [prefixed, bare].map((key) => ({ user_id: 'u', name: 'n', hash: hash('sha256', key) }));
  assert.equal((await ask(prefixed)).status, 401);
  await admin('POST', '/api/keys/import', { keys });
  assert.equal((await ask(prefixed)).status, 200);
  const inHeader = (key: string) => request(gate.url, '/auth/native/api/x', { headers: { 'X-API-Key': key } });
  for (const key of [prefixed, bare]) assert.equal((await inHeader(key)).status, 200);
  assert.equal((await ask(bare)).status, 401);
  for (const key of ['old_another', `${bare.slice(0, -1)}x`]) assert.equal((await inHeader(key)).status, 401);
});
