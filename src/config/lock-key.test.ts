import assert from 'node:assert/strict';
import { test } from 'node:test';
import { problemsOf } from './harness.test.ts';
import { readLockKey } from './lock-key.ts';

const order = 'fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141';

test('a private key is read from hex, with its public key', () => {
  const privateKey = '1'.padStart(64, '0');
  const publicKey = '0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798';
  assert.deepEqual(readLockKey(privateKey), { privateKey, publicKey });
  assert.deepEqual(problemsOf(`cashu: { lock: { private_key: "${privateKey}" } }`), []);
});

for (const [title, text] of [
  ['31 bytes', 'a1'.repeat(31)],
  ['33 bytes', 'a1'.repeat(33)],
  ['base64', Buffer.alloc(32, 7).toString('base64')],
  ['0', '0'.repeat(64)],
  ['the order of the curve', order],
] as const) {
  test(`${title} is no private key, and is not repeated in the problem`, () => {
    assert.equal(readLockKey(text), undefined);
    const [problem, ...others] = problemsOf(`cashu: { lock: { private_key: "${text}" } }`);
    assert.deepEqual(
      [problem?.path, problem?.hint, others],
      ['cashu.lock.private_key', 'make one with: openssl rand -hex 32', []],
    );
    assert.ok(!JSON.stringify(problem).includes(text));
  });
}

test('a lock needs its key', () => {
  assert.deepEqual(
    problemsOf('cashu: { lock: {} }').map(({ path }) => path),
    ['cashu.lock.private_key'],
  );
});
