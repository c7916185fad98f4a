/** What every limiter owes, in memory and in Redis. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Counter, Taken } from '../../src/checks/rate-limit.ts';

export type LimiterUnderTest = Readonly<{
  take(counters: readonly Counter[], count: boolean): Taken | Promise<Taken>;
  /** Moves its clock, which stands still otherwise. */
  pass(ms: number): void | Promise<void>;
}>;

/** A limiter with nothing counted yet, whose clock stands at `startMs`. */
export type CreateLimiter = (startMs: number) => Promise<LimiterUnderTest>;

const SECOND = 1_000;
const MINUTE = 60_000;
const DAY = 86_400_000;
const SLICES = 60;
const START = 1_700_000_000_000;

export const perMinute = (limit: number, key = 'a'): Counter => ({ key, limit, windowMs: MINUTE });
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

const steps = (maxLength: number) => fc.array(step, { maxLength });

export const describeLimiter = (name: string, create: CreateLimiter, numRuns = 100): void => {
  const holds = (what: string, maxLength: number, check: (taken: readonly Step[]) => Promise<boolean>) =>
    test(`${name}: ${what}`, () => fc.assert(fc.asyncProperty(steps(maxLength), check), { numRuns }));
  type Step = Readonly<{ ms: number; back: number; counters: readonly Counter[] }>;

  void holds(
    'no stretch of any window ever holds more than its limit, also where the clock is set back',
    80,
    async (taken) => {
      const limiter = await create(START);
      const allowed = new Map(windows.map(({ key }) => [key, [] as number[]]));
      let realMs = 0;
      for (const { ms, back, counters } of taken) {
        realMs += ms;
        await limiter.pass(ms - back);
        if (!(await limiter.take(counters, true)).passed) continue;
        for (const { key } of counters) allowed.get(key)?.push(realMs);
      }
      return windows.every(({ key, limit, windowMs }) => {
        const times = allowed.get(key) ?? [];
        return times.every((end) => times.filter((time) => time > end - windowMs && time <= end).length <= limit);
      });
    },
  );

  void holds('nobody is refused while every window has room, give or take one slice', 80, async (taken) => {
    const limiter = await create(START);
    const allowed: { at: number; keys: string[] }[] = [];
    let nowMs = 0;
    for (const { ms, counters } of taken) {
      nowMs += ms;
      await limiter.pass(ms);
      const { passed } = await limiter.take(counters, true);
      const used = ({ key, windowMs }: Counter) =>
        allowed.filter(({ at, keys }) => keys.includes(key) && at > nowMs - windowMs - windowMs / SLICES).length;
      if (!passed && counters.every((counter) => used(counter) < counter.limit)) return false;
      if (passed) allowed.push({ at: nowMs, keys: counters.map(({ key }) => key) });
    }
    return true;
  });

  void holds('whoever waits as long as he is told gets in, and not a slice too late', 60, async (taken) => {
    const limiter = await create(START);
    for (const { ms, counters } of taken) {
      await limiter.pass(ms);
      const { passed, at, moreAfterMs } = await limiter.take(counters, true);
      if (passed) continue;
      const { windowMs } = counters[at] ?? { windowMs: 0 };
      if (moreAfterMs <= 0 || moreAfterMs > windowMs + windowMs / SLICES) return false;
      await limiter.pass(moreAfterMs);
      if (!(await limiter.take(counters, false)).passed) return false;
    }
    return true;
  });

  void holds('who passes is told the least that is left of any window, and when it is more', 40, async (taken) => {
    const { take, pass } = await create(START);
    for (const { ms, counters } of taken) {
      await pass(ms);
      const told = await take(counters, true);
      const counter = counters[told.at];
      if (!told.passed || !counter) continue;
      const looks = await Promise.all(counters.map((one) => take([one], false)));
      assert.equal(Math.min(...looks.map(({ remaining }) => remaining)), told.remaining);
      assert.equal(looks[told.at]?.moreAfterMs, told.moreAfterMs);
      await pass(told.moreAfterMs);
      assert.ok((await take([counter], false)).remaining > told.remaining);
    }
    return true;
  });

  test(`${name}: a refused request is counted in none of its windows`, async () => {
    const { take } = await create(START);
    const counters = [perMinute(10), perDay(1)];
    assert.equal((await take(counters, true)).passed, true);
    for (let time = 0; time < 20; time++)
      assert.deepEqual(
        { ...(await take(counters, true)), moreAfterMs: 0 },
        { passed: false, at: 1, remaining: 0, moreAfterMs: 0 },
      );
    for (let time = 0; time < 9; time++) assert.equal((await take([perMinute(10)], true)).remaining, 8 - time);
    assert.equal((await take([perMinute(10)], true)).passed, false);
  });

  test(`${name}: where several windows are full, the wait is that of the last to have room`, async () => {
    const { take } = await create(START);
    const counters = [perDay(1), perMinute(1)];
    await take(counters, true);
    const { passed, at, moreAfterMs } = await take(counters, true);
    assert.deepEqual([passed, at], [false, 0]);
    assert.ok(moreAfterMs > DAY - DAY / SLICES, `${moreAfterMs}`);
  });

  test(`${name}: a preview counts nothing, and tells what is full`, async () => {
    const { take } = await create(START);
    for (let time = 0; time < 10; time++) assert.equal((await take([perMinute(1)], false)).remaining, 1);
    assert.equal((await take([perMinute(1)], true)).passed, true);
    assert.equal((await take([perMinute(1)], false)).passed, false);
  });

  test(`${name}: a boundary gives no double burst`, async () => {
    const { take, pass } = await create(START - (START % MINUTE) - 10);
    const burst = async () => {
      const answers = await Promise.all(Array.from({ length: 100 }, () => take([perMinute(100)], true)));
      return answers.filter(({ passed }) => passed).length;
    };
    assert.equal(await burst(), 100);
    await pass(20);
    assert.equal(await burst(), 0);
  });

  test(`${name}: a limit that was lowered holds at once, one that was raised has room at once`, async () => {
    const { take } = await create(START);
    for (let time = 0; time < 5; time++) await take([perMinute(5)], true);
    assert.equal((await take([perMinute(3)], true)).passed, false);
    assert.equal((await take([perMinute(7)], true)).remaining, 1);
  });

  for (const [what, ms] of [
    ['by an hour', 3_600_000],
    ['by a year', 365 * DAY],
  ] as const) {
    test(`${name}: a clock that jumped ahead ${what} and came back locks nobody out for longer than the window`, async () => {
      const { take, pass } = await create(START);
      await pass(ms);
      await take([perMinute(1)], true);
      await pass(-ms);
      assert.equal((await take([perMinute(1)], true)).passed, false);
      await pass(MINUTE + MINUTE / SLICES);
      assert.equal((await take([perMinute(1)], true)).passed, true);
    });
  }

  test(`${name}: each counter is its own`, async () => {
    const { take } = await create(START);
    assert.equal((await take([perMinute(1, 'a')], true)).passed, true);
    assert.equal((await take([perMinute(1, 'b')], true)).passed, true);
    assert.equal((await take([perMinute(1, 'a')], true)).passed, false);
  });
};
