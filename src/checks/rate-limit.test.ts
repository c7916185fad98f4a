import assert from 'node:assert/strict';
import { test } from 'node:test';
import { anonymous, type Identity, payer, type RateLimit } from '../core/identity.ts';
import type { CashuToken } from '../core/payment.ts';
import { isRefusal } from '../core/refusal.ts';
import type { AuthRequest } from '../core/request.ts';
import type { Intent } from '../core/rule.ts';
import { type Counter, createRateLimitCheck, type RateLimiter, type Taken } from './rate-limit.ts';

const MINUTE: RateLimit = { limit: 10, windowMs: 60_000 };
const SECOND: RateLimit = { limit: 2, windowMs: 1_000 };

const attributes = { scopes: [], roles: [], claims: {} };
const apiKey = (keyId: string, limits: readonly RateLimit[] = []): Identity => ({
  method: 'api_key',
  subject: 'user123',
  keyId,
  limits,
  ...attributes,
});
const jwt = (issuer: string, subject: string): Identity => ({ method: 'jwt', subject, issuer, ...attributes });

const from = (clientIp: string) => ({ clientIp }) as AuthRequest;

const room: Taken = { passed: true, at: 0, remaining: 5, moreAfterMs: 1_000 };

const create = (limits: readonly RateLimit[], taken = room, rule = 'orders') => {
  const asked: { counters: readonly Counter[]; count: boolean }[] = [];
  const limiter: RateLimiter = {
    take(counters, count) {
      asked.push({ counters, count });
      return taken;
    },
  };
  const check = createRateLimitCheck(rule, limits, limiter);
  const keysFor = (identity: Identity, ip = '203.0.113.7', intent: Intent = 'enforce') => {
    asked.length = 0;
    void check(from(ip), identity, intent);
    return asked.flatMap(({ counters }) => counters.map(({ key }) => key));
  };
  return { check, asked, keysFor };
};

test('a key’s own limits are one count over all rules, a rule’s limits one for each caller of the rule', () => {
  const orders = create([SECOND]);
  const write = create([SECOND], undefined, 'write');
  const [own, ofOrders] = orders.keysFor(apiKey('key_1', [MINUTE]));
  const [ownToo, ofWrite] = write.keysFor(apiKey('key_1', [MINUTE]));
  assert.equal(own, ownToo);
  assert.notEqual(ofOrders, ofWrite);
  assert.notEqual(ofOrders, orders.keysFor(apiKey('key_2', [MINUTE]))[1]);
});

test('two windows are two counts, and the limit goes with its window', () => {
  const { check, asked } = create([SECOND, MINUTE]);
  void check(from(''), anonymous, 'enforce');
  const counters = asked[0]?.counters ?? [];
  assert.equal(new Set(counters.map(({ key }) => key)).size, 2);
  assert.deepEqual(
    counters.map(({ limit, windowMs }) => ({ limit, windowMs })),
    [SECOND, MINUTE],
  );
});

// biome-ignore format: a table is read by its columns
const callers: readonly (readonly [what: string, one: [Identity, string?], other: [Identity, string?], same: boolean])[] = [
  ['one user of one issuer, from anywhere', [jwt('a', 'john'), '1.1.1.1'], [jwt('a', 'john'), '2.2.2.2'], true],
  ['two users', [jwt('a', 'john')], [jwt('a', 'jane')], false],
  ['one name of two issuers', [jwt('a', 'john')], [jwt('b', 'john')], false],
  ['a user without a name: by address', [jwt('a', ''), '1.1.1.1'], [jwt('a', ''), '2.2.2.2'], false],
  ['two keys of one user', [apiKey('key_1')], [apiKey('key_2')], false],
  ['anonymous callers from one address', [anonymous, '1.1.1.1'], [anonymous, '1.1.1.1'], true],
  ['anonymous callers from two', [anonymous, '1.1.1.1'], [anonymous, '1.1.1.2'], false],
  ['payers by address, not by token', [payer({} as CashuToken), '1.1.1.1'], [payer({} as CashuToken), '1.1.1.1'], true],
  ['an IPv6 caller with another address of its own network', [anonymous, '2001:db8:1:2::1'], [anonymous, '2001:db8:1:2:ffff:ffff:ffff:ffff'], true],
  ['IPv6 callers of two networks', [anonymous, '2001:db8:1:2::1'], [anonymous, '2001:db8:1:3::1'], false],
  ['an IPv6 caller in another spelling', [anonymous, '2001:db8::1'], [anonymous, '2001:db8:0:0:0:0:0:2'], true],
  ['long names that end in two ways', [jwt('a', `${'x'.repeat(9_000)}1`)], [jwt('a', `${'x'.repeat(9_000)}2`)], false],
];

for (const [what, one, other, same] of callers) {
  test(`${what}: ${same ? 'one count' : 'two counts'}`, () => {
    const { keysFor } = create([SECOND]);
    const [first] = keysFor(...one);
    const [second] = keysFor(...other);
    assert.ok(first !== undefined && second !== undefined);
    assert.equal(first === second, same, `${first} ${second}`);
  });
}

test('what is counted by has a bounded length, whatever the caller is called', () => {
  const { keysFor } = create([SECOND]);
  assert.ok((keysFor(jwt('a', 'x'.repeat(12_000)))[0] ?? '').length < 300);
});

test('without limits nobody is asked', () => {
  const { keysFor, asked } = create([]);
  assert.deepEqual([keysFor(apiKey('key_1')), keysFor(anonymous), asked], [[], [], []]);
});

test('a preview only looks', () => {
  const { check, asked } = create([SECOND]);
  void check(from(''), anonymous, 'preview');
  void check(from(''), anonymous, 'enforce');
  assert.deepEqual(
    asked.map(({ count }) => count),
    [false, true],
  );
});

for (const [moreAfterMs, seconds] of [
  [1, '1'],
  [999, '1'],
  [1_000, '1'],
  [1_001, '2'],
  [59_999, '60'],
] as const) {
  test(`a wait of ${moreAfterMs} ms is told as ${seconds} s in every spelling`, async () => {
    const full = { passed: false, at: 1, remaining: 0, moreAfterMs };
    const refusal = await create([SECOND, MINUTE], full).check(from(''), anonymous, 'enforce');
    assert.ok(isRefusal(refusal));
    assert.equal(refusal.code, 'rate_limited');
    assert.deepEqual(refusal.headers, {
      'Retry-After': seconds,
      RateLimit: `"rule-60s";r=0;t=${seconds}`,
      'RateLimit-Policy': '"rule-1s";q=2;w=1, "rule-60s";q=10;w=60',
      'X-RateLimit-Limit': '10',
      'X-RateLimit-Remaining': '0',
      'X-RateLimit-Reset': seconds,
    });
  });
}

test('who passes is told what is left, of the tightest of his own limits and those of the rule', async () => {
  const { check } = create([SECOND], { passed: true, at: 1, remaining: 1, moreAfterMs: 400 });
  assert.deepEqual(await check(from(''), apiKey('key_1', [MINUTE]), 'enforce'), {
    headers: {
      RateLimit: '"rule-1s";r=1;t=1',
      'RateLimit-Policy': '"key-60s";q=10;w=60, "rule-1s";q=2;w=1',
      'X-RateLimit-Limit': '2',
      'X-RateLimit-Remaining': '1',
      'X-RateLimit-Reset': '1',
    },
  });
});

test('a limiter on the network is waited for', async () => {
  const check = createRateLimitCheck('r', [MINUTE], { take: async () => ({ ...room, passed: false }) });
  const refusal = check(from(''), anonymous, 'enforce');
  assert.ok(refusal instanceof Promise);
  assert.ok(isRefusal(await refusal));
});
