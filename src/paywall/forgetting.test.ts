import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createForgetting, KEPT_FOR_MS } from './forgetting.ts';

type Answer = boolean | Error;

/** Gives the answers in turn, and closes after the last. */
const run = async (answers: readonly Answer[]) => {
  const asked: (readonly [beforeMs: number, limit: number])[] = [];
  const pauses: number[] = [];
  const failures: unknown[] = [];
  let nowMs = KEPT_FOR_MS;
  const done = Promise.withResolvers<void>();
  const forgetting = createForgetting({
    ledger: {
      async forget(beforeMs, limit) {
        const answer = answers[asked.push([beforeMs, limit]) - 1];
        if (answer instanceof Error) throw answer;
        return answer ?? false;
      },
    },
    now: () => nowMs,
    async pause(ms) {
      nowMs += ms;
      pauses.push(ms);
      if (pauses.length < answers.length) return;
      done.resolve();
      await forgettingClosed;
    },
    onFailed: (error) => failures.push(error),
  });
  let close: () => void = () => undefined;
  const forgettingClosed = new Promise<void>((resolve) => {
    close = resolve;
  });
  forgetting.start();
  forgetting.start();
  await done.promise;
  const closed = forgetting.close();
  close();
  await closed;
  return { asked, pauses, failures };
};

test('what ended a day ago is forgotten, once a minute, and a few at a time while there are more', async () => {
  const { asked, pauses, failures } = await run([false, true, true, false]);
  assert.deepEqual(pauses, [60_000, 200, 200, 60_000]);
  assert.deepEqual(
    asked.map(([beforeMs]) => beforeMs),
    [0, 60_000, 60_200, 60_400],
  );
  assert.deepEqual(new Set(asked.map(([, limit]) => limit)), new Set([500]));
  assert.deepEqual(failures, []);
});

test('a store that does not answer is asked again a minute later, and reported once', async () => {
  const [first, second, third] = [new Error('first'), new Error('second'), new Error('third')];
  const { pauses, failures } = await run([first, second, false, third]);
  assert.deepEqual(failures, [first, third]);
  assert.deepEqual(pauses, [60_000, 60_000, 60_000, 60_000]);
});
