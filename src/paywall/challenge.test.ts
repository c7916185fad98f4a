import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodePaymentRequest } from '@cashu/cashu-ts';
import { refusalKinds } from '../core/refusal.ts';
import { createChallenge } from './challenge.ts';

const mints = ['https://one.example', 'https://two.example/path'];

test('the request names amount, unit and mints, and no way to pay but in the header (NUT-18, NUT-24)', () => {
  const { headers, members } = createChallenge(
    { amount: 1_000, unit: 'sat', buys: { requests: 1 } },
    mints,
  )('payment_required');
  const request = decodePaymentRequest(headers?.['X-Cashu'] ?? '');
  assert.equal(request.amount?.toNumber(), 1_000);
  assert.equal(request.unit, 'sat');
  assert.deepEqual(request.mints, mints);
  assert.ok((request.transport ?? []).length === 0);
  assert.deepEqual(members, {
    error: 'Payment Required',
    amount: 1_000,
    unit: 'sat',
    mints,
    request: headers?.['X-Cashu'],
  });
});

for (const [buys, text] of [
  [{ requests: 1 }, '8 usd buy one request.'],
  [{ requests: 20 }, '8 usd buy 20 requests.'],
  [{ timeMs: 90_000 }, '8 usd buy 90 seconds of access.'],
] as const) {
  test(`in words: ${text}`, () => {
    const challenge = createChallenge({ amount: 8, unit: 'usd', buys }, mints);
    assert.ok(challenge('payment_required').detail.startsWith(text));
    const { detail, code } = challenge('credit_exhausted', 'It is used up.');
    assert.ok(detail.startsWith(`It is used up. ${text}`));
    assert.equal(refusalKinds[code].status, 402);
  });
}
