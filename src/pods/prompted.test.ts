import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createManualTime } from './harness.test.ts';
import { createPrompted } from './prompted.ts';

const setUp = (run: () => Promise<number | undefined>) => {
  const time = createManualTime();
  const ranAtMs: number[] = [];
  const failures: unknown[] = [];
  const prompted = createPrompted({
    run() {
      ranAtMs.push(time.monotonicNow());
      return run();
    },
    leastMs: 100,
    retryMs: 1_000,
    pause: time.pause,
    onFailed: (error) => failures.push(error),
  });
  prompted.start();
  return { time, ranAtMs, failures, prompted };
};

test('it runs at the start, again after the time that it says, and at once when it is prompted', async () => {
  const { time, ranAtMs, prompted } = setUp(async () => 5_000);
  await time.pass(6_000);
  prompted.prompt();
  await time.pass(0);
  assert.deepEqual(ranAtMs, [0, 5_000, 6_000]);
});

test('without a time it waits for a prompt', async () => {
  const { time, ranAtMs, prompted } = setUp(async () => undefined);
  await time.pass(1_000_000);
  prompted.prompt();
  await time.pass(1_000_000);
  assert.deepEqual(ranAtMs, [0, 1_000_000]);
});

test('prompted many times while it runs or rests: once more, no sooner than it may', async () => {
  const { time, ranAtMs, prompted } = setUp(async () => undefined);
  await time.pass(50);
  for (let times = 0; times < 10; times += 1) prompted.prompt();
  await time.pass(10_000);
  assert.deepEqual(ranAtMs, [0, 100]);
});

test('a run that fails is told of once, and made again', async () => {
  let isBroken = true;
  const { time, ranAtMs, failures } = setUp(async () => {
    if (isBroken) throw new Error('away');
    return undefined;
  });
  await time.pass(3_500);
  assert.deepEqual(ranAtMs, [0, 1_000, 2_000, 3_000]);
  assert.equal(failures.length, 1);
  isBroken = false;
  await time.pass(10_000);
  assert.equal(ranAtMs.length, 5);
});

test('closed, it ends after what is under way and never runs again', async () => {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const { time, ranAtMs, prompted } = setUp(() => promise);
  await time.pass(0);
  let isClosed = false;
  const closing = prompted.close().then(() => {
    isClosed = true;
  });
  await time.pass(1_000);
  assert.equal(isClosed, false);
  resolve(undefined);
  await closing;
  prompted.prompt();
  await time.pass(10_000);
  assert.deepEqual(ranAtMs, [0]);
});
