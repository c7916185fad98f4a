import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { CannotOpen, createSealer, type Place } from './seal.ts';

const place: Place = { paymentId: 'pay_1', column: 'body' };
const [old, current, foreign] = [randomBytes(32), randomBytes(32), randomBytes(48)];

const isRefused = (open: () => string): void => {
  assert.throws(open, (error) => error instanceof CannotOpen && !error.message.includes('secret'));
};

test('whatever is sealed opens again to the letter, and shows nothing of itself', () => {
  const { seal, open } = createSealer(current);
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', minLength: 6 }), fc.string(), (text, paymentId) => {
      const sealed = seal(text, { paymentId, column: 'outputs' });
      assert.ok(!sealed.includes(text));
      assert.equal(open(sealed, { paymentId, column: 'outputs' }), text);
    }),
  );
});

test('the same text is never sealed alike', () => {
  const { seal } = createSealer(current);
  assert.equal(new Set(Array.from({ length: 100 }, () => seal('secret', place))).size, 100);
});

test('a sealed text opens only where it was sealed', () => {
  const { seal, open } = createSealer(current);
  const sealed = seal('secret', place);
  isRefused(() => open(sealed, { ...place, paymentId: 'pay_2' }));
  isRefused(() => open(sealed, { ...place, column: 'outputs' }));
  assert.equal(open(sealed, place), 'secret');
});

test('not one bit of it can be changed, and nothing cut off', () => {
  const { seal, open } = createSealer(current);
  const sealed = seal('secret', place);
  const at = sealed.lastIndexOf(':') + 1;
  const bytes = Buffer.from(sealed.slice(at), 'base64url');
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const changed = Buffer.from(bytes);
    changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
    isRefused(() => open(sealed.slice(0, at) + changed.toString('base64url'), place));
  }
  for (let length = 0; length < bytes.length; length++) {
    isRefused(() => open(sealed.slice(0, at) + bytes.subarray(0, length).toString('base64url'), place));
  }
});

test('a former key opens and seals nothing more', () => {
  const before = createSealer(old).seal('secret', place);
  const { currentKeyId, keyIds, seal, open } = createSealer(current, [old]);
  assert.equal(open(before, place), 'secret');
  assert.equal(keyIds.length, 2);
  assert.equal(keyIds[0], currentKeyId);
  const after = seal('secret', place);
  assert.equal(createSealer(current).open(after, place), 'secret');
  isRefused(() => createSealer(old).open(after, place));
});

test('a key that is missing is named by its id, the same wherever it is used', () => {
  const { currentKeyId = '', seal } = createSealer(foreign);
  assert.match(currentKeyId, /^[0-9a-f]{16}$/);
  assert.equal(createSealer(undefined, [foreign]).keyIds[0], currentKeyId);
  assert.ok(!foreign.toString('hex').includes(currentKeyId));
  const named = new RegExp(`body of the payment pay_1 is sealed with the key ${currentKeyId}, which is not configured`);
  assert.throws(() => createSealer(current, [old]).open(seal('secret', place), place), named);
});

test('without a key texts stay as they are, and such texts are read with a key as well', () => {
  const { currentKeyId, seal } = createSealer(undefined);
  const text = '{"inputs":[]}';
  assert.equal(currentKeyId, undefined);
  assert.equal(seal(text, place), text);
  assert.equal(createSealer(current).open(text, place), text);
});
