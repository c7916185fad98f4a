import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { test } from 'node:test';
import { createSeenBefore } from './seen-before.ts';

const digests = Array.from({ length: 2_000 }, (_, index) => hash('sha256', String(index)));

test('a digest is known from its second time on', () => {
  const seenBefore = createSeenBefore(100);
  for (const digest of digests) {
    assert.equal(seenBefore(digest), false);
    assert.equal(seenBefore(digest), true);
    assert.equal(seenBefore(digest), true);
  }
});

test('most of half as many digests as it has room for are known when they come again, few of twenty times as many', () => {
  const knownOf = (size: number): number => {
    const seenBefore = createSeenBefore(size);
    for (const digest of digests) seenBefore(digest);
    return digests.filter((digest) => seenBefore(digest)).length;
  };
  assert.ok(knownOf(4_000) > 1_200);
  assert.equal(knownOf(100), 0);
});

test('digests that come in turn, a twentieth of what it has room for, are all known from the second turn on', () => {
  const few = digests.slice(0, 500);
  const seenBefore = createSeenBefore(10_000);
  for (const digest of few) seenBefore(digest);
  assert.deepEqual(
    few.filter((digest) => !seenBefore(digest)),
    [],
  );
});
