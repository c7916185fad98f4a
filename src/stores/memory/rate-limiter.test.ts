import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeLimiter, perMinute } from '../../../test/limits/limiter-contract.ts';
import { createMemoryRateLimiter } from './rate-limiter.ts';

describeLimiter('memory', async (startMs) => {
  let nowMs = startMs;
  const { take } = createMemoryRateLimiter(() => nowMs);
  const pass = (ms: number) => {
    nowMs += ms;
  };
  return { take, pass };
});

test('memory is bounded, however many callers there are', () => {
  const { take } = createMemoryRateLimiter(() => 1_700_000_000_000);
  for (let caller = 0; caller < 250_000; caller++) take([perMinute(1, `caller ${caller}`)], true);
  assert.equal(take([perMinute(1, 'caller 0')], true).passed, true, 'the oldest is forgotten');
  assert.equal(take([perMinute(1, 'caller 249999')], true).passed, false, 'the newest is not');
});
