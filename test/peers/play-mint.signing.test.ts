import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { Amount, OutputData, pointFromHex, verifyDLEQProof } from '@cashu/cashu-ts';
import { createKeyset } from '../../examples/play-mint/keyset.ts';
import { libsecp256k1 } from '../../examples/play-mint/libsecp256k1.ts';
import { outputCreator } from '../../examples/play-mint/outputs.ts';
import { inJavaScript, type Signing, sign } from '../../examples/play-mint/signing.ts';

const key = createHash('sha256').update('key').digest();
const publicKey = inJavaScript.sign(
  { id: '00', B_: `0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798` },
  key,
).C_;
const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'));

const options = { skip: libsecp256k1 ? false : 'no binary of libsecp256k1 for this machine' };

test('libsecp256k1 signs what cashu-ts signs, and its proofs of the key hold', options, () => {
  for (const secret of ['', 'a', '🥜', 'x'.repeat(300)]) {
    const [slow, fast]: (Signing | undefined)[] = [inJavaScript, libsecp256k1];
    assert.ok(slow && fast);
    const Y = slow.yOf(secret);
    assert.equal(fast.yOf(secret), Y);
    const message = { id: '00', B_: Y };
    const { C_, dleq } = fast.sign(message, key);
    assert.equal(C_, slow.sign(message, key).C_);
    const proof = { e: bytes(dleq.e), s: bytes(dleq.s) };
    assert.ok(verifyDLEQProof(proof, pointFromHex(Y), pointFromHex(C_), pointFromHex(publicKey)));
    for (const signing of [slow, fast]) {
      assert.ok(signing.isSigned({ id: '00', secret, C: C_ }, key));
      assert.equal(signing.isSigned({ id: '00', secret: `${secret}!`, C: C_ }, key), false);
    }
  }
});

test(
  'a proof is what cashu-ts makes of the same signature, and a key that was not published is noticed',
  options,
  () => {
    const [keyset, other] = [createKeyset(), createKeyset()];
    const keys = { id: keyset.id, keys: keyset.publicKeys };
    const data = outputCreator.createSingleRandomData(8, keyset.id);
    const { B_, id } = data.blindedMessage;
    const signed = { ...sign(keyset, { id, amount: 8, B_ }), amount: Amount.from(8) };
    const slow = new OutputData(data.blindedMessage, data.blindingFactor, data.secret);
    assert.deepEqual(data.toProof(signed, keys), slow.toProof(signed, keys));
    const { dleq, ...unproven } = signed;
    assert.ok(dleq);
    assert.deepEqual(data.toProof(unproven, keys), slow.toProof(unproven, keys));
    assert.throws(() =>
      data.toProof({ ...signed, ...sign(other, { id, amount: 8, B_ }), amount: Amount.from(8) }, keys),
    );
  },
);

for (const [what, text] of [
  ['nothing', ''],
  ['no hex', 'zz'.repeat(33)],
  ['too short', '02'.repeat(32)],
  ['too long', `02${'79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798'}zz`],
  ['not on the curve', `02${'f'.repeat(64)}`],
] as const) {
  test(`no point is ${what}`, () => {
    for (const signing of [inJavaScript, libsecp256k1]) assert.notEqual(signing?.isPoint(text), true);
  });
}
