import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type BreakerState, createBreaker } from './breaker.ts';

const setUp = () => {
  let now = 1_000;
  const turns: BreakerState[] = [];
  const breaker = createBreaker(
    { failures: 5, openForMs: 2_000 },
    () => now,
    (state) => turns.push(state),
  );
  const call = (health: 'good' | 'bad' | 'neither'): boolean => {
    const ticket = breaker.enter();
    if (ticket === undefined) return false;
    breaker.settle(ticket, health);
    return true;
  };
  const calls = (count: number, health: 'good' | 'bad' | 'neither') => {
    for (let made = 0; made < count; made += 1) call(health);
  };
  return { breaker, turns, call, calls, pass: (ms: number) => (now += ms) };
};

test('as many failures in a row as configured open it, however far apart', () => {
  const { call, pass, turns } = setUp();
  for (let made = 0; made < 5; made += 1) {
    pass(60_000);
    assert.ok(call('bad'));
  }
  assert.deepEqual(turns, ['open']);
  assert.equal(call('good'), false);
});

test('a good answer in between begins the row anew', () => {
  const { calls, turns } = setUp();
  calls(4, 'bad');
  calls(20, 'good');
  calls(4, 'bad');
  assert.deepEqual(turns, []);
});

test('it opens when half of the calls of ten seconds fail, though never many in a row', () => {
  const { calls, turns } = setUp();
  for (let pair = 0; pair < 4; pair += 1) {
    calls(1, 'good');
    calls(1, 'bad');
  }
  assert.deepEqual(turns, []);
  calls(1, 'good');
  calls(1, 'bad');
  assert.deepEqual(turns, ['open']);
});

test('failures that were more than ten seconds ago are forgotten', () => {
  const { calls, pass, turns } = setUp();
  for (let pair = 0; pair < 12; pair += 1) {
    calls(1, 'good');
    calls(1, 'bad');
    pass(5_000);
  }
  assert.deepEqual(turns, []);
});

test('what tells nothing neither opens nor closes it', () => {
  const { breaker, call, calls, pass } = setUp();
  calls(100, 'neither');
  assert.equal(breaker.state(), 'closed');
  calls(5, 'bad');
  pass(2_000);
  assert.ok(call('neither'));
  assert.equal(breaker.state(), 'half_open');
  assert.ok(call('good'));
  assert.equal(breaker.state(), 'closed');
});

test('open, it says for how long, and then lets one at a time try', () => {
  const { breaker, calls, pass, turns } = setUp();
  calls(5, 'bad');
  pass(500);
  assert.equal(breaker.enter(), undefined);
  assert.equal(breaker.retryAfterMs(), 1_500);
  pass(1_500);
  const trying = breaker.enter();
  assert.ok(trying !== undefined);
  assert.equal(breaker.enter(), undefined);
  assert.equal(breaker.retryAfterMs(), 1_000);
  breaker.settle(trying, 'bad');
  assert.equal(breaker.enter(), undefined);
  assert.equal(breaker.retryAfterMs(), 2_000);
  pass(2_000);
  breaker.settle(breaker.enter() ?? -1, 'good');
  assert.deepEqual(turns, ['open', 'half_open', 'open', 'half_open', 'closed']);
});

test('an attempt that began before it opened does not close it', () => {
  const { breaker, calls, pass } = setUp();
  const early = breaker.enter() ?? -1;
  const late = breaker.enter() ?? -1;
  calls(5, 'bad');
  breaker.settle(early, 'good');
  assert.equal(breaker.state(), 'open');
  pass(2_000);
  const trying = breaker.enter();
  breaker.settle(late, 'good');
  assert.equal(breaker.state(), 'half_open');
  assert.equal(breaker.enter(), undefined);
  breaker.settle(trying ?? -1, 'good');
  assert.equal(breaker.state(), 'closed');
});

test('once closed again it knows nothing of what was', () => {
  const { calls, pass, breaker } = setUp();
  calls(5, 'bad');
  pass(2_000);
  calls(1, 'good');
  calls(4, 'bad');
  assert.equal(breaker.state(), 'closed');
});
