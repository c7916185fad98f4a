/** The life of a key by the admin API. */
import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { after, test } from 'node:test';
import type { Answered } from '../servers/request.ts';
import { startCalls } from './calls.ts';

const { call, pass } = await startCalls({ after });

const json = ({ body }: Answered) => JSON.parse(body);
const create = async (fields: object = {}, headers = {}) =>
  call('POST', '/api/keys', { body: { user_id: 'ann', name: 'n', ...fields }, headers });
const verify = async (key: string, more: object = {}) =>
  json(await call('POST', '/api/keys/verify', { body: { key, ...more } }));

test('a key is shown as it was asked for, in canonical form', async () => {
  const fields = {
    allowed_ips: ['192.0.2.1', '::ffff:10.0.0.0/104', '2001:DB8::/32'],
    customer_id: 'cus_123',
    credits: { remaining: 5, refill: { amount: 10, interval_seconds: 60 } },
    expires_at: '2027-01-01T01:00:00+01:00',
  };
  const { key: _, ...made } = json(await create(fields));
  assert.deepEqual(made.allowed_ips, ['192.0.2.1/32', '10.0.0.0/8', '2001:db8::/32']);
  assert.deepEqual([made.customer_id, made.expires_at], ['cus_123', '2027-01-01T00:00:00.000Z']);
  assert.deepEqual([made.credits.remaining, made.credits.refill.amount], [5, 10]);
  assert.deepEqual(json(await call('GET', `/api/keys/id/${made.id}`)), made);
});

for (const [what, fields] of [
  ['an end in the past', { expires_at: '2020-01-01T00:00:00Z' }],
  ['an end without zone', { expires_at: '2030-01-01T00:00:00' }],
  ['a day that does not exist', { expires_at: '2030-02-30T00:00:00Z' }],
  ['an end as a number', { expires_at: 1_900_000_000 }],
  ['an address inside its range', { allowed_ips: ['10.0.0.1/8'] }],
  ['no address', { allowed_ips: ['localhost'] }],
  ['too many addresses', { allowed_ips: Array(101).fill('10.0.0.1') }],
  ['a customer with spaces', { customer_id: 'cus 1' }],
  ['less than no credits', { credits: { remaining: -1 } }],
  ['half a credit', { credits: { remaining: 0.5 } }],
  ['a refill of nothing', { credits: { remaining: 1, refill: { amount: 0, interval_seconds: 1 } } }],
  ['a refill without a time', { credits: { remaining: 1, refill: { amount: 1 } } }],
  ['a refill that never ends', { credits: { remaining: 1, refill: { amount: 1, interval_seconds: 0 } } }],
] as const) {
  test(`400: ${what}`, async () => {
    const answer = await create(fields);
    assert.equal(answer.status, 400, answer.body);
    assert.equal(json(answer).errors.length, 1, 'and says which field');
  });
}

test('pages of a list hold every key once, and the last has no cursor', async () => {
  const ids = [];
  for (let n = 0; n < 7; n++) ids.push(json(await create({ user_id: 'pages' })).id);
  const seen: string[] = [];
  let cursor: string | null = '';
  for (let page = 0; cursor !== null && page < 10; page++) {
    const answer: Answered = await call('GET', `/api/keys/pages?limit=3${cursor && `&cursor=${cursor}`}`);
    const { keys, next_cursor } = json(answer);
    seen.push(...keys.map(({ id }: { id: string }) => id));
    cursor = next_cursor;
  }
  assert.deepEqual(seen.sort(), ids.sort());
});

test('400: a cursor or a limit that is none', async () => {
  for (const query of ['cursor=x', 'cursor=', 'limit=0', 'limit=1001', 'limit=+1', 'limit=0x10', 'limit=1&limit=2']) {
    assert.equal((await call('GET', `/api/keys/ann?${query}`)).status, 400, query);
  }
});

test('a change that names a field leaves the others, and null takes away', async () => {
  const made = json(await create({ scopes: ['a'], customer_id: 'cus_1', credits: { remaining: 1 } }));
  const changed = await call('PATCH', `/api/keys/${made.id}`, {
    body: { customer_id: null, credits: null, name: 'm' },
  });
  const { key: _, ...rest } = made;
  assert.deepEqual(json(changed), { ...rest, customer_id: null, credits: null, name: 'm' });
  for (const body of [{}, { user_id: 'bob' }, { id: 'key_1' }, { name: null }, { scopes: null }]) {
    assert.equal((await call('PATCH', `/api/keys/${made.id}`, { body })).status, 400, JSON.stringify(body));
  }
});

test('a repeated call is answered with the same key, and one that differs by 409', async () => {
  const headers = { 'Idempotency-Key': 'order-1' };
  const first = await create({ scopes: ['a'] }, headers);
  const again = await create({ scopes: ['a'] }, headers);
  assert.deepEqual([first.status, again.status], [201, 201]);
  assert.equal(first.headers['idempotent-replayed'], undefined);
  assert.equal(again.headers['idempotent-replayed'], 'true');
  assert.deepEqual(json(again), json(first));
  assert.equal(json(await create({ scopes: ['b'] }, headers)).code, 'idempotency_conflict');
  const rotate = await call('POST', `/api/keys/${json(first).id}/rotate`, { headers, body: { overlap_seconds: 0 } });
  assert.equal(json(rotate).code, 'idempotency_conflict');
  pass(86_400_000);
  const later = await create({ scopes: ['a'] }, headers);
  assert.equal(later.status, 201);
  assert.notEqual(json(later).id, json(first).id, 'a day later it is another call');
});

test('a repeated call whose key has another secret by now is told so', async () => {
  const headers = { 'Idempotency-Key': 'order-2' };
  const { id, key } = json(await create({}, headers));
  const rotation = { headers: { 'Idempotency-Key': 'rotation-2' }, body: { overlap_seconds: 60 } };
  const rotated = json(await call('POST', `/api/keys/${id}/rotate`, rotation));
  assert.notEqual(rotated.key, key);
  assert.equal(json(await call('POST', `/api/keys/${id}/rotate`, rotation)).key, rotated.key);
  const again = await create({}, headers);
  assert.deepEqual([again.status, json(again).code, json(again).id], [409, 'key_made_before', id]);
});

test('of many equal calls at once one makes a key, and all are answered with it', async () => {
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => create({ user_id: 'racer' }, { 'Idempotency-Key': 'race' })),
  );
  assert.deepEqual([...new Set(answers.map(({ status }) => status))], [201]);
  assert.equal(new Set(answers.map((answer) => json(answer).key)).size, 1);
  assert.equal(answers.filter(({ headers }) => headers['idempotent-replayed'] === undefined).length, 1);
  assert.equal(json(await call('GET', '/api/keys/racer')).keys.length, 1);
});

test('of rotations at once each brings a secret that opens', async () => {
  const { id } = json(await create());
  const body = { overlap_seconds: 60 };
  const rotated = await Promise.all(
    Array.from({ length: 6 }, async () => json(await call('POST', `/api/keys/${id}/rotate`, { body }))),
  );
  for (const { key } of rotated) assert.equal((await verify(key)).code, 'valid');
});

test('400: an Idempotency-Key that is none', async () => {
  for (const text of ['', ' ', 'a b', 'x'.repeat(256), '\u00fc']) {
    assert.equal((await create({}, { 'Idempotency-Key': text })).status, 400, text);
  }
});

test('what a request with a key would be told, and why', async () => {
  const made = json(await create({ allowed_ips: ['192.0.2.0/24'], expires_at: '2026-12-31T00:00:00Z' }));
  const { key, id } = made;
  const codes = async (more: object = {}) => (await verify(key, more)).code;
  assert.deepEqual([await codes(), await codes({ client_ip: '192.0.2.9' })], ['valid', 'valid']);
  assert.equal(await codes({ client_ip: '198.51.100.1' }), 'wrong_source');
  await call('POST', `/api/keys/${id}/disable`);
  assert.equal(await codes(), 'disabled');
  await call('POST', `/api/keys/${id}/enable`);
  const rotated = json(await call('POST', `/api/keys/${id}/rotate`, { body: { overlap_seconds: 0 } }));
  assert.equal(await codes(), 'replaced');
  await call('PATCH', `/api/keys/${id}`, { body: { expires_at: '2026-01-01T00:00:00Z' } });
  assert.equal((await verify(rotated.key)).code, 'expired');
  await call('DELETE', `/api/keys/${id}`);
  const verdict = await verify(rotated.key);
  assert.deepEqual(
    [verdict.valid, verdict.code, verdict.key.id, verdict.key.status],
    [false, 'revoked', id, 'revoked'],
  );
  for (const unknown of ['x', `${key}x`, 'sk-', key.toUpperCase()]) {
    assert.deepEqual(await verify(unknown), {
      valid: false,
      code: 'unknown',
      key: null,
      credits_left: null,
      retry_after_seconds: null,
    });
  }
});

test('verifying counts nothing, unless it is asked to', async () => {
  const { key } = json(await create({ rate_limit_per_minute: 2, credits: { remaining: 2 } }));
  for (let time = 0; time < 5; time++) assert.equal((await verify(key)).credits_left, 1);
  assert.equal((await verify(key, { count: true })).credits_left, 1);
  assert.equal((await verify(key, { count: true })).credits_left, 0);
  const limited = await verify(key, { count: true });
  assert.deepEqual([limited.valid, limited.code], [false, 'rate_limited']);
  assert.ok(limited.retry_after_seconds > 0);
  pass(120_000);
  const empty = await verify(key, { count: true });
  assert.deepEqual([empty.code, empty.credits_left, empty.retry_after_seconds], ['no_credits_left', 0, null]);
});

test('hashes are imported once, as they are, all or none', async () => {
  const digest = (text: string) => hash('sha256', text);
  const entry = (text: string, more: object = {}) => ({ user_id: 'imported', name: 'n', hash: digest(text), ...more });
  const bring = (keys: unknown) => call('POST', '/api/keys/import', { body: { keys } });
  const first = json(await bring([entry('one', { hint: 'old_…1', customer_id: 'cus_9' }), entry('two')]));
  assert.deepEqual(
    first.keys.map(({ hash: given, outcome }: { hash: string; outcome: string }) => [given, outcome]),
    [
      [digest('one'), 'imported'],
      [digest('two'), 'imported'],
    ],
  );
  const again = json(await bring([entry('two', { name: 'other' }), entry('three')]));
  assert.deepEqual([again.keys[0].id, again.keys[0].outcome], [first.keys[1].id, 'exists']);
  for (const keys of [
    [],
    [entry('x'), entry('x')],
    [entry('y', { hash: digest('y').toUpperCase() })],
    [entry('y', { hash: 'y' })],
    [entry('y'), { hash: digest('z') }],
    [entry('y', { key: 'old_secret' })],
    Array.from({ length: 1_001 }, (_, n) => entry(`many ${n}`)),
    'x',
  ]) {
    assert.equal((await bring(keys)).status, 400);
  }
  const { keys } = json(await call('GET', '/api/keys/imported'));
  assert.equal(keys.length, 3);
  const thousand = await bring(Array.from({ length: 1_000 }, (_, n) => entry(`many ${n}`, { user_id: 'many' })));
  assert.equal(thousand.status, 200);
});
