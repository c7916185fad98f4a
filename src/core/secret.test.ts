import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { Secret } from './secret.ts';

const canary = 'canary-4f1d';
const secret = new Secret(canary);

test('a secret gives its value only to reveal()', () => {
  assert.equal(secret.reveal(), canary);
});

for (const [way, text] of [
  ['a template', `${secret}`],
  ['concatenation', `a${String(secret)}`],
  ['JSON', JSON.stringify({ secret })],
  ['inspection', inspect({ deep: { secret } }, { depth: 9, showHidden: true })],
  ['an error message', new Error(`bad ${secret}`).stack ?? ''],
  ['its own keys', Object.entries(secret).join()],
] as const) {
  test(`a secret does not print itself through ${way}`, () => {
    assert.ok(!text.includes(canary), text);
  });
}
