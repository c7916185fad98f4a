import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodePaymentRequest } from '@cashu/cashu-ts';
import { refusalKinds } from '../core/refusal.ts';
import { createChallenge, type RequestFormat } from './challenge.ts';
import type { Offer } from './offer.ts';

const mints = ['https://one.example', 'https://two.example/path'];

const sats: Offer = { amount: 1_000, unit: 'sat', buys: { requests: 1 }, mints };
const cents: Offer = { amount: 8, unit: 'usd', buys: { timeMs: 90_000 }, mints: ['https://two.example/path'] };

/** What a wallet reads. */
const decode = (text: string) => {
  const { amount, unit, mints: named, transport = [] } = decodePaymentRequest(text);
  return { amount: amount?.toNumber(), unit, mints: named, ways: transport.length };
};

const asked = { amount: 1_000, unit: 'sat', mints, ways: 0 };

test('the request names amount, unit and mints, and no way to pay but in the header (NUT-18, NUT-24)', () => {
  const { headers, members } = createChallenge([sats], { format: 'creqA' })('payment_required');
  const request = headers?.['X-Cashu'] ?? '';
  assert.match(request, /^creqA/);
  assert.deepEqual(decode(request), asked);
  const price = { amount: 1_000, unit: 'sat', mints, request, buys: { requests: 1 } };
  assert.deepEqual(members, { error: 'Payment Required', ...price, prices: [price] });
});

for (const [format, header, beside] of [
  ['creqA', /^creqA/, undefined],
  ['creqB', /^CREQB1[0-9A-Z]+$/, undefined],
  ['both', /^creqA/, /^CREQB1[0-9A-Z]+$/],
] as const satisfies readonly (readonly [RequestFormat, RegExp, RegExp | undefined])[]) {
  test(`${format}: X-Cashu has one request, and every request that is given says the same (NUT-26)`, () => {
    const { headers, members } = createChallenge([sats], { format })('payment_required');
    const request = headers?.['X-Cashu'] ?? '';
    assert.match(request, header);
    assert.equal(members?.['request'], request);
    assert.deepEqual(decode(request), asked);
    const second = members?.['creqB'];
    if (beside === undefined) return assert.equal(second, undefined);
    assert.match(String(second), beside);
    assert.deepEqual(decode(String(second)), asked);
    assert.deepEqual(decode(String(second).toLowerCase()), asked);
  });
}

test('where tokens can be locked to us, every request says to which key (NUT-10, NUT-11)', () => {
  const lockTo = `02${'ab'.repeat(32)}`;
  const { headers, members } = createChallenge([sats], { format: 'both', lockTo })('payment_required');
  const locks = [headers?.['X-Cashu'], members?.['creqB']].map((text) => decodePaymentRequest(String(text)).nut10);
  assert.deepEqual([...locks, members?.['nut10']], Array(3).fill({ kind: 'P2PK', data: lockTo, tags: [] }));
});

test('every request is in the alphabet of base64url, which is the one that wallets read (NUT-18)', () => {
  for (let amount = 1; amount <= 1_000; amount++) {
    const { headers } = createChallenge([{ ...sats, amount }], { format: 'creqA' })('payment_required');
    const request = headers?.['X-Cashu'] ?? '';
    assert.match(request, /^creqA[\w-]+=*$/);
    assert.equal(decode(request).amount, amount);
  }
});

test('of several prices each has a request of its own, and X-Cashu has the first', () => {
  const { headers, members, detail } = createChallenge([sats, cents], { format: 'creqA' })('payment_required');
  const prices = members?.['prices'] as readonly Readonly<Record<string, unknown>>[];
  assert.deepEqual(
    prices.map(({ amount, unit, mints: named, buys }) => ({ amount, unit, mints: named, buys })),
    [
      { amount: 1_000, unit: 'sat', mints, buys: { requests: 1 } },
      { amount: 8, unit: 'usd', mints: cents.mints, buys: { seconds: 90 } },
    ],
  );
  assert.deepEqual(
    prices.map(({ request }) => decode(String(request)).unit),
    ['sat', 'usd'],
  );
  assert.equal(headers?.['X-Cashu'], prices[0]?.['request']);
  assert.deepEqual([members?.['amount'], members?.['unit']], [1_000, 'sat']);
  assert.ok(detail.startsWith('1000 sat buy one request, or 8 usd buy 90 seconds of access.'), detail);
});

test('where any mint is taken, the request names none', () => {
  const { headers, members } = createChallenge([{ ...sats, mints: [] }], { format: 'creqA' })('payment_required');
  assert.equal(decode(headers?.['X-Cashu'] ?? '').mints, undefined);
  assert.deepEqual(members?.['mints'], []);
});

test('what is free is told besides', () => {
  const challenge = createChallenge([sats], { format: 'creqA', free: { limit: 10, windowMs: 86_400_000 } });
  const { detail, members } = challenge('payment_required');
  assert.match(detail, /The first 10 requests in 86400 seconds are free\.$/);
  assert.deepEqual(members?.['free'], { requests: 10, seconds: 86_400 });
});

test('prices in one unit are told apart by their mints', () => {
  const other = { ...sats, amount: 1_200, mints: ['https://dear.example'] };
  const { detail } = createChallenge([{ ...sats, mints: ['https://one.example'] }, other], { format: 'creqA' })(
    'payment_required',
  );
  assert.ok(
    detail.startsWith(
      '1000 sat of https://one.example buy one request, or 1200 sat of https://dear.example buy one request.',
    ),
    detail,
  );
});

for (const [buys, text] of [
  [{ requests: 1 }, '8 usd buy one request.'],
  [{ requests: 20 }, '8 usd buy 20 requests.'],
  [{ timeMs: 90_000 }, '8 usd buy 90 seconds of access.'],
  [{ units: 5_000, reserve: 10, reportWithinMs: 60_000 }, '8 usd buy 5000 units.'],
] as const) {
  test(`in words: ${text}`, () => {
    const challenge = createChallenge([{ ...cents, buys }], { format: 'creqA' });
    assert.ok(challenge('payment_required').detail.startsWith(text));
    const { detail, code } = challenge('credit_exhausted', 'It is used up.');
    assert.ok(detail.startsWith(`It is used up. ${text}`));
    assert.equal(refusalKinds[code].status, 402);
  });
}
