/** What an answer makes of an event, and of the events after it. */
import type { BillingEvent, Conclusion, SenderProblem } from './billing-store.ts';
import type { SinkAnswer } from './sink.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** Stripe takes times of the last 35 days; the rest is for clocks that differ and for the way. */
export const TAKEN_FOR_MS = 35 * DAY_MS - 5 * MINUTE_MS;
/** Stripe counts one identifier once for 24 hours; the rest is for the same. */
export const PROTECTED_FOR_MS = DAY_MS - 10 * MINUTE_MS;

const FIRST_REST_MS = 2_000;
const LONGEST_REST_MS = 5 * MINUTE_MS;
/** A key that is refused is not made right by asking. */
const KEY_REST_MS = MINUTE_MS;
/** More than anybody who means it asks for. */
const LONGEST_WISH_MS = 60 * MINUTE_MS;

const backoffMs = (tries: number, wishedMs: number | undefined, random: () => number): number => {
  const ownMs = Math.min(FIRST_REST_MS * 2 ** Math.min(tries, 20), LONGEST_REST_MS) * (0.5 + random() / 2);
  return Math.ceil(Math.max(ownMs, Math.min(wishedMs ?? 0, LONGEST_WISH_MS)));
};

/** `event`: as it was before this try, which began at `sentAtMs`. */
export const concludeBy = (
  event: BillingEvent,
  answer: SinkAnswer,
  { sentAtMs, nowMs, random }: Readonly<{ sentAtMs: number; nowMs: number; random: () => number }>,
): Conclusion => {
  const { id, firstSentAtMs, tries } = event;
  switch (answer.answer) {
    case 'accepted':
      return { id, became: 'sent' };
    case 'refused': {
      const before = firstSentAtMs === undefined ? '' : '; an earlier try had no certain answer';
      return { id, became: 'reconcile', reason: answer.reason, detail: `${answer.detail}${before}` };
    }
    case 'not_taken':
    case 'unclear': {
      const nextAtMs = nowMs + backoffMs(tries, answer.retryAfterMs, random);
      const isUnclear = answer.answer === 'unclear';
      const answered = isUnclear ? answer.answered : answer.why !== 'unreachable';
      return {
        id,
        became: 'waiting',
        nextAtMs,
        answered,
        firstSentAtMs: isUnclear ? (firstSentAtMs ?? sentAtMs) : firstSentAtMs,
      };
    }
  }
};

export type Rest = Readonly<{ problem: SenderProblem | undefined; error: string | undefined; restMs: number }>;

const detailOf = (answer: SinkAnswer): string | undefined => ('detail' in answer ? answer.detail : undefined);

/** `failures`: rounds before this one that brought nothing. */
export const restAfter = (answers: readonly SinkAnswer[], failures: number, random: () => number): Rest => {
  const notTaken = (why: string) => answers.find((one) => one.answer === 'not_taken' && one.why === why);
  const wishMs = Math.max(0, ...answers.map((one) => ('retryAfterMs' in one ? (one.retryAfterMs ?? 0) : 0)));
  const restMs = backoffMs(failures, wishMs, random);
  const unauthorized = notTaken('unauthorized');
  if (unauthorized) return { problem: 'unauthorized', error: detailOf(unauthorized), restMs: KEY_REST_MS };
  const limited = notTaken('rate_limited');
  if (limited) return { problem: 'rate_limited', error: detailOf(limited), restMs };
  const error = answers.map(detailOf).find((detail) => detail !== undefined);
  const isHeard = answers.some(
    (one) =>
      one.answer === 'accepted' || one.answer === 'refused' || (one.answer === 'not_taken' && one.why === 'busy'),
  );
  return isHeard || answers.length === 0
    ? { problem: undefined, error, restMs: 0 }
    : { problem: 'unreachable', error, restMs };
};
