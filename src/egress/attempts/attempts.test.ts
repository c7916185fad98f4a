import assert from 'node:assert/strict';
import { once } from 'node:events';
import { PassThrough, Readable } from 'node:stream';
import { test } from 'node:test';
import type { CallReceiver, OutgoingCall } from '../target.ts';
import type { UpstreamFailure, UpstreamFault } from '../upstream.ts';
import { type AttemptsParts, createAttempts } from './attempts.ts';
import { createBreaker } from './breaker.ts';
import { createRetryBudget } from './budget.ts';
import { createRepeatRule } from './repeatable.ts';
import { createSlots } from './slots.ts';

const everyMethod = ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'POST', 'PATCH'];

const fault = (failure: UpstreamFailure, sent = true): UpstreamFault => ({ failure, sent, message: failure });

/** A target whose every attempt the test ends by hand, and a clock that stands still until it is told. */
const setUp = (
  options: { dressesLater?: boolean; failures?: number; most?: number; longestLine?: number; retryCount?: number } = {},
) => {
  let now = 0;
  let timers: { at: number; then: () => void }[] = [];
  const attempts: { call: OutgoingCall; receiver: CallReceiver; isAborted: boolean }[] = [];
  const renewals = { left: 0 };
  const dressings: (() => void)[] = [];
  const nowMs = () => now;
  const parts: AttemptsParts = {
    send(call, receiver) {
      const made = { call, receiver, isAborted: false };
      attempts.push(made);
      const dressed = () =>
        receiver.attempt(`v${attempts.length}`, () => {
          renewals.left -= 1;
          return renewals.left >= 0;
        });
      if (options.dressesLater) dressings.push(dressed);
      else dressed();
      const abort = () => {
        if (made.isAborted) return;
        made.isAborted = true;
        queueMicrotask(() => receiver.fail(fault('aborted')));
      };
      return { pause: () => undefined, resume: () => undefined, abort };
    },
    rules: {
      mayRepeat: createRepeatRule(everyMethod),
      retryCount: options.retryCount ?? 3,
      retryDelayMs: 100,
      budget: createRetryBudget(0.2, nowMs),
      wallMs: () => Date.UTC(2026, 0, 1) + now,
      random: () => 0.5,
    },
    breaker: createBreaker({ failures: options.failures ?? 10, openForMs: 5_000 }, nowMs),
    slots: createSlots(options.most ?? 10, options.longestLine ?? 10),
    nowMs,
    after(ms, then) {
      const timer = { at: now + ms, then };
      timers.push(timer);
      return () => {
        timers = timers.filter((other) => other !== timer);
      };
    },
  };
  const send = createAttempts(parts);

  const pass = async (ms: number) => {
    now += ms;
    for (const timer of timers.filter(({ at }) => at <= now)) {
      timers = timers.filter((other) => other !== timer);
      timer.then();
    }
    await Promise.resolve();
  };

  const ask = (call: Partial<OutgoingCall> = {}) => {
    const told: string[] = [];
    const receiver: CallReceiver = {
      head: (status) => told.push(`head ${status}`),
      data: (chunk) => told.push(`data ${chunk.length}`),
      end: () => told.push('end'),
      fail: ({ failure, sent }) => told.push(`fail ${failure}${sent ? '' : ' unsent'}`),
      switched: () => told.push('switched'),
      attempt: (version) => told.push(version),
      refuse: ({ why, retryAfterMs }) => told.push(`refuse ${why} ${retryAfterMs}`),
    };
    const whole = { method: 'GET', path: '/', headers: [], body: undefined, bodyLength: undefined, timeoutMs: 10_000 };
    const sending = send({ ...whole, ...call }, receiver);
    return { told, sending };
  };

  const latest = () => {
    const made = attempts.at(-1);
    if (!made) throw new Error('no attempt was made');
    return made;
  };
  /** The latest attempt is answered, whole. */
  const answer = (status: number, headers: readonly string[] = []) => {
    const { receiver } = latest();
    receiver.head(status, headers);
    receiver.data(Buffer.from('body'));
    receiver.end();
  };
  return {
    ask,
    answer,
    latest,
    attempts,
    pass,
    renewals,
    dressings,
    timers: () => timers.length,
    breaker: parts.breaker,
  };
};

const good = ['head 200', 'data 4', 'end'];

test('an answer goes straight to the caller, and no timer is left', () => {
  const { ask, answer, timers } = setUp();
  const { told } = ask();
  answer(200);
  assert.deepEqual(told, ['v1', ...good]);
  assert.equal(timers(), 0);
});

test('an outage is waited out, with full jitter on a delay that doubles', async () => {
  const { ask, answer, attempts, pass, timers } = setUp();
  const { told } = ask();
  for (const wait of [50, 100, 200]) {
    answer(503);
    const made = attempts.length;
    await pass(wait - 1);
    assert.equal(attempts.length, made);
    await pass(1);
    assert.equal(attempts.length, made + 1);
  }
  answer(503);
  assert.deepEqual(told, ['v1', 'v2', 'v3', 'v4', 'head 503', 'data 4', 'end'], 'the last answer is the caller’s');
  assert.equal(timers(), 0);
});

test('Retry-After is honoured, and a target that wants longer than the deadline gives its answer to the caller', async () => {
  const { ask, answer, attempts, pass } = setUp();
  const { told } = ask();
  answer(429, ['Retry-After', '3']);
  await pass(2_999);
  assert.equal(attempts.length, 1);
  await pass(1);
  answer(429, ['Retry-After', '7']);
  assert.deepEqual(told, ['v1', 'v2', 'head 429', 'data 4', 'end']);
});

const charges: readonly (readonly [what: string, call: Partial<OutgoingCall>])[] = [
  ['a charge', { method: 'POST', body: Buffer.from('amount=1000') }],
  ['a charge without a body', { method: 'POST' }],
  ['a streamed body, even of a method that repeats', { method: 'PUT', body: Readable.from(['x']) }],
  [
    'a streamed body with a key',
    { method: 'POST', body: Readable.from(['x']), headers: ['Idempotency-Key', 'order-1'] },
  ],
];

for (const [what, call] of charges)
  test(`${what} is sent once, whatever becomes of it`, async () => {
    const endings: readonly ((receiver: CallReceiver) => void)[] = [
      (receiver) => receiver.head(503, ['Retry-After', '0']),
      (receiver) => receiver.head(429, ['Retry-After', '0']),
      (receiver) => receiver.head(401, []),
      (receiver) => receiver.head(500, []),
      ...(['unreachable', 'reset', 'timeout', 'malformed', 'aborted', 'body'] as const).map(
        (failure) => (receiver: CallReceiver) => receiver.fail(fault(failure)),
      ),
    ];
    for (const end of endings) {
      const { ask, attempts, latest, pass, renewals } = setUp();
      renewals.left = 5;
      ask(call);
      end(latest().receiver);
      await pass(60_000);
      assert.equal(attempts.length, 1);
    }
  });

test('a charge with an Idempotency-Key whose body is held is sent again', async () => {
  const { ask, answer, latest, pass } = setUp();
  const { told } = ask({ method: 'POST', body: Buffer.from('x'), headers: ['Idempotency-Key', 'order-1'] });
  latest().receiver.fail(fault('reset'));
  await pass(50);
  answer(200);
  assert.deepEqual(told, ['v1', 'v2', ...good]);
});

test('a call of which no byte left is made again, whatever it does', async () => {
  for (const body of [undefined, Buffer.from('x'), Readable.from(['x'])]) {
    const { ask, answer, latest, pass } = setUp();
    const { told } = ask({ method: 'POST', body });
    latest().receiver.fail(fault('unreachable', false));
    await pass(50);
    answer(200);
    assert.deepEqual(told, ['v1', 'v2', ...good]);
  }
});

test('a streamed body of which a part was read is not sent again, though none of it left', async () => {
  const body = Readable.from(['x', 'y']);
  for await (const _ of body) break;
  const { ask, latest, pass, attempts } = setUp();
  ask({ method: 'PUT', body });
  latest().receiver.fail(fault('unreachable', false));
  await pass(60_000);
  assert.equal(attempts.length, 1);
});

test('once the answer has begun nothing is repeated', async () => {
  const { ask, latest, pass, attempts } = setUp();
  const { told } = ask();
  latest().receiver.head(200, []);
  latest().receiver.data(Buffer.from('half'));
  latest().receiver.fail(fault('reset'));
  await pass(60_000);
  assert.deepEqual(told, ['v1', 'head 200', 'data 4', 'fail reset']);
  assert.equal(attempts.length, 1);
});

test('a 401 is answered by one more attempt with what the credential gives now, and no more than one', async () => {
  const { ask, answer, pass, renewals } = setUp({ retryCount: 0 });
  renewals.left = 5;
  const first = ask();
  answer(401);
  await pass(0);
  answer(200);
  assert.deepEqual(first.told, ['v1', 'v2', ...good]);
  const second = ask();
  answer(401);
  await pass(0);
  answer(401);
  assert.deepEqual(second.told, ['v3', 'v4', 'head 401', 'data 4', 'end']);
  assert.equal(renewals.left, 2, 'each 401 is told to the credential');
});

test('a credential that has nothing else to give is not asked twice', () => {
  const { ask, answer } = setUp();
  const { told } = ask();
  answer(401);
  assert.deepEqual(told, ['v1', 'head 401', 'data 4', 'end']);
});

test('all tries together have one deadline', async () => {
  const { ask, answer, latest, pass, timers } = setUp();
  const { told } = ask({ timeoutMs: 1_000 });
  answer(503);
  await pass(50);
  await pass(950);
  assert.ok(latest().isAborted);
  await pass(0);
  assert.deepEqual(told, ['v1', 'v2', 'fail timeout']);
  assert.equal(timers(), 0);
});

test('a credential that does not come in time is not the target’s fault', async () => {
  const { ask, latest, pass, timers, breaker } = setUp({ dressesLater: true, failures: 1 });
  for (const body of [undefined, Readable.from(['x'])]) {
    const { told } = ask({ timeoutMs: 1_000, body });
    await pass(1_000);
    assert.ok(latest().isAborted);
    await pass(0);
    assert.deepEqual(told, ['refuse credential undefined']);
  }
  assert.deepEqual([timers(), breaker.state()], [0, 'closed']);
});

test('the time that a credential takes is of the deadline, but a body that streams has its own', async () => {
  const { ask, latest, pass, dressings, answer, timers } = setUp({ dressesLater: true });
  const held = ask({ timeoutMs: 1_000 });
  await pass(900);
  dressings.shift()?.();
  await pass(100);
  assert.ok(latest().isAborted);
  await pass(0);
  assert.deepEqual(held.told, ['v1', 'fail timeout']);
  const streamed = ask({ timeoutMs: 1_000, body: Readable.from(['x']) });
  await pass(900);
  dressings.shift()?.();
  await pass(5_000);
  assert.equal(latest().isAborted, false);
  answer(200);
  assert.deepEqual(streamed.told, ['v2', ...good]);
  assert.equal(timers(), 0);
});

test('a call that has become a socket keeps its slot until that ends, and is not asked for twice', async () => {
  const { ask, latest, attempts, pass, answer } = setUp({ most: 1 });
  const { told } = ask({ upgrade: 'websocket' });
  const socket = new PassThrough();
  latest().receiver.switched?.([], socket);
  const next = ask();
  await pass(5_000);
  assert.equal(attempts.length, 1);
  socket.destroy();
  await once(socket, 'close');
  answer(200);
  assert.deepEqual(
    [told, next.told],
    [
      ['v1', 'switched'],
      ['v2', ...good],
    ],
  );
  const refused = ask({ upgrade: 'websocket' });
  answer(503);
  assert.deepEqual(refused.told, ['v3', 'head 503', 'data 4', 'end']);
});

test('an answer that nobody wants does not hold up the next attempt', async () => {
  const { ask, answer, attempts, latest, pass } = setUp();
  const { told } = ask();
  latest().receiver.head(503, []);
  await pass(50);
  assert.ok(attempts[0]?.isAborted);
  await pass(0);
  assert.equal(attempts.length, 2);
  answer(200);
  assert.deepEqual(told, ['v1', 'v2', ...good]);
});

test('an endless answer that nobody wants is given up', () => {
  const { ask, latest } = setUp();
  ask();
  latest().receiver.head(503, []);
  latest().receiver.data(Buffer.alloc(64 * 1024));
  assert.equal(latest().isAborted, false);
  latest().receiver.data(Buffer.alloc(1));
  assert.equal(latest().isAborted, true);
});

test('whoever leaves is not asked for any more, at whatever stage', async () => {
  const stages: Readonly<Record<string, (at: ReturnType<typeof setUp>) => void>> = {
    trying: () => undefined,
    discarding: ({ latest }) => latest().receiver.head(503, []),
    pausing: ({ answer }) => answer(503),
    answering: ({ latest }) => latest().receiver.head(200, []),
  };
  for (const [stage, reach] of Object.entries(stages)) {
    const at = setUp({ most: 1 });
    const { told, sending } = at.ask();
    reach(at);
    sending.abort();
    sending.abort();
    await at.pass(0);
    await at.pass(60_000);
    assert.equal(told.at(-1), 'fail aborted', stage);
    assert.equal(told.filter((line) => line.startsWith('fail')).length, 1, stage);
    assert.equal(at.attempts.length, 1, stage);
    assert.equal(at.timers(), 0, stage);
    at.ask();
    assert.equal(at.attempts.length, 2, `${stage}: the slot is free again`);
  }
});

test('a target that is down is not asked: by nobody, and not by those who wait to try again', async () => {
  const { ask, answer, attempts, pass, breaker } = setUp({ failures: 2 });
  const first = ask();
  answer(503);
  await pass(50);
  answer(503);
  assert.equal(breaker.state(), 'open');
  await pass(100);
  await pass(0);
  assert.deepEqual(first.told, ['v1', 'v2', 'refuse breaker 4900']);
  const second = ask();
  await pass(0);
  assert.deepEqual(second.told, ['refuse breaker 4900']);
  await pass(4_900);
  const third = ask();
  const fourth = ask();
  await pass(0);
  assert.deepEqual(fourth.told, ['refuse breaker 1000'], 'one at a time tries');
  answer(200);
  assert.deepEqual(third.told, ['v3', ...good]);
  assert.equal(breaker.state(), 'closed');
  assert.equal(attempts.length, 3);
});

test('what the target has no part in does not open the breaker', async () => {
  const { ask, latest, breaker, pass } = setUp({ failures: 1 });
  for (const failure of ['aborted', 'body', 'forbidden_address'] as const) {
    ask();
    latest().receiver.fail(fault(failure));
  }
  ask();
  latest().receiver.refuse({ why: 'credential', retryAfterMs: undefined, cause: undefined });
  await pass(0);
  assert.equal(breaker.state(), 'closed');
});

test('more calls than fit wait in line, and are refused where the line is full or their deadline comes', async () => {
  const { ask, answer, pass, attempts, timers } = setUp({ most: 1, longestLine: 2 });
  const first = ask();
  const second = ask();
  const third = ask({ timeoutMs: 500 });
  const fourth = ask();
  await pass(0);
  assert.deepEqual(fourth.told, ['refuse busy 1000']);
  await pass(500);
  assert.deepEqual(third.told, ['refuse busy 1000']);
  answer(200);
  assert.deepEqual(first.told, ['v1', ...good]);
  assert.equal(attempts.length, 2);
  answer(200);
  assert.deepEqual(second.told, ['v2', ...good]);
  assert.equal(timers(), 0);
});

test('whoever leaves the line is not asked for, and lets the next one come', async () => {
  const { ask, answer, pass, attempts } = setUp({ most: 1 });
  ask();
  const second = ask();
  const third = ask();
  second.sending.abort();
  await pass(0);
  answer(200);
  assert.deepEqual(second.told, ['fail aborted unsent']);
  assert.deepEqual(third.told, ['v2']);
  assert.equal(attempts.length, 2);
});

test('of a hundred calls that fail at once, thirty are tried again: the reserve and a fifth', async () => {
  const { ask, attempts, pass } = setUp({ failures: 100_000, most: 100 });
  const asked = Array.from({ length: 100 }, () => ask());
  for (const { receiver } of [...attempts]) {
    receiver.head(503, []);
    receiver.end();
  }
  assert.equal(asked.filter(({ told }) => told.at(-1) === 'end').length, 70);
  await pass(50);
  assert.equal(attempts.length, 130);
});
