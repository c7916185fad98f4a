/**
 * What the mint's answers to a melt mean. The quote's state counts; "no" needs besides that the proofs are unspent and that no
 * post of ours can still be under way. Everything else is asked again, with the same quote: no mint pays one twice.
 */
import type { BlindSignature, ProofState } from '../mint.ts';
import { mayBeUnderWay } from '../under-way.ts';
import type { MeltOutcome, MeltStatus } from './lightning.ts';

export type MeltInquiry = Readonly<{
  post(): Promise<MeltOutcome>;
  status(): Promise<MeltStatus>;
  states(): Promise<ReadonlySet<ProofState>>;
  /** When the latest post was made whose answer is unknown. */
  unansweredAtMs(): number | undefined;
}>;

export type MeltVerdict =
  /** `change`: left out where the mint did not tell it. */
  | Readonly<{ verdict: 'paid'; change: readonly BlindSignature[] | undefined }>
  | Readonly<{ verdict: 'failed'; reason: string; areSpent: boolean }>
  | Readonly<{ verdict: 'uncertain'; reason: string }>;

const uncertain = (reason: string): MeltVerdict => ({ verdict: 'uncertain', reason });

const pending = uncertain('the payment is under way');

const reasonOf = (answer: MeltOutcome | undefined): string => {
  switch (answer?.outcome) {
    case undefined:
      return 'the mint does not know the quote any more';
    case 'answered':
      return 'the mint could not pay the invoice';
    case 'refused':
      return `the mint refuses the payment (code ${answer.code ?? 'none'})`;
    case 'unclear':
      return answer.reason;
  }
};

/** `callMs`: how long a post waits for its answer before its client goes. */
export const judgeMelt = async (inquiry: MeltInquiry, now: () => number, callMs: number): Promise<MeltVerdict> => {
  const isUnderWay = (): boolean => mayBeUnderWay(inquiry, now(), callMs);

  const judgeUnpaid = async (answer: MeltOutcome | undefined): Promise<MeltVerdict> => {
    const states = await inquiry.states();
    const reason = reasonOf(answer);
    if (states.has('PENDING') || answer?.outcome === 'unclear' || isUnderWay()) return uncertain(reason);
    if (states.has('SPENT')) return { verdict: 'failed', reason: 'proofs of it were spent elsewhere', areSpent: true };
    return { verdict: 'failed', reason, areSpent: false };
  };

  const before = await inquiry.status();
  if (before.state === 'PAID') return { verdict: 'paid', change: before.change };
  if (before.state === 'PENDING') return pending;
  if (before.state === 'UNKNOWN') return judgeUnpaid(undefined);
  const answer = await inquiry.post();
  const isPaid = answer.outcome === 'answered' && answer.status.state === 'PAID';
  const after = isPaid ? answer.status : await inquiry.status();
  if (after.state === 'PAID') return { verdict: 'paid', change: after.change };
  return after.state === 'PENDING' ? pending : judgeUnpaid(answer);
};
