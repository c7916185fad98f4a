import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Counter, Full } from '../../checks/rate-limit.ts';
import { createMemoryRateLimiter } from './rate-limiter.ts';

const SECOND = 1_000;
const MINUTE = 60_000;
const DAY = 86_400_000;
const SLICES = 60;

const create = (startMs = 1_700_000_000_000) => {
  let nowMs = startMs;
  const limiter = createMemoryRateLimiter(() => nowMs);
  return {
    take: (counters: readonly Counter[], count = true) => limiter.take(counters, count) as Full | undefined,
    pass: (ms: number) => {
      nowMs += ms;
    },
  };
};

const perMinute = (limit: number, key = 'a'): Counter => ({ key, limit, windowMs: MINUTE });
const perDay = (limit: number, key = 'a/day'): Counter => ({ key, limit, windowMs: DAY });

const windows: readonly Counter[] = [
  { key: 'second', limit: 3, windowMs: SECOND },
  { key: 'minute', limit: 7, windowMs: MINUTE },
  { key: 'other minute', limit: 2, windowMs: MINUTE },
];

/** `ms`: how long it has been; `back`: how far the clock was set back meanwhile. */
const step = fc.record({
  ms: fc.oneof(fc.nat({ max: 50 }), fc.nat({ max: 2_000 }), fc.nat({ max: 90_000 })),
  back: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, fc.nat({ max: 100_000 })),
  counters: fc.subarray([...windows], { minLength: 1 }),
});

test('no stretch of any window ever holds more than its limit, also where the clock is set back', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const { take, pass } = create();
      const allowed = new Map(windows.map(({ key }) => [key, [] as number[]]));
      let realMs = 0;
      for (const { ms, back, counters } of steps) {
        realMs += ms;
        pass(ms - back);
        if (take(counters) === undefined) for (const { key } of counters) allowed.get(key)?.push(realMs);
      }
      return windows.every(({ key, limit, windowMs }) => {
        const times = allowed.get(key) ?? [];
        return times.every((end) => times.filter((time) => time > end - windowMs && time <= end).length <= limit);
      });
    }),
    { numRuns: 100 },
  );
});

test('nobody is refused while every window has room, give or take one slice', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const { take, pass } = create();
      const allowed: { at: number; keys: string[] }[] = [];
      let nowMs = 0;
      for (const { ms, counters } of steps) {
        nowMs += ms;
        pass(ms);
        const refused = take(counters) !== undefined;
        const used = ({ key, windowMs }: Counter) =>
          allowed.filter(({ at, keys }) => keys.includes(key) && at > nowMs - windowMs - windowMs / SLICES).length;
        if (refused && counters.every((counter) => used(counter) < counter.limit)) return false;
        if (!refused) allowed.push({ at: nowMs, keys: counters.map(({ key }) => key) });
      }
      return true;
    }),
    { numRuns: 100 },
  );
});

test('whoever waits as long as he is told gets in, and not a slice too late', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { take, pass } = create();
      for (const { ms, counters } of steps) {
        pass(ms);
        const full = take(counters);
        if (!full) continue;
        const { counter, retryAfterMs } = full;
        if (retryAfterMs <= 0 || retryAfterMs > counter.windowMs + counter.windowMs / SLICES) return false;
        pass(retryAfterMs);
        if (take(counters, false) !== undefined) return false;
      }
      return true;
    }),
    { numRuns: 100 },
  );
});

test('a refused request is counted in none of its windows', () => {
  const { take } = create();
  const counters = [perMinute(10), perDay(1)];
  assert.equal(take(counters), undefined);
  for (let time = 0; time < 20; time++) assert.equal(take(counters)?.counter.windowMs, DAY);
  for (let time = 0; time < 9; time++) assert.equal(take([perMinute(10)]), undefined);
  assert.equal(take([perMinute(10)])?.counter.windowMs, MINUTE);
});

test('where several windows are full, the wait is that of the last to have room', () => {
  const { take } = create();
  const counters = [perMinute(1), perDay(1)];
  take(counters);
  const full = take(counters);
  assert.equal(full?.counter.windowMs, DAY);
  assert.ok((full?.retryAfterMs ?? 0) > DAY - DAY / SLICES);
});

test('a preview counts nothing, and tells what is full', () => {
  const { take } = create();
  for (let time = 0; time < 10; time++) assert.equal(take([perMinute(1)], false), undefined);
  assert.equal(take([perMinute(1)]), undefined);
  assert.equal(take([perMinute(1)], false)?.counter.limit, 1);
});

test('a boundary gives no double burst', () => {
  const { take, pass } = create(1_700_000_000_000 - (1_700_000_000_000 % MINUTE) - 10);
  const burst = () =>
    Array.from({ length: 100 }, () => take([perMinute(100)])).filter((full) => full === undefined).length;
  assert.equal(burst(), 100);
  pass(20);
  assert.equal(burst(), 0);
});

for (const [what, ms] of [
  ['by an hour', 3_600_000],
  ['by a year', 365 * DAY],
] as const) {
  test(`a clock that jumped ahead ${what} and came back locks nobody out for longer than the window`, () => {
    const { take, pass } = create();
    pass(ms);
    take([perMinute(1)]);
    pass(-ms);
    assert.ok(take([perMinute(1)]));
    pass(MINUTE + MINUTE / SLICES);
    assert.equal(take([perMinute(1)]), undefined);
  });
}

test('each counter is its own', () => {
  const { take } = create();
  assert.equal(take([perMinute(1, 'a')]), undefined);
  assert.equal(take([perMinute(1, 'b')]), undefined);
  assert.ok(take([perMinute(1, 'a')]));
});

test('memory is bounded, however many callers there are', () => {
  const { take } = create();
  for (let caller = 0; caller < 250_000; caller++) take([perMinute(1, `caller ${caller}`)]);
  assert.equal(take([perMinute(1, 'caller 0')]), undefined, 'the oldest is forgotten');
  assert.ok(take([perMinute(1, 'caller 249999')]), 'the newest is not');
});
