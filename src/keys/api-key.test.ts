import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { generateKey, generateKeyId, hashKey, hintOf, isWellFormed } from './api-key.ts';

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const prefix = 'sk-';
const key = fc.constant(null).map(() => generateKey(prefix));
const position = fc.nat({ max: prefix.length + 48 });

const replaceAt = (text: string, at: number, by: string): string => text.slice(0, at) + by + text.slice(at + 1);

test('a key is its prefix, 43 digits of base62 for 256 bits, and 6 for their checksum', () => {
  fc.assert(fc.property(key, (made) => /^sk-[0-9A-Za-z]{49}$/.test(made) && isWellFormed(made, prefix)));
  assert.equal(new Set(Array.from({ length: 1_000 }, () => generateKey(prefix))).size, 1_000);
  assert.match(generateKeyId(), /^key_[0-9A-Za-z]{22}$/);
});

test('every single character that is changed is noticed', () => {
  const made = generateKey(prefix);
  for (let at = 0; at < made.length; at++) {
    for (const other of alphabet) {
      if (other !== made[at])
        assert.equal(isWellFormed(replaceAt(made, at, other), prefix), false, `${other} at ${at}`);
    }
  }
});

test('a character of any other kind is noticed', () => {
  fc.assert(
    fc.property(key, position, fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }), (made, at, other) => {
      fc.pre(other !== made[at]);
      return !isWellFormed(replaceAt(made, at, other), prefix);
    }),
    { numRuns: 2_000 },
  );
});

test('every two characters that change places are noticed', () => {
  for (let round = 0; round < 5; round++) {
    const made = generateKey(prefix);
    for (let one = 0; one < made.length; one++) {
      for (let two = one + 1; two < made.length; two++) {
        const [a = '', b = ''] = [made[one], made[two]];
        if (a !== b) assert.equal(isWellFormed(replaceAt(replaceAt(made, one, b), two, a), prefix), false);
      }
    }
  }
});

test('a key that is cut short, longer, or in another case is noticed', () => {
  fc.assert(
    fc.property(key, position, fc.string({ minLength: 1 }), (made, at, more) => {
      const cut = made.slice(0, at) + made.slice(at + 1);
      const variants = [
        cut,
        made.slice(0, at),
        made + more,
        more + made,
        `${made} `,
        made.toUpperCase(),
        made.toLowerCase(),
      ];
      return variants.every((variant) => variant === made || !isWellFormed(variant, prefix));
    }),
  );
});

test('no text is taken for a key by chance, and none makes the check throw', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => !isWellFormed(text, prefix)));
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom(...alphabet), minLength: 49, maxLength: 49 }),
      (text) => !isWellFormed(prefix + text, prefix),
    ),
  );
  assert.equal(isWellFormed('', prefix), false);
  assert.equal(isWellFormed(generateKey('pk_'), prefix), false);
});

test('the hint tells four characters and the hash tells none', () => {
  const made = generateKey(prefix);
  assert.equal(hintOf(made, prefix), `${made.slice(0, 7)}…`);
  assert.match(hashKey(made), /^[0-9a-f]{64}$/);
});
