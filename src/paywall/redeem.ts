/**
 * Steps 2 to 5 of a redemption: from a payment that is written to one that is settled or rejected. Safe to run again after
 * any interruption, for every run posts the same bytes and asks before it judges.
 */
import { hashToCurve } from '@cashu/cashu-ts';
import type { Ledger, PreparedPayment, Rejection } from './ledger.ts';
import type { BlindSignature, Mint, ProofState, SwapOutcome } from './mint.ts';
import { messagesOf, secretsOf } from './outputs.ts';

/** `busy`: another process holds the lease. */
export type Resolution = 'settled' | 'rejected' | 'uncertain' | 'concluded' | 'busy';

export type RedeemOptions = Readonly<{
  ledger: Ledger;
  mintOf: (url: string) => Mint | undefined;
  /** Names this process in leases. */
  holder: string;
  now: () => number;
  onUncertain?: (payment: PreparedPayment, reason: string) => void;
}>;

/** Longer than a run can take: three calls to the mint, each with its deadline. */
const LEASE_MS = 45_000;

/** The token itself is bad: no later try can succeed (NUTs, error codes). */
const BAD_PROOF = 10_001;
const ALREADY_SPENT = 11_001;

type Verdict =
  | Readonly<{ verdict: 'settled'; signatures: readonly BlindSignature[] }>
  | Readonly<{ verdict: 'rejected'; rejection: Rejection }>
  | Readonly<{ verdict: 'uncertain'; reason: string }>;

const settled = (signatures: readonly BlindSignature[]): Verdict => ({ verdict: 'settled', signatures });
const uncertain = (reason: string): Verdict => ({ verdict: 'uncertain', reason });
const spent = (detail: string): Verdict => ({ verdict: 'rejected', rejection: { code: 'payment_spent', detail } });

const refusedForGood = ({ code, detail }: { code: number | undefined; detail: string }): Verdict => ({
  verdict: 'rejected',
  rejection: { code: 'payment_rejected', detail: `The mint refuses the token: ${detail} (code ${code ?? 'none'}).` },
});

const yOf = (secret: string): string => hashToCurve(new TextEncoder().encode(secret)).toHex(true);

export const createRedeemer = ({ ledger, mintOf, holder, now, onUncertain }: RedeemOptions) => {
  /** What an answer that is not a signature means is for the proofs' states to say. */
  const judge = async (mint: Mint, payment: PreparedPayment, answer: SwapOutcome): Promise<Verdict> => {
    if (answer.outcome === 'signed') return settled(answer.signatures);
    if (answer.outcome === 'refused' && answer.code === BAD_PROOF) return refusedForGood(answer);
    const states = await mint.states(secretsOf(payment.swapBody).map(yOf));
    return judgeStates(mint, payment, answer, new Set(states));
  };

  const judgeStates = async (
    mint: Mint,
    payment: PreparedPayment,
    answer: Exclude<SwapOutcome, { outcome: 'signed' }>,
    states: ReadonlySet<ProofState>,
  ): Promise<Verdict> => {
    if (states.has('PENDING')) return uncertain('the mint says that the proofs are pending');
    if (states.has('SPENT') && states.has('UNSPENT')) return spent('A part of the token was spent elsewhere.');
    if (states.has('SPENT')) {
      const signatures = await mint.restore(messagesOf(payment.swapBody));
      return signatures ? settled(signatures) : spent('The token was spent elsewhere.');
    }
    return postAgain(mint, payment, answer);
  };

  /** Nothing was taken. Whatever the mint says a second time about the same bytes is its answer. */
  const postAgain = async (
    mint: Mint,
    payment: PreparedPayment,
    before: Exclude<SwapOutcome, { outcome: 'signed' }>,
  ): Promise<Verdict> => {
    const again = await mint.swap(payment.swapBody, messagesOf(payment.swapBody));
    if (again.outcome === 'signed') return settled(again.signatures);
    if (again.outcome === 'unclear') return uncertain(again.reason);
    if (before.outcome === 'refused' && again.code !== ALREADY_SPENT) return refusedForGood(again);
    return uncertain(`the mint refused: ${again.detail}`);
  };

  const askMint = async (payment: PreparedPayment): Promise<Verdict> => {
    const mint = mintOf(payment.mint);
    if (!mint) return uncertain(`the mint ${payment.mint} is no longer configured`);
    try {
      return await judge(mint, payment, await mint.swap(payment.swapBody, messagesOf(payment.swapBody)));
    } catch (error) {
      return uncertain(error instanceof Error ? error.message : String(error));
    }
  };

  const conclude = async (payment: PreparedPayment, verdict: Verdict): Promise<Resolution> => {
    switch (verdict.verdict) {
      case 'settled':
        await ledger.settle(payment.id, verdict.signatures, now());
        return 'settled';
      case 'rejected':
        await ledger.reject(payment.id, verdict.rejection, now());
        return 'rejected';
      case 'uncertain':
        onUncertain?.(payment, verdict.reason);
        await ledger.lease(payment.id, holder, now(), now());
        return 'uncertain';
    }
  };

  /** Brings one prepared payment to its end, or as far as the mint lets it. Throws where the ledger does not answer. */
  return async (payment: PreparedPayment): Promise<Resolution> => {
    const lease = await ledger.lease(payment.id, holder, now(), now() + LEASE_MS);
    if (lease === 'taken') return conclude(payment, await askMint(payment));
    return lease === 'held' ? 'busy' : 'concluded';
  };
};

export type Redeem = ReturnType<typeof createRedeemer>;
