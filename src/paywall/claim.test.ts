import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Proof } from '../core/payment.ts';
import { claimsOf } from './claim.ts';

const proof = (secret: string, changes: Partial<Proof> = {}): Proof => ({
  id: '00',
  amount: 1,
  secret,
  C: '02',
  ...changes,
});
const mint = 'https://mint.example';
const [a, b] = [proof('a'), proof('b')];

test('the same proofs in any order are the same payment', () => {
  assert.deepEqual(claimsOf({ mint, proofs: [a, b] }), claimsOf({ mint, proofs: [b, a] }));
});

test('a witness is no part of what is paid with', () => {
  assert.deepEqual(claimsOf({ mint, proofs: [{ ...a, witness: 'x' }] }), claimsOf({ mint, proofs: [a] }));
});

for (const [title, other] of [
  ['another signature', proof('a', { C: '03' })],
  ['another amount', proof('a', { amount: 2 })],
  ['another keyset', proof('a', { id: '01' })],
] as const) {
  test(`${title} for the same secret is another payment with the same claim`, () => {
    const [one, two] = [claimsOf({ mint, proofs: [a] }), claimsOf({ mint, proofs: [other] })];
    assert.notEqual(one.paymentId, two.paymentId);
    assert.deepEqual(one.ids, two.ids);
  });
}

test('the same proofs at another mint share nothing', () => {
  const [one, two] = [claimsOf({ mint, proofs: [a] }), claimsOf({ mint: `${mint}/2`, proofs: [a] })];
  assert.notEqual(one.paymentId, two.paymentId);
  assert.notDeepEqual(one.ids, two.ids);
});

test('one claim for each proof, and no secret in any of it', () => {
  const claims = claimsOf({ mint, proofs: [proof('a-secret'), proof('b-secret')] });
  assert.equal(new Set(claims.ids).size, 2);
  assert.match(claims.paymentId, /^pay_[0-9a-f]{32}$/);
  for (const id of claims.ids) assert.match(id, /^[0-9a-f]{64}$/);
});
