/**
 * What the mint's answers mean. A definite "no" needs two things: the mint's own word, and that no post of ours can still be
 * under way. Everything else is uncertain, and is asked again.
 */
import type { Inquiry, Signed } from './inquiry.ts';
import type { Rejection } from './ledger.ts';
import type { ProofState, SwapOutcome } from './mint.ts';
import { mayBeUnderWay } from './under-way.ts';

export type Verdict =
  | Readonly<{ verdict: 'settled'; signed: Signed }>
  | Readonly<{ verdict: 'rejected'; rejection: Rejection }>
  | Readonly<{ verdict: 'uncertain'; reason: string }>;

type Unsigned = Exclude<SwapOutcome, { outcome: 'signed' }>;

/** The mint did not sign these proofs, and no later try can change that (NUTs, error codes). */
const BAD_PROOF = 10_001;

/**
 * Spent, pending, outputs signed or pending, outputs already signed (as cdk has it): said of proofs that the same mint calls
 * unspent, each means that something is under way.
 */
const CONFLICTS: ReadonlySet<number | undefined> = new Set([11_001, 11_002, 11_003, 11_004, 11_008]);

/** A refusal without a reason of its own may be an accident at the mint: it does not hold for ever. */
const REFUSED_FOR_MS = 60_000;

const settled = (signed: Signed): Verdict => ({ verdict: 'settled', signed });
const uncertain = (reason: string): Verdict => ({ verdict: 'uncertain', reason });
const rejected = (rejection: Rejection): Verdict => ({ verdict: 'rejected', rejection });

const codeOf = (answer: Unsigned): string =>
  answer.outcome === 'refused' ? `the mint refused (code ${answer.code ?? 'none'})` : answer.reason;

/** `callMs`: how long a post waits for its answer before its client goes. */
export const judge = async (inquiry: Inquiry, now: () => number, callMs: number): Promise<Verdict> => {
  const isUnderWay = (): boolean => mayBeUnderWay(inquiry, now(), callMs);

  const judgeSpent = async (states: ReadonlySet<ProofState>): Promise<Verdict> => {
    const signed = await inquiry.restore();
    if (signed) return settled(signed);
    if (isUnderWay()) return uncertain('the proofs are spent, and the mint has not shown yet whether by us');
    return states.has('UNSPENT')
      ? rejected({ code: 'payment_spent', detail: 'A part of the token was spent elsewhere.', isPart: true })
      : rejected({ code: 'payment_spent', detail: 'The token was spent elsewhere.' });
  };

  const judgeUnspent = async (answer: Unsigned): Promise<Verdict> => {
    if (answer.outcome === 'refused' && answer.code === BAD_PROOF) {
      return rejected({ code: 'payment_rejected', detail: 'The mint did not sign this token.' });
    }
    const redrawn = answer.outcome === 'refused' && (await inquiry.redraw());
    const again = await inquiry.post();
    if (again.outcome === 'signed') return settled({ swapNumber: inquiry.swapNumber(), signatures: again.signatures });
    if (redrawn || isUnderWay()) return uncertain(codeOf(again));
    if (again.outcome !== 'refused' || CONFLICTS.has(again.code)) return uncertain(codeOf(again));
    const detail = `The mint refuses the token (code ${again.code ?? 'none'}). Nothing was taken.`;
    return rejected({ code: 'payment_rejected', detail, untilMs: now() + REFUSED_FOR_MS });
  };

  const answer = await inquiry.post();
  if (answer.outcome === 'signed') return settled({ swapNumber: inquiry.swapNumber(), signatures: answer.signatures });
  const states = await inquiry.states();
  if (states.has('PENDING')) return uncertain('the mint says that the proofs are pending');
  return states.has('SPENT') ? judgeSpent(states) : judgeUnspent(answer);
};
