/** `GET /api/usage` and `sallyport usage`, by status and by what they answer. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startCalls } from '../admin/calls.ts';
import { eventOf, lastHour, linesOf } from './usage-events.ts';

const HOUR_MS = 3_600_000;
const { call, usage, pass, closeStore } = await startCalls({ after });
after(closeStore);
pass(Date.UTC(2026, 1, 1, 12, 30) - Date.UTC(2026, 10, 22));

const { body: made } = await call('POST', '/api/keys', { body: { user_id: 'ann', name: 'laptop' } });
const key: { id: string } = JSON.parse(made);
await usage.add(
  linesOf([
    eventOf('a', { keyId: key.id }),
    eventOf('b', { keyId: key.id, atMs: lastHour + HOUR_MS, status: 500 }),
    eventOf('c', { keyId: '', userId: 'bob', rule: 'open', atMs: lastHour + 13 * HOUR_MS }),
    eventOf('old', { keyId: key.id, atMs: lastHour - 60 * 24 * HOUR_MS }),
  ]),
);

const get = async (path: string) => {
  const { status, body } = await call('GET', path);
  return { status, body: JSON.parse(body) };
};

test('without a question: the last thirty days, by day, without groups', async () => {
  const { status, body } = await get('/api/usage');
  assert.equal(status, 200);
  assert.deepEqual(body, {
    from: '2026-01-02T13:00:00.000Z',
    to: '2026-02-01T13:00:00.000Z',
    window: 'day',
    usage: [
      {
        start: '2026-01-31T00:00:00.000Z',
        requests: 1,
        billable_requests: 1,
        request_bytes: 1,
        response_bytes: 10,
        duration_ms: 0.5,
      },
      {
        start: '2026-02-01T00:00:00.000Z',
        requests: 2,
        billable_requests: 1,
        request_bytes: 2,
        response_bytes: 20,
        duration_ms: 1,
      },
    ],
    next_cursor: null,
  });
});

for (const [what, query, expected] of [
  [
    'of a key',
    `key_id=${key.id}&window=month&from=2025-11-01`,
    [
      ['2025-12', 1],
      ['2026-01', 1],
      ['2026-02', 1],
    ],
  ],
  ['of a user by hour', 'user_id=bob&window=hour', [['2026-02-01T12', 1]]],
  ['of a rule', 'rule=open', [['2026-02-01', 1]]],
  [
    'a time, rounded to whole hours',
    'from=2026-01-31T23:59:59Z&to=2026-02-01T00:00:01Z&window=hour',
    [
      ['2026-01-31T23', 1],
      ['2026-02-01T00', 1],
    ],
  ],
  ['nothing', 'user_id=nobody', []],
] as const) {
  test(`sums ${what}`, async () => {
    const { status, body } = await get(`/api/usage?${query}`);
    assert.equal(status, 200);
    const sums: { start: string; requests: number }[] = body.usage;
    assert.deepEqual(
      sums.map(({ start, requests }, index) => [start.slice(0, expected[index]?.[0].length), requests]),
      expected,
    );
  });
}

test('pages by cursor give what one page gives, whatever the order in which groups are named', async () => {
  const question = '/api/usage?window=hour&from=2025-01-01';
  const whole = (await get(`${question}&group_by=key,rule`)).body.usage;
  assert.equal(whole.length, 4);
  assert.deepEqual(Object.keys(whole[0] ?? {}).slice(0, 3), ['start', 'key_id', 'rule']);
  const paged = [];
  for (let cursor = ''; ; ) {
    const { body } = await get(
      `${question}&group_by=${paged.length % 2 ? 'rule,key' : 'key,rule'}&limit=1${cursor && `&cursor=${cursor}`}`,
    );
    paged.push(...body.usage);
    if (body.next_cursor === null) break;
    cursor = body.next_cursor;
  }
  assert.deepEqual(paged, whole);
});

test('a key’s own usage is at the key', async () => {
  const { status, body } = await get(`/api/keys/id/${key.id}/usage`);
  assert.deepEqual([status, body.usage.length], [200, 2]);
  assert.equal((await get('/api/keys/id/key_none/usage')).status, 404);
  assert.equal((await get(`/api/keys/id/${key.id}/usage?key_id=${key.id}`)).status, 400);
});

const cursorOf = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

for (const query of [
  'key=a',
  'key_id=',
  'key_id=a&key_id=b',
  `user_id=${'x'.repeat(600)}`,
  'rule=%00',
  'window=week',
  'window=',
  'group_by=',
  'group_by=key,key',
  'group_by=method',
  'from=yesterday',
  'from=1',
  'from=2026-02-30',
  'from=1969-12-31',
  'to=2026-01-01T00:00:00',
  'from=2026-02-01&to=2026-02-01',
  'from=2026-02-02&to=2026-02-01',
  'from=2027-01-01',
  'limit=0',
  'limit=1001',
  'limit=-1',
  'limit=1e2',
  'cursor=',
  'cursor=x',
  'cursor=bnVsbA',
  `cursor=${cursorOf([1, 'a'])}`,
  `cursor=${cursorOf(['1'])}`,
  `cursor=${cursorOf([1.5])}`,
  `cursor=${cursorOf([1])}=`,
  `group_by=key&cursor=${cursorOf([1, '\0'])}`,
]) {
  test(`refused: ${query.slice(0, 60)}`, async () => {
    const { status, body } = await get(`/api/usage?${query}`);
    assert.deepEqual([status, body.code], [400, 'bad_request']);
  });
}

test('usage needs the admin token, and is only read', async () => {
  assert.equal((await call('GET', '/api/usage', { headers: { authorization: 'Bearer wrong' } })).status, 401);
  assert.equal((await call('POST', '/api/usage', { body: {} })).status, 405);
});
