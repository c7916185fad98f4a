import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { readEncryptionKey } from './encryption-key.ts';
import { problemsOf } from './harness.test.ts';

const bytes = randomBytes(32);

for (const [title, text] of [
  ['base64', bytes.toString('base64')],
  ['base64 without padding', bytes.toString('base64url')],
  ['hex', bytes.toString('hex')],
  ['hex in capitals', bytes.toString('hex').toUpperCase()],
] as const) {
  test(`a key is read from ${title}`, () => {
    assert.deepEqual(readEncryptionKey(text), bytes);
    assert.deepEqual(problemsOf(`cashu: { encryption_key: "${text}", former_encryption_keys: ["${text}"] }`), []);
  });
}

const weak: readonly (readonly [title: string, text: string])[] = [
  ['31 bytes in base64', randomBytes(31).toString('base64')],
  ['31 bytes in hex', randomBytes(31).toString('hex')],
  ['a pass phrase', 'correct horse battery staple correct horse battery staple'],
  ['zeros', '0'.repeat(64)],
  ['a word repeated', 'secret'.repeat(12)],
  ['base64 with a stray character', `${bytes.toString('base64').slice(0, -2)}*=`],
];

for (const [title, text] of weak) {
  test(`${title} is no key, and is not repeated in the problem`, () => {
    assert.equal(readEncryptionKey(text), undefined);
    for (const [key, path] of [
      [`encryption_key: "${text}"`, 'cashu.encryption_key'],
      [`former_encryption_keys: ["${text}"]`, 'cashu.former_encryption_keys[0]'],
    ]) {
      const [problem, ...others] = problemsOf(`cashu: { ${key} }`);
      assert.deepEqual([problem?.path, others], [path, []]);
      assert.equal(problem?.hint, 'make one with: openssl rand -base64 32');
      assert.ok(!JSON.stringify(problem).includes(text));
    }
  });
}

test('a key is checked without the machine that has it', () => {
  const yaml = 'cashu: { encryption_key: "file:key", former_encryption_keys: ["file:old"] }';
  assert.equal(problemsOf(yaml).length, 2, 'the files are missing');
  assert.deepEqual(
    problemsOf(yaml, { files: { key: `${bytes.toString('base64')}\n`, old: bytes.toString('hex') } }),
    [],
  );
});
