import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readRetryAfter } from './retry-after.ts';

const now = Date.UTC(2026, 10, 22, 12, 0, 0);

const cases: readonly (readonly [string | undefined, number | undefined])[] = [
  ['120', 120_000],
  [' 0 ', 0],
  ['Sun, 22 Nov 2026 12:00:30 GMT', 30_000],
  ['Sunday, 22-Nov-26 12:00:30 GMT', 30_000],
  ['Sun Nov 22 12:00:30 2026', 30_000],
  ['Sun, 22 Nov 2026 11:59:00 GMT', 0],
  ['-5', undefined],
  ['1.5', undefined],
  ['1e3', undefined],
  ['9999999999', undefined],
  ['soon', undefined],
  ['2026-11-22', undefined],
  ['', undefined],
  [undefined, undefined],
];

for (const [value, expected] of cases)
  test(`Retry-After: ${value} is read as ${expected === undefined ? 'nothing' : `${expected} ms`}`, () =>
    assert.equal(readRetryAfter(value, now), expected));

test('every second of a date comes back, and nothing else is ever negative or no number', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 100_000_000 }), (seconds) => {
      assert.equal(readRetryAfter(new Date(now + seconds * 1_000).toUTCString(), now), seconds * 1_000);
    }),
  );
  fc.assert(
    fc.property(fc.string(), (text) => {
      const read = readRetryAfter(text, now);
      assert.ok(read === undefined || (Number.isSafeInteger(read) && read >= 0));
    }),
  );
});
