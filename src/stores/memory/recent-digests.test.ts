import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { createRecentDigests } from './recent-digests.ts';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

test('a digest is right the first time, again, after a second, after many others, and of whatever length', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const digest = createRecentDigests();
  const texts = [
    '',
    'sk-1',
    'ü€',
    'x'.repeat(4_096),
    'x'.repeat(4_097),
    ...Array.from({ length: 2_500 }, (_, n) => `t${n}`),
    // Of one end.
    ...['a', 'b'].map((beginning) => beginning + 'x'.repeat(64)),
  ];
  for (const pass of [1, 2]) {
    for (const text of texts) assert.equal(digest(text), sha256(text), `${pass} ${text.slice(0, 10)}`);
    t.mock.timers.tick(1_000);
  }
});

test('no credential is remembered for longer than a second, also where nothing comes any more', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const kept = new Set<Map<unknown, unknown>>();
  const set = Map.prototype.set;
  t.mock.method(Map.prototype, 'set', function (this: Map<unknown, unknown>, key: unknown, value: unknown) {
    kept.add(this);
    return set.call(this, key, value);
  });
  const digest = createRecentDigests();
  for (let n = 0; n < 10; n++) digest(`sk-${n}`);
  assert.deepEqual(
    [...kept].map(({ size }) => size),
    [10],
  );
  t.mock.timers.tick(1_000);
  assert.deepEqual(
    [...kept].map(({ size }) => size),
    [0],
  );
});
