import assert from 'node:assert/strict';
import { test } from 'node:test';
import { billingEvent } from '../../../test/billing/billing-event.ts';
import { concludeBy, restAfter } from './judge.ts';
import type { SinkAnswer } from './sink.ts';

const event = billingEvent();

const sent = { sentAtMs: 1_000, nowMs: 2_000, random: () => 1 };

const unclear: SinkAnswer = { answer: 'unclear', answered: false, detail: 'no answer in time' };
const busy: SinkAnswer = { answer: 'not_taken', why: 'busy', detail: 'm' };
const limited: SinkAnswer = { answer: 'not_taken', why: 'rate_limited', detail: 'm', retryAfterMs: 90_000 };
const refused: SinkAnswer = { answer: 'refused', reason: 'unknown_customer', detail: 'm' };
const unreachable: SinkAnswer = { answer: 'not_taken', why: 'unreachable', detail: 'm' };
const unauthorized: SinkAnswer = { answer: 'not_taken', why: 'unauthorized', detail: 'm' };
const accepted: SinkAnswer = { answer: 'accepted' };

test('the first try without a certain answer is remembered until there is one', () => {
  const first = (before: number | undefined, answer: SinkAnswer) => {
    const conclusion = concludeBy({ ...event, firstSentAtMs: before }, answer, sent);
    return conclusion.became === 'waiting' ? conclusion.firstSentAtMs : conclusion.became;
  };
  assert.deepEqual([first(undefined, unclear), first(500, unclear)], [1_000, 500]);
  assert.deepEqual([first(undefined, busy), first(500, busy)], [undefined, 500]);
  assert.deepEqual([first(500, accepted), first(500, refused)], ['sent', 'reconcile']);
});

test('a refusal after a try without an answer says so', () => {
  const conclusion = concludeBy({ ...event, firstSentAtMs: 5 }, refused, sent);
  assert.match(conclusion.became === 'reconcile' ? conclusion.detail : '', /an earlier try had no certain answer/);
});

test('tries are further and further apart, and as far as the biller wishes', () => {
  const restOf = (tries: number, answer: SinkAnswer) => {
    const conclusion = concludeBy({ ...event, tries }, answer, sent);
    return conclusion.became === 'waiting' ? conclusion.nextAtMs - sent.nowMs : 0;
  };
  assert.deepEqual(
    [0, 1, 5, 50].map((tries) => restOf(tries, unclear)),
    [2_000, 4_000, 64_000, 300_000],
  );
  assert.equal(restOf(0, limited), 90_000);
  assert.equal(restOf(0, { ...limited, retryAfterMs: Number.MAX_SAFE_INTEGER }), 3_600_000);
});

for (const [what, answers, problem, restMs] of [
  ['all are taken', [accepted, accepted], undefined, 0],
  ['one is refused', [refused], undefined, 0],
  ['one has no answer and another is taken', [unclear, accepted], undefined, 0],
  ['none has an answer', [unclear, unclear], 'unreachable', 4_000],
  ['nobody is there', [unreachable], 'unreachable', 4_000],
  ['too many were sent', [accepted, limited], 'rate_limited', 90_000],
  ['the key is refused', [accepted, unauthorized, limited], 'unauthorized', 60_000],
  ['one is locked', [busy], undefined, 0],
] as const) {
  test(`where ${what}, ${problem ? `all rest: ${problem}` : 'the others go on'}`, () => {
    const rest = restAfter(answers, 1, () => 1);
    assert.deepEqual([rest.problem, rest.restMs], [problem, restMs]);
  });
}
