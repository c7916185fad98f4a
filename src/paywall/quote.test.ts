import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isRefusal } from '../core/refusal.ts';
import type { Offer, Offers } from './offer.ts';
import { createQuotes } from './quote.ts';

const one = 'https://one.example';
const two = 'https://two.example';

const offer = (amount: number, unit: string, mints: readonly string[] = []): Offer => ({
  amount,
  unit,
  mints,
  buys: { requests: 1 },
});

const offers: Offers = [offer(1_000, 'sat', [one]), offer(1_200, 'sat', [two]), offer(7, 'usd')];

/** In short: the amount and what it buys, or the code of the refusal. */
const terms = (requiredAmount: string | undefined, unit: string, mint = one, from = offers): string => {
  const quote = createQuotes('premium', from, { format: 'creqA' })({ requiredAmount });
  if (isRefusal(quote)) return quote.code;
  const found = quote.termsFor({ unit, mint, amount: 1, proofs: [] });
  return isRefusal(found) ? found.code : `${found.amount} ${found.purchase}`;
};

for (const [title, required, unit, mint, expected] of [
  ['a token in the first unit', undefined, 'sat', one, '1000 premium'],
  ['a token of another mint', undefined, 'sat', two, '1200 premium'],
  ['a token in another unit', undefined, 'usd', two, '7 premium'],
  ['a unit that is not taken', undefined, 'eur', one, 'wrong_unit'],
  ['a mint that is not taken for the unit', undefined, 'sat', 'https://three.example', 'wrong_mint'],
  ['nothing required', '', 'sat', one, '1000 premium'],
  ['less required', '1', 'sat', one, '1000 premium'],
  ['nought required', '0', 'sat', one, '1000 premium'],
  ['as much required', '1000', 'sat', one, '1000 premium'],
  ['more required', '5000', 'sat', one, '5000 premium@5000'],
  ['more required, at another mint', '5000', 'sat', two, '6000 premium@5000'],
  ['more required, in another unit: rounded up', '1001', 'usd', one, '8 premium@1001'],
  ['the largest exact number', '9007199254740991', 'sat', one, 'ambiguous_amount'],
  ['above every exact number', '9007199254740993', 'sat', one, 'ambiguous_amount'],
  ['an endless number', '9'.repeat(400), 'sat', one, 'ambiguous_amount'],
  ['a negative amount', '-5', 'sat', one, 'ambiguous_amount'],
  ['a fraction', '5000.5', 'sat', one, 'ambiguous_amount'],
  ['a power', '5e3', 'sat', one, 'ambiguous_amount'],
  ['a number in another base', '0x5000', 'sat', one, 'ambiguous_amount'],
  ['two values', '5000, 1', 'sat', one, 'ambiguous_amount'],
  ['a word', 'free', 'sat', one, 'ambiguous_amount'],
  ['digits of another script', '٥٠٠٠', 'sat', one, 'ambiguous_amount'],
] as const) {
  test(`${title}: ${expected}`, () => assert.equal(terms(required, unit, mint), expected));
}

test('a single price may be raised to the largest exact number', () => {
  const largest = String(Number.MAX_SAFE_INTEGER);
  assert.equal(terms(largest, 'sat', one, [offer(1, 'sat')]), `${largest} premium@${largest}`);
});

test('what is required raises every price, never lowers one, and keeps their proportion to a unit', () => {
  const amount = fc.integer({ min: 1, max: 1_000_000 });
  fc.assert(
    fc.property(amount, amount, fc.integer({ min: 0, max: 10_000_000 }), (first, second, required) => {
      const quote = createQuotes('r', [offer(first, 'sat'), offer(second, 'usd')], { format: 'creqA' })({
        requiredAmount: String(required),
      });
      assert.ok(!isRefusal(quote));
      const [sat, usd] = ['sat', 'usd'].map((unit) => quote.termsFor({ unit, mint: one, amount: 1, proofs: [] }));
      assert.ok(sat && usd && !isRefusal(sat) && !isRefusal(usd));
      assert.equal(sat.amount, Math.max(first, required));
      assert.equal(usd.amount, required <= first ? second : Math.ceil((second * required) / first));
    }),
  );
});

test('a wrong unit is told what is accepted, and a wrong mint which', () => {
  const quote = createQuotes('premium', offers, { format: 'creqA' })({});
  assert.ok(!isRefusal(quote));
  const detail = (unit: string, mint: string) => {
    const found = quote.termsFor({ unit, mint, amount: 1, proofs: [] });
    return isRefusal(found) ? found.detail : '';
  };
  assert.equal(detail('eur', one), 'The token is in eur. Expected 1000 sat or 1200 sat or 7 usd.');
  assert.match(detail('sat', 'https://three.example'), /Expected https:\/\/one\.example or https:\/\/two\.example\.$/);
});

test('the challenge names the raised price, and a price that comes again is not made anew', () => {
  const quotes = createQuotes('premium', offers, { format: 'creqA' });
  const [one5000, again, other] = ['5000', '05000', '6000'].map((requiredAmount) => quotes({ requiredAmount }));
  assert.ok(one5000 && !isRefusal(one5000));
  assert.equal(one5000.challenge('payment_required').members?.['amount'], 5_000);
  assert.equal(one5000, again);
  assert.notEqual(one5000, other);
});
