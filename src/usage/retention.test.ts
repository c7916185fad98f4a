import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRetention } from './retention.ts';

test('events and sums are forgotten by their ages, at once again where there is more', async () => {
  const asked: number[][] = [];
  const pauses: number[] = [];
  const ended = Promise.withResolvers<void>();
  let nowMs = 10_000;
  const retention = createRetention({
    store: {
      async forget(...ages) {
        asked.push(ages);
        return asked.length === 1;
      },
    },
    eventsMs: 1_000,
    sumsMs: 5_000,
    now: () => nowMs,
    async pause(ms, signal) {
      pauses.push(ms);
      nowMs += 500;
      if (pauses.length < 2) return;
      ended.resolve();
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
    },
    onFailed: assert.fail,
  });
  retention.start();
  await ended.promise;
  await retention.close();
  assert.deepEqual(asked, [
    [9_000, 5_000, 2_000],
    [9_500, 5_500, 2_000],
  ]);
  assert.ok((pauses[0] ?? 0) < (pauses[1] ?? 0));
});
