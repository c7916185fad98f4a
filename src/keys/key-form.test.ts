import assert from 'node:assert/strict';
import { test } from 'node:test';
import { generateKey } from './api-key.ts';
import { createKeyForms } from './key-form.ts';

const { mayBeKey, isPlausible } = createKeyForms('sk-', [
  { prefix: 'sk-' },
  { prefix: 'old_', length: 12 },
  { length: 32 },
]);

test('a key that was made elsewhere is recognised by its prefix, its length, or both', () => {
  for (const text of ['sk-short', 'old_12345678', 'x'.repeat(32), `sk-${'x'.repeat(500)}`]) {
    assert.ok(mayBeKey(text) && isPlausible(text), text);
  }
  for (const text of ['', 'sk', 'old_1234567', 'old_123456789', 'x'.repeat(31), `sk-${'x'.repeat(510)}`]) {
    assert.ok(!mayBeKey(text) && !isPlausible(text), text);
  }
});

test('what has the form of our keys needs their checksum, whatever may be imported', () => {
  const key = generateKey('sk-');
  assert.ok(isPlausible(key));
  const mistyped = `${key.slice(0, -1)}${key.endsWith('0') ? '1' : '0'}`;
  assert.ok(mayBeKey(mistyped));
  assert.ok(!isPlausible(mistyped));
});

test('without imports only our own form is looked up', () => {
  const own = createKeyForms('sk-', []);
  assert.ok(own.isPlausible(generateKey('sk-')));
  for (const text of ['sk-short', 'x'.repeat(32)]) assert.ok(!own.mayBeKey(text) && !own.isPlausible(text));
});
