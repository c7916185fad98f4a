import assert from 'node:assert/strict';
import { test } from 'node:test';
import { getEncodedToken } from '@cashu/cashu-ts';
import fc from 'fast-check';
import { createMint } from '../../examples/play-mint/mint.ts';
import { encodeToken } from '../../examples/play-mint/token.ts';
import { stubMint } from '../../test/payments/mint-stub.ts';
import { coinsOf } from '../../test/peers/purse.ts';
import { isRefusal } from '../core/refusal.ts';
import type { Keyset, Mint } from './mint.ts';
import { createTokenReader } from './token.ts';

const url = 'https://mint.example';
const play = createMint({ keysets: [{}, { unit: 'usd' }, { unit: 'sat', idVersion: 0 }] });
const list: Keyset[] = play
  .keysets()
  .map(({ keyset: { id, unit, inputFeePpk }, active }) => ({ id, unit, active, inputFeePpk }));
const [v2 = '', usd = '', v1 = ''] = list.map(({ id }) => id);

const MAX_PROOFS = 8;

const readAt = (mint: Mint) =>
  createTokenReader((asked) => (asked === mint.url ? mint : undefined), { maxProofs: MAX_PROOFS });
const ours = stubMint({ list, units: ['sat', 'usd'], refreshKeysets: async () => undefined });
const read = readAt(ours);

/** What came of it, in a word. */
const outcomeOf = async (text: string, reader = read): Promise<string> => {
  const token = await reader(text);
  return isRefusal(token) ? token.code : `${token.amount} ${token.unit}`;
};

const sats = coinsOf(play, [1, 2, 8]); // of the keyset with the id of version 0, which is the active one
const dollars = coinsOf(play, [4], 'usd');
const payment = { mint: url, unit: 'sat', proofs: sats };
const v4 = encodeToken(payment);
const v3 = encodeToken(payment, { version: 3 });

const secret = 'a1'.repeat(32);
const C = sats[0]?.C ?? '';
const coin = { id: v1, amount: 1, secret, C };
const asV3 = (token: unknown) => `cashuA${Buffer.from(JSON.stringify(token)).toString('base64url')}`;
const holding = (...proofs: unknown[]) => asV3({ token: [{ mint: url, proofs }], unit: 'sat' });
const many = (count: number) => Array.from({ length: count }, (_, index) => ({ ...coin, secret: `secret ${index}` }));
const asV4 = (bytes: number[]) => `cashuB${Buffer.from(bytes).toString('base64url')}`;
const paddedTo4 = (token: string) => token + '='.repeat((4 - ((token.length - 6) % 4)) % 4);

// biome-ignore format: a table is read by its columns
const table: readonly (readonly [title: string, text: string, outcome: string])[] = [
  ['version 4', v4, '11 sat'],
  ['version 3', v3, '11 sat'],
  ['version 4 with padding', paddedTo4(v4), '11 sat'],
  ['version 3 with padding', paddedTo4(v3), '11 sat'],
  ['the prefix cashu:', `cashu:${v4}`, '11 sat'],
  ['the prefix cashu://', `cashu://${v3}`, '11 sat'],
  ['a memo', encodeToken(payment, { memo: 'Zażółć \u0000 🥜 \r\n' }), '11 sat'],
  ['a memo that is no text', asV3({ token: [{ mint: url, proofs: [coin] }], memo: { a: [1] } }), '1 sat'],
  ['without DLEQ proofs', encodeToken(payment, { dleq: false }), '11 sat'],
  ['another spelling of the mint', encodeToken({ ...payment, mint: 'HTTPS://Mint.Example:443//' }), '11 sat'],
  ['a point in capital letters', holding({ ...coin, C: C.toUpperCase() }), '1 sat'],
  ['a keyset id of version 2 in short', encodeToken({ ...payment, proofs: [{ ...sats[0], id: v2 }] as never }), '1 sat'],
  ['a keyset id of version 2 in full', holding({ ...coin, id: v2 }), '1 sat'],
  ['an amount in words, as JSON may have it', holding({ ...coin, amount: '64' }), '64 sat'],
  ['cents that say they are cents', encodeToken({ mint: url, unit: 'usd', proofs: dollars }), '4 usd'],
  ['cents that say they are sat', encodeToken({ mint: url, unit: 'sat', proofs: dollars }), '4 usd'],
  ['cents that say nothing', asV3({ token: [{ mint: url, proofs: [{ ...coin, id: usd }] }] }), '1 usd'],
  ['sat that say they are cents', encodeToken({ mint: url, unit: 'usd', proofs: sats }), '11 sat'],
  ['sat that say they are what is not taken', encodeToken({ mint: url, unit: 'xau', proofs: sats }), '11 sat'],
  ['units mixed', holding(coin, { ...coin, id: usd, secret: 'other' }), 'wrong_unit'],
  ['nothing', '', 'malformed_payment'],
  ['a prefix alone', 'cashu', 'malformed_payment'],
  ['a version alone', 'cashuB', 'malformed_payment'],
  ['another version', `cashuC${v4.slice(6)}`, 'malformed_payment'],
  ['capital letters', v4.toUpperCase(), 'malformed_payment'],
  ['half of it', v4.slice(0, v4.length / 2), 'malformed_payment'],
  ['JSON that is no token', asV3({}), 'malformed_payment'],
  ['JSON that is null', asV3(null), 'malformed_payment'],
  ['no entries', asV3({ token: [] }), 'malformed_payment'],
  ['two mints', asV3({ token: [{ mint: url, proofs: [coin] }, { mint: 'https://other.example', proofs: [coin] }] }), 'malformed_payment'],
  ['no proofs', holding(), 'malformed_payment'],
  ['proofs that are none', holding(1, null, 'x'), 'malformed_payment'],
  ['a mint that is no URL', asV3({ token: [{ mint: 'mint', proofs: [coin] }] }), 'wrong_mint'],
  ['a mint that is no text', asV3({ token: [{ mint: 7, proofs: [coin] }] }), 'wrong_mint'],
  ['another mint', encodeToken(payment, { mint: 'https://mint.example.evil' }), 'wrong_mint'],
  ['another port', encodeToken(payment, { mint: 'https://mint.example:444' }), 'wrong_mint'],
  ['the mint, unencrypted', encodeToken(payment, { mint: 'http://mint.example' }), 'wrong_mint'],
  ['the mint with credentials', encodeToken(payment, { mint: 'https://me@mint.example' }), 'wrong_mint'],
  ['the mint with a query', encodeToken(payment, { mint: 'https://mint.example?' }), 'wrong_mint'],
  ['as many proofs as there may be', holding(...many(MAX_PROOFS)), `${MAX_PROOFS} sat`],
  ['too many proofs', holding(...many(MAX_PROOFS + 1)), 'malformed_payment'],
  ['one proof twice', holding(coin, coin), 'malformed_payment'],
  ['one secret twice', holding(coin, { ...coin, amount: 2, C: sats[1]?.C }), 'malformed_payment'],
  ['a negative amount', holding({ ...coin, amount: -1 }), 'malformed_payment'],
  ['a fraction', holding({ ...coin, amount: 0.5 }), 'malformed_payment'],
  ['no amount', holding({ ...coin, amount: undefined }), 'malformed_payment'],
  ['an amount of zero', holding({ ...coin, amount: 0 }), 'malformed_payment'],
  ['an amount beyond what numbers hold', holding({ ...coin, amount: '9007199254740993' }), 'malformed_payment'],
  ['amounts whose sum is beyond what numbers hold', holding({ ...coin, amount: 2 ** 52 }, { ...coin, amount: 2 ** 52, secret: 'other' }), 'malformed_payment'],
  ['an amount in a number of a thousand digits', `cashuA${Buffer.from(`{"token":[{"mint":"${url}","proofs":[{"id":"${v1}","amount":1${'0'.repeat(1_000)},"secret":"s","C":"${C}"}]}]}`).toString('base64url')}`, 'malformed_payment'],
  ['no secret', holding({ ...coin, secret: undefined }), 'malformed_payment'],
  ['an empty secret', holding({ ...coin, secret: '' }), 'malformed_payment'],
  ['a secret as long as can be', holding({ ...coin, secret: 'x'.repeat(1_024) }), '1 sat'],
  ['a secret that is too long', holding({ ...coin, secret: 'x'.repeat(1_025) }), 'malformed_payment'],
  ['half a surrogate pair as secret', holding({ ...coin, secret: '\ud800' }), 'malformed_payment'],
  ['a point that is too short', holding({ ...coin, C: C.slice(2) }), 'malformed_payment'],
  ['an uncompressed point', holding({ ...coin, C: `04${'1'.repeat(128)}` }), 'malformed_payment'],
  ['a point that is no text', holding({ ...coin, C: [2] }), 'malformed_payment'],
  ['a keyset that nobody knows', holding({ ...coin, id: '00ffffffffffffff' }), 'malformed_payment'],
  ['no keyset', holding({ ...coin, id: undefined }), 'malformed_payment'],
  ['a keyset id of another version', holding({ ...coin, id: '02ffffffffffffff' }), 'malformed_payment'],
  ['a keyset id in base64', holding({ ...coin, id: 'I2yN+iRYfkzT' }), 'malformed_payment'],
  ['locked to a key', holding({ ...coin, secret: JSON.stringify(['P2PK', { nonce: 'n', data: C }]) }), 'wrong_lock'],
  ['locked by a hash', holding({ ...coin, secret: JSON.stringify(['HTLC', { nonce: 'n', data: C }]) }), 'wrong_lock'],
  ['locked behind blanks', holding({ ...coin, secret: ` \n${JSON.stringify(['P2PK', { nonce: 'n', data: C }])}` }), 'wrong_lock'],
  ['locked in a way of tomorrow', holding({ ...coin, secret: '["FUTURE",{}]' }), 'wrong_lock'],
  ['a secret that only looks locked', holding({ ...coin, secret: '[not JSON' }), '1 sat'],
  ['CBOR of endless arrays', asV4(Array(40_000).fill(0x81)), 'malformed_payment'],
  ['CBOR of endless maps', asV4(Array(40_000).fill(0xa1)), 'malformed_payment'],
  ['CBOR that promises more than it holds', asV4([0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), 'malformed_payment'],
  ['CBOR of indefinite length', asV4([0xbf, 0xff]), 'malformed_payment'],
  ['CBOR that is a number', asV4([0x01]), 'malformed_payment'],
  ['JSON of endless arrays', `cashuA${Buffer.from('['.repeat(40_000)).toString('base64url')}`, 'malformed_payment'],
  ['JSON that would be a prototype', `cashuA${Buffer.from('{"__proto__":{"token":[]},"token":{"length":1}}').toString('base64url')}`, 'malformed_payment'],
];

for (const [title, text, outcome] of table) {
  test(`${title}: ${outcome}, whether or not another was read before`, async () => {
    const reader = readAt(ours);
    assert.equal(await outcomeOf(text, readAt(ours)), outcome);
    assert.equal(await outcomeOf(encodeToken(payment, { memo: 'before' }), reader), '11 sat');
    assert.equal(await outcomeOf(text, reader), outcome);
  });
}

test('a token is of the mint that it names, whichever mint the token before was of', async () => {
  const otherUrl = 'https://other.example';
  const other = stubMint({
    url: otherUrl,
    list: list.slice(0, 1),
    units: ['sat'],
    refreshKeysets: async () => undefined,
  });
  const reader = createTokenReader((asked) => [ours, other].find((mint) => mint.url === asked), {
    maxProofs: MAX_PROOFS,
  });
  const [coinOfV2] = sats.map((proof) => ({ ...proof, id: v2 }));
  assert.ok(coinOfV2);
  for (const [mint, outcome] of [
    [url, `${url} 1`],
    [otherUrl, `${otherUrl} 1`],
    [url, `${url} 1`],
  ] as const) {
    const memo = `${Math.random()}`;
    const token = await reader(encodeToken({ mint, unit: 'sat', proofs: [coinOfV2] }, { memo }));
    assert.equal(isRefusal(token) ? token.code : `${token.mint} ${token.amount}`, outcome);
    // Of a keyset that only the other mint has.
    const foreign = await reader(encodeToken({ mint: otherUrl, unit: 'sat', proofs: sats }, { memo }));
    assert.ok(isRefusal(foreign) && foreign.code === 'malformed_payment');
  }
});

test('what was read is what was sent: keysets in full, amounts as numbers, nothing else', async () => {
  const token = await read(encodeToken({ ...payment, proofs: sats.map((proof) => ({ ...proof, id: v2 })) }));
  assert.deepEqual(token, {
    mint: url,
    unit: 'sat',
    amount: 11,
    proofs: sats.map((proof) => ({ id: v2, amount: proof.amount.toNumber(), secret: proof.secret, C: proof.C })),
  });
});

test('a short keyset id that fits two keysets is refused, even after another look', async () => {
  const twin = `${v2.slice(0, 16)}${'f'.repeat(50)}`;
  const mint = stubMint({
    list: [...list, { id: twin, unit: 'sat', active: false, inputFeePpk: 0 }],
    refreshKeysets: async () => undefined,
  });
  const proofs = sats.map((proof) => ({ ...proof, id: v2 }));
  assert.equal(await outcomeOf(getEncodedToken({ mint: url, proofs }), readAt(mint)), 'malformed_payment');
  assert.equal(await outcomeOf(holding({ ...coin, id: v2 }), readAt(mint)), '1 sat');
});

test('a unit that the mint has and we do not take is refused', async () => {
  const mint = stubMint({ list });
  assert.equal(await outcomeOf(encodeToken({ mint: url, unit: 'sat', proofs: dollars }), readAt(mint)), 'wrong_unit');
});

test('a keyset that is new to us makes us look again, once; what is malformed anyway does not', async () => {
  let known: readonly Keyset[] = [];
  let looks = 0;
  const refreshKeysets = async () => {
    looks += 1;
    known = list;
  };
  const reader = readAt(stubMint({ keysets: () => known, refreshKeysets }));
  assert.equal(await outcomeOf(holding({ ...coin, amount: 0 }), reader), 'malformed_payment');
  assert.equal(looks, 0);
  assert.equal(await outcomeOf(v4, reader), '11 sat');
  assert.equal(await outcomeOf(v4, reader), '11 sat');
  assert.equal(looks, 1);
});

test('a token is decoded once, in each of its spellings, and a refusal is not remembered', async () => {
  let looks = 0;
  const mint = stubMint({
    keysets: () => {
      looks += 1;
      return looks < 3 ? [] : list;
    },
    refreshKeysets: async () => undefined,
  });
  const reader = readAt(mint);
  assert.equal(await outcomeOf(v4, reader), 'malformed_payment');
  assert.equal(await outcomeOf(v4, reader), '11 sat');
  const before = looks;
  assert.equal(await reader(v4), await reader(v4));
  assert.equal(looks, before);
  assert.equal(await outcomeOf(v3, reader), '11 sat');
  assert.ok(looks > before);
});

test('a mint that cannot be asked for its keysets is no reason to refuse: the reader throws', async () => {
  const mint = stubMint({
    refreshKeysets: async () => {
      throw new Error('not reached');
    },
  });
  await assert.rejects(async () => readAt(mint)(v4), /not reached/);
});

const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.string({ unit: 'binary', maxLength: 200 }).map((text) => `cashuA${Buffer.from(text).toString('base64url')}`),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => `cashuB${Buffer.from(bytes).toString('base64url')}`),
  fc.json().map((text) => `cashuA${Buffer.from(text).toString('base64url')}`),
);

const anyValue = fc.oneof(fc.anything({ withBigInt: false, maxDepth: 2 }), fc.constant(url), fc.constant(coin));

const anyToken = fc
  .record(
    {
      unit: anyValue,
      memo: anyValue,
      token: fc.array(
        fc.record(
          {
            mint: fc.oneof(fc.constant(url), anyValue),
            proofs: fc.oneof(
              anyValue,
              fc.array(
                fc.record(
                  {
                    id: fc.oneof(fc.constantFrom(v1, v2, usd), anyValue),
                    amount: fc.oneof(fc.constant(1), fc.double(), anyValue),
                    secret: fc.oneof(fc.constant(secret), fc.string({ unit: 'binary' }), anyValue),
                    C: fc.oneof(fc.constant(C), anyValue),
                    dleq: anyValue,
                    witness: anyValue,
                  },
                  { requiredKeys: [] },
                ),
              ),
            ),
          },
          { requiredKeys: [] },
        ),
        { maxLength: 2 },
      ),
    },
    { requiredKeys: ['token'] },
  )
  .map(asV3);

/** One byte of a good token is another. */
const damaged = fc
  .record({ at: fc.nat({ max: v4.length - 7 }), to: fc.nat({ max: 255 }), of: fc.constantFrom(v3, v4) })
  .map(({ at, to, of }) => {
    const bytes = Buffer.from(of.slice(6), 'base64url');
    bytes[at % bytes.length] = to;
    return `${of.slice(0, 6)}${bytes.toString('base64url')}`;
  });

test('whatever is sent, the answer is a token that keeps the rules, or a refusal', async () => {
  const codes = new Set(['malformed_payment', 'wrong_mint', 'wrong_unit', 'wrong_lock']);
  await fc.assert(
    fc.asyncProperty(fc.oneof(anyText, anyToken, damaged), async (text) => {
      const token = await read(text);
      if (isRefusal(token)) return assert.ok(codes.has(token.code));
      assert.equal(token.mint, url);
      assert.equal(
        token.amount,
        token.proofs.reduce((sum, { amount }) => sum + amount, 0),
      );
      assert.ok(Number.isSafeInteger(token.amount) && token.amount > 0);
      assert.ok(token.proofs.length <= MAX_PROOFS);
      for (const proof of token.proofs) {
        assert.ok(Number.isSafeInteger(proof.amount) && proof.amount > 0);
        assert.ok(list.some(({ id, unit }) => id === proof.id && unit === token.unit));
      }
    }),
    { numRuns: 2_000 },
  );
});

test('a refusal repeats nothing of the token', async () => {
  for (const [, text] of table) {
    const token = await read(text);
    if (isRefusal(token)) assert.ok(!JSON.stringify(token).includes(secret) && !JSON.stringify(token).includes(C));
  }
});
