import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backoffMs, waitMs } from './backoff.ts';

const limits: readonly (readonly [tries: number, retryDelayMs: number, limitMs: number])[] = [
  [1, 500, 500],
  [2, 500, 1_000],
  [3, 500, 2_000],
  [10, 500, 20_000],
  [1, 60_000, 60_000],
  [4, 60_000, 60_000],
  [5, 0, 0],
];

for (const [tries, retryDelayMs, limitMs] of limits)
  test(`after ${tries} tries with a delay of ${retryDelayMs} ms the wait is anything up to ${limitMs} ms`, () => {
    assert.equal(backoffMs(tries, retryDelayMs, 0), 0);
    assert.equal(backoffMs(tries, retryDelayMs, 0.5), limitMs / 2);
    assert.ok(backoffMs(tries, retryDelayMs, 0.999_999) <= limitMs);
  });

test('a target that says when is not asked sooner, and not at all where the deadline comes first', () => {
  assert.equal(waitMs(100, undefined, 1_000), 100);
  assert.equal(waitMs(100, 800, 1_000), 800);
  assert.equal(waitMs(900, 800, 1_000), 900);
  assert.equal(waitMs(100, 1_000, 1_000), undefined);
  assert.equal(waitMs(100, 60_000, 1_000), undefined);
  assert.equal(waitMs(0, undefined, 0), undefined);
});
