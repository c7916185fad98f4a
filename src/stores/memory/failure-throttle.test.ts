import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFailureThrottle } from './failure-throttle.ts';

const MINUTE = 60_000;

const create = (limit = 3) => {
  let nowMs = 1_000_000;
  const throttle = createFailureThrottle(limit, () => nowMs);
  return {
    ...throttle,
    pass: (ms: number) => {
      nowMs += ms;
    },
    fail: (times: number, source = 'a') => {
      for (let time = 0; time < times; time++) throttle.recordFailure(source);
    },
  };
};

test('it closes at the limit, for that source alone, and opens again a minute after the first failure', () => {
  const throttle = create();
  throttle.fail(2);
  assert.equal(throttle.isOpen('a'), true);
  throttle.pass(MINUTE / 2);
  throttle.fail(1);
  assert.equal(throttle.isOpen('a'), false);
  assert.equal(throttle.isOpen('b'), true);
  throttle.pass(MINUTE / 2 - 1);
  assert.equal(throttle.isOpen('a'), false);
  throttle.pass(1);
  assert.equal(throttle.isOpen('a'), true);
});

test('failures while it is closed do not keep it closed for longer', () => {
  const throttle = create();
  throttle.fail(3);
  throttle.pass(MINUTE - 1);
  throttle.fail(50);
  throttle.pass(1);
  assert.equal(throttle.isOpen('a'), true);
});

test('a source that is not known stands for everybody behind one proxy: it closes at a hundred times the limit, as a flood', () => {
  const throttle = create();
  throttle.fail(299, '');
  assert.deepEqual([throttle.isOpen(''), throttle.isFlood('')], [true, false]);
  throttle.fail(1, '');
  assert.deepEqual([throttle.isOpen(''), throttle.isFlood('')], [false, true]);
  throttle.pass(MINUTE);
  assert.equal(throttle.isFlood(''), false);
});

test('ten times the limit is a flood, until the minute is over', () => {
  const throttle = create();
  throttle.fail(29);
  assert.equal(throttle.isFlood('a'), false);
  throttle.fail(1);
  assert.equal(throttle.isFlood('a'), true);
  assert.equal(throttle.isFlood('b'), false);
  throttle.pass(MINUTE);
  assert.equal(throttle.isFlood('a'), false);
});

for (const [what, ms] of [
  ['back by a day', -86_400_000],
  ['forward by a day', 86_400_000],
] as const) {
  test(`a clock that jumps ${what} locks nobody out for longer than a minute`, () => {
    const throttle = create();
    throttle.fail(3);
    throttle.pass(ms);
    throttle.pass(MINUTE);
    assert.equal(throttle.isOpen('a'), true);
    throttle.fail(3);
    assert.equal(throttle.isOpen('a'), false);
  });
}

test('a flood of sources forgets the oldest, and remembers the newest', () => {
  const throttle = create(1);
  for (let source = 0; source < 100_000; source++) throttle.fail(1, `source ${source}`);
  assert.equal(throttle.isOpen('source 0'), true);
  assert.equal(throttle.isOpen('source 99999'), false);
});
