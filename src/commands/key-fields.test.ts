import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keyUpdate, newKey } from '../http/admin/key-requests.ts';
import { type FieldOptions, readSeconds, toBody } from './key-fields.ts';

const least = { user: 'ann', name: 'laptop' };

test('what is not given is not in the body, and stays as it is', () => {
  assert.deepEqual(toBody({}), {});
  assert.equal(keyUpdate.safeParse(toBody({})).success, false);
  assert.deepEqual(toBody({ name: 'x', perDay: '5' }), { name: 'x', rate_limit_per_day: 5 });
});

test('"none" takes away', () => {
  const none = 'none';
  const all = { perMinute: none, perDay: none, customer: none, credits: none, expires: none };
  assert.deepEqual(toBody({ ...all, scope: [none], allowIp: [none] }), {
    rate_limit_per_minute: null,
    rate_limit_per_day: null,
    scopes: [],
    allowed_ips: [],
    customer_id: null,
    credits: null,
    expires_at: null,
  });
});

test('times are written with their unit', () => {
  for (const [text, seconds] of [
    ['90s', 90],
    ['10m', 600],
    ['12h', 43_200],
    ['30d', 2_592_000],
    ...['', '5', '-5s', '1.5h', '5 s', '5S', '1w', 's'].map((wrong) => [wrong, undefined] as const),
  ] as const) {
    assert.equal(readSeconds(text), seconds, text);
  }
});

const wrong: readonly (readonly [what: string, given: FieldOptions, field: string])[] = [
  ['a user with a line break', { user: 'a\nb' }, 'user_id'],
  ['a limit of zero', { perDay: '0' }, 'rate_limit_per_day'],
  ['a limit that is no number', { perMinute: 'many' }, 'rate_limit_per_minute'],
  ['a limit with a sign', { perMinute: '+5' }, 'rate_limit_per_minute'],
  ['metadata that is no JSON', { metadata: '{x' }, 'metadata'],
  ['metadata that is no object', { metadata: '[]' }, 'metadata'],
  ['an address that is none', { allowIp: ['10.1'] }, 'allowed_ips.0'],
  ['credits that are no number', { credits: 'many' }, 'credits.remaining'],
  ['a refill without credits', { refill: '5', refillEvery: '1h' }, 'credits'],
  ['a refill without a time', { credits: '5', refill: '5' }, 'credits.refill.interval_seconds'],
  ['a time without a refill', { credits: '5', refillEvery: '1h' }, 'credits.refill.amount'],
  ['a refill at no time', { credits: '5', refill: '5', refillEvery: 'soon' }, 'credits.refill.interval_seconds'],
  ['an end that is no time', { expires: 'tomorrow' }, 'expires_at'],
];

for (const [what, given, field] of wrong) {
  test(`refused by the shape of the admin API: ${what}`, () => {
    const parsed = newKey.safeParse(toBody({ ...least, ...given }));
    assert.deepEqual(
      parsed.error?.issues.map(({ path }) => path.join('.')),
      [field],
    );
  });
}
