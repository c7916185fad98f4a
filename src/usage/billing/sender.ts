/**
 * Closes windows and tells the biller, round by round. What is sent is written down before, under a lease that outlives the
 * call; of each customer and meter one event is under way at a time.
 */
import type { BillingEvent, BillingStore, BillingTotals, Conclusion, SenderState } from './billing-store.ts';
import { concludeBy, PROTECTED_FOR_MS, type Rest, restAfter, TAKEN_FOR_MS } from './judge.ts';
import type { BillingSink, SinkAnswer } from './sink.ts';

export type SenderEvents = Readonly<{
  onTotals(totals: BillingTotals): void;
  onDry(event: BillingEvent): void;
  onAnswer(event: BillingEvent, conclusion: Conclusion): void;
  /** Without an answer: too old, or without a certain answer for too long. */
  onSetAside(count: number): void;
  /** After each round in which something was sent. `before`: what was wrong. */
  onRound(rest: Rest, before: SenderState): void;
}>;

export type SenderOptions = Readonly<{
  store: BillingStore;
  /** Nothing is sent without it. */
  sink: BillingSink | undefined;
  /** Names this process in leases. */
  holder: string;
  /** How long one call may take. */
  callMs: number;
  now: () => number;
  random: () => number;
  events: SenderEvents;
}>;

const MOST_CLOSED_AT_ONCE = 200;
const MOST_SENT_AT_ONCE = 16;
/** Time to write down what is sent, and what the calls have brought. */
const LEASE_SLACK_MS = 10_000;

export const createSender = (options: SenderOptions) => {
  const { store, sink, holder, callMs, now, random, events } = options;

  const close = async (): Promise<boolean> => {
    const { dry, more } = await store.close(now(), MOST_CLOSED_AT_ONCE);
    for (const event of dry) events.onDry(event);
    return more;
  };

  type Taken = Readonly<{ due: readonly BillingEvent[]; sender: SenderState; sentAtMs: number; untilMs: number }>;

  const sendAll = async (to: BillingSink, { due, sender, sentAtMs, untilMs }: Taken): Promise<boolean> => {
    // A process that was halted meanwhile sends nothing beside whoever has the lease now.
    const isInTime = now() + callMs < untilMs && now() >= sentAtMs;
    const answers = await Promise.all(
      due.map((event): SinkAnswer | Promise<SinkAnswer> =>
        isInTime ? to.send(event) : { answer: 'not_taken', why: 'busy', detail: 'the lease was over' },
      ),
    );
    const nowMs = now();
    const concluded = due.map((event, index) => {
      const answer = answers[index] ?? { answer: 'unclear', answered: false, detail: 'no answer' };
      return { event, conclusion: concludeBy(event, answer, { sentAtMs, nowMs, random }) };
    });
    const rest = restAfter(answers, sender.failures, random);
    const { problem, error, restMs } = rest;
    const conclusions = concluded.map(({ conclusion }) => conclusion);
    await store.conclude({ holder, nowMs, untilMs, conclusions, restUntilMs: nowMs + restMs, problem, error });
    for (const { event, conclusion } of concluded) events.onAnswer(event, conclusion);
    events.onRound(rest, sender);
    return problem === undefined;
  };

  const send = async (to: BillingSink): Promise<boolean> => {
    const sentAtMs = now();
    const untilMs = sentAtMs + callMs + LEASE_SLACK_MS;
    const lease = await store.lease({
      holder,
      nowMs: sentAtMs,
      untilMs,
      limit: MOST_SENT_AT_ONCE,
      tooOldBeforeMs: sentAtMs - TAKEN_FOR_MS,
      unconfirmedBeforeMs: sentAtMs - PROTECTED_FOR_MS,
    });
    if (lease.lease === 'held') return false;
    if (lease.reconciled > 0) events.onSetAside(lease.reconciled);
    if (lease.events.length === 0) return false;
    return sendAll(to, { due: lease.events, sender: lease.sender, sentAtMs, untilMs });
  };

  /** Gives whether there may be more to do at once. Throws where the store does not answer. */
  return async (): Promise<boolean> => {
    const moreToClose = await close();
    const totals = await store.totals(now());
    events.onTotals(totals);
    const moreToSend = sink && totals.waiting.count > 0 ? await send(sink) : false;
    return moreToClose || moreToSend;
  };
};
