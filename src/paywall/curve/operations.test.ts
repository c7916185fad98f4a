import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  createBlindSignature,
  createDLEQProof,
  createRandomSecretKey,
  getPubKeyFromPrivKey,
  pointFromHex,
  schnorrVerifyMessage,
  verifyUnblindedSignature,
} from '@cashu/cashu-ts';
import fc from 'fast-check';
import { createMint } from '../../../examples/play-mint/mint.ts';
import { activeKeyset, coinsOf } from '../../../test/peers/purse.ts';
import { cashuTsOperations } from './cashu-ts.ts';
import { loadLibsecp256k1 } from './libsecp256k1.ts';
import type { CurveOperations, HandedOn, Unblinding } from './operations.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

const native = loadLibsecp256k1();
const engines: readonly (readonly [string, CurveOperations])[] = [
  ...(native ? [['libsecp256k1', native] as const] : []),
  ['cashu-ts', cashuTsOperations],
];

test('there is a binary of libsecp256k1 where the project is built', { skip: process.arch !== 'x64' }, () => {
  assert.ok(native);
});

const zeros = '00'.repeat(31);
const G = '0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798';
const signed = '02a9acc1e48c25eeeb9289b5031cc57da9fe72f3fe2861d264bdc074209b107ba2';
const dleq = {
  e: '9818e061ee51d5c8edc3342369a554998ff7b4381c8652d724cdf46429be73d9',
  s: '9818e061ee51d5c8edc3342369a554998ff7b4381c8652d724cdf46429be73da',
};
const blindingFactor = '99fce58439fc37412ab3468b73db0569322588f62fb3a49182d67e23d877824a';
/** NUT-12: signed by the key 1, whose public key is G. */
const proven: Unblinding = { blindingFactor, B_: signed, C_: signed, dleq, publicKey: G };

for (const [name, curve] of engines) {
  // biome-ignore format: a table is read by its columns
  for (const [message, Y] of [
    [`${zeros}00`, '024cce997d3b518f739663b757deaec95bcd9473c30a14ac2fd04023a739d1a725'],
    [`${zeros}01`, '022e7158e11c9506f1aa4248bf531298daa7febd6194f003edcd9b93ade6253acf'],
    [`${zeros}02`, '026cdbe15362df59cd1dd3c9c11de8aedac2106eca69236ecd9fbe117af897be4f'],
  ] as const) {
    test(`${name}: NUT-00 hash to curve of …${message.slice(-2)}`, () => {
      assert.equal(curve.hashToCurve(Buffer.from(message, 'hex')), Y);
      assert.equal(curve.hashToCurve(Buffer.from(message, 'hex').toString()), Y, 'the same as text');
    });
  }

  // biome-ignore format: a table is read by its columns
  for (const [x, r, B_] of [
    ['d341ee4871f1f889041e63cf0d3823c713eea6aff01e80f1719f08f9e5be98f6', blindingFactor, '033b1a9737a40cc3fd9b6af4b723632b76a67a36782596304612a6c2bfb5197e6d'],
    ['f1aaf16c2239746f369572c0784d9dd3d032d952c2d992175873fb58fae31a60', 'f78476ea7cc9ade20f9e05e58a804cf19533f03ea805ece5fee88c8e2874ba50', '029bdf2d716ee366eddf599ba252786c1033f47e230248a4612a5670ab931f1763'],
  ] as const) {
    test(`${name}: NUT-00 blinded message of ${x.slice(0, 4)}…`, () => {
      assert.equal(curve.blind({ secret: Buffer.from(x, 'hex'), blindingFactor: r }), B_);
    });
  }

  test(`${name}: NUT-12 signature with a valid DLEQ`, () => {
    assert.match(curve.unblind(proven) ?? '', /^0[23][0-9a-f]{64}$/);
  });

  test(`${name}: NUT-12 signature with a nonce that was derived`, () => {
    const derived = {
      blindingFactor,
      publicKey: '02c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5',
      B_: signed,
      C_: '0244eccfc7a348274458bb38044c7f3c389b3c2086c7ec18b5812d2877ab937787',
      dleq: {
        e: 'be53688e1952a916726cf4f031584404c6a79b32ccf0b58f3db9a46794abc1dc',
        s: '1d6ecdf7ca128c90f65bd64e1f894fad985be8af6b350fece5ca4e9e259a54ad',
      },
    };
    assert.ok(curve.unblind(derived));
  });

  // biome-ignore format: a table is read by its columns
  for (const [title, change] of [
    ['e is another', { dleq: { ...dleq, e: dleq.s } }],
    ['s is another', { dleq: { ...dleq, s: dleq.e } }],
    ['e is too long', { dleq: { ...dleq, e: `${dleq.e}00` } }],
    ['e is no number', { dleq: { ...dleq, e: 'x'.repeat(64) } }],
    ['e is 0', { dleq: { ...dleq, e: '0'.repeat(64) } }],
    ['s is 0', { dleq: { ...dleq, s: '0'.repeat(64) } }],
    ['s is beyond the order', { dleq: { ...dleq, s: 'f'.repeat(64) } }],
    ['the key is another', { publicKey: '02c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5' }],
    ['it is of another message', { B_: G }],
    ['it is another', { C_: G }],
    ['it is no point', { C_: `02${'f'.repeat(64)}` }],
    ['it is empty', { C_: '' }],
    ['the key is no point', { publicKey: `05${G.slice(2)}` }],
  ] as const) {
    test(`${name}: a signature is not opened where ${title}`, () => {
      assert.equal(curve.unblind({ ...proven, ...change }), undefined);
    });
  }

  test(`${name}: NUT-11 signatures are good for their text and their key, and never the same`, () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (message) => {
        const key = createRandomSecretKey();
        const publicKey = hex(getPubKeyFromPrivKey(key));
        const [one = '', other] = [1, 2].map(() => curve.sign({ message, privateKey: hex(key) }));
        assert.ok(schnorrVerifyMessage(one, message, publicKey));
        assert.ok(!schnorrVerifyMessage(one, `${message}.`, publicKey));
        assert.notEqual(one, other);
      }),
      { numRuns: 20 },
    );
  });

  for (const [title, point, expected] of [
    ['a point', G, true],
    ['an x without a point', `02${'0'.repeat(63)}5`, false],
    ['an x beyond the field', `02${'f'.repeat(64)}`, false],
    ['an uncompressed point', `04${'1'.repeat(128)}`, false],
    ['nothing', '', false],
    ['no hex', 'zz'.repeat(33), false],
  ] as const) {
    test(`${name}: ${title} ${expected ? 'is' : 'is not'} on the curve`, () => {
      assert.equal(curve.isPoint(point), expected);
    });
  }
}

const scalarHex = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map(hex)
  .filter((text) => text > '0'.repeat(64) && text < 'fffffffffffffffffffffffffffffffe');

const mint = createMint({});
const handedOn = coinsOf(mint, [1, 2, 4]).map(({ secret, C, amount, dleq }) => ({
  secret,
  C,
  dleq: { e: '', s: '', r: '', ...dleq },
  publicKey: activeKeyset(mint).publicKeys[amount.toString()] ?? '',
}));

for (const [name, curve] of engines) {
  test(`${name}: NUT-12 proofs of somebody else are what their mint signed`, () => {
    assert.equal(curve.areProven(handedOn), true);
  });

  // biome-ignore format: a table is read by its columns
  for (const [title, forge] of [
    ['another secret', (proof) => ({ ...proof, secret: `${proof.secret}0` })],
    ['another signature', (proof) => ({ ...proof, C: handedOn[0]?.C ?? '' })],
    ['another amount', (proof) => ({ ...proof, publicKey: handedOn[0]?.publicKey ?? '' })],
    ['another e', (proof) => ({ ...proof, dleq: { ...proof.dleq, e: proof.dleq.s } })],
    ['another s', (proof) => ({ ...proof, dleq: { ...proof.dleq, s: proof.dleq.e } })],
    ['another r', (proof) => ({ ...proof, dleq: { ...proof.dleq, r: proof.dleq.e } })],
    ['no r', (proof) => ({ ...proof, dleq: { ...proof.dleq, r: '' } })],
    ['r beyond the order', (proof) => ({ ...proof, dleq: { ...proof.dleq, r: 'f'.repeat(64) } })],
    ['a signature that is no point', (proof) => ({ ...proof, C: `02${'f'.repeat(64)}` })],
  ] as const satisfies readonly (readonly [string, (proof: HandedOn) => HandedOn])[]) {
    test(`${name}: NUT-12 proofs are not taken where the last has ${title}`, () => {
      assert.equal(curve.areProven(handedOn.map((proof, index) => (index === 2 ? forge(proof) : proof))), false);
    });
  }
}

test('libsecp256k1 gives what cashu-ts gives, and the mint takes its proofs', { skip: native === undefined }, () => {
  const fast = native ?? cashuTsOperations;
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), scalarHex, fc.boolean(), (secret, r, tamper) => {
      assert.equal(fast.hashToCurve(secret), cashuTsOperations.hashToCurve(secret));
      const B_ = fast.blind({ secret, blindingFactor: r });
      assert.equal(B_, cashuTsOperations.blind({ secret, blindingFactor: r }));
      const key = createRandomSecretKey();
      const { C_ } = createBlindSignature(pointFromHex(B_), key, '00');
      const { e, s } = createDLEQProof(pointFromHex(B_), key);
      const publicKey = hex(getPubKeyFromPrivKey(tamper ? createRandomSecretKey() : key));
      const signature = { blindingFactor: r, B_, C_: C_.toHex(true), dleq: { e: hex(e), s: hex(s) }, publicKey };
      const C = fast.unblind(signature);
      assert.equal(C, cashuTsOperations.unblind(signature));
      assert.equal(C === undefined, tamper);
      if (C === undefined) return;
      const proof = { C: pointFromHex(C), secret: new TextEncoder().encode(secret), id: '00' };
      assert.ok(verifyUnblindedSignature(proof, key));
    }),
    { numRuns: 40 },
  );
});
