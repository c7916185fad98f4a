/**
 * Steps 2 to 5 of a redemption: from a payment that is written to one that is settled or rejected. Safe to run again after
 * any interruption, for every run asks before it judges.
 */
import type { Curve } from './curve/operations.ts';
import { createInquiry, type Inquiry, LeaseLost } from './inquiry.ts';
import { judge, type Verdict } from './judge.ts';
import type { Lease, Ledger, NoPod, PreparedPayment, Presentation, Standing } from './ledger.ts';
import type { Mint } from './mint.ts';

export type Resolution =
  /** `standing`: of the request that was presented with it. */
  | Readonly<{ resolution: 'settled'; standing?: Standing | undefined }>
  /** `concluded`: it was before. */
  | Readonly<{ resolution: 'rejected' | 'concluded' }>
  /** It was not written down, for there is no place for what it is to buy. */
  | Readonly<{ resolution: 'no_place'; noPod: NoPod }>
  /** Another process acts on it. */
  | Readonly<{ resolution: 'busy' }>
  /** Not to be tried again before then. */
  | Readonly<{ resolution: 'uncertain'; untilMs: number }>;

export type RedeemOptions = Readonly<{
  ledger: Ledger;
  mintOf: (url: string) => Mint | undefined;
  curve: Curve;
  /** Names this process in leases. */
  holder: string;
  /** How long one call to a mint may take. */
  callMs: number;
  now: () => number;
  /** Told once of every redemption that was brought to an end here. */
  onConcluded?: (payment: PreparedPayment, result: 'settled' | 'rejected') => void;
  onUncertain?: (payment: PreparedPayment, reason: string) => void;
}>;

/** Time to write down what a call has brought. */
const LEASE_SLACK_MS = 5_000;

const FIRST_REST_MS = 1_000;
const LONGEST_REST_MS = 30_000;

type Taken = Extract<Lease, { lease: 'taken' }>;

/**
 * Writes the payment down, or throws, and mostly takes the lease with it. Where others were faster with the same proofs,
 * theirs is left as it is. `NoPod`: nothing was written.
 */
export type Write = (wanted: Readonly<{ holder: string; leaseMs: number }>) => Promise<Taken | NoPod | undefined>;

/** The request that pays, for the transaction that settles; undefined where nobody waits for its answer any more. */
export type Present = () => Presentation | undefined;

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

export const createRedeemer = (options: RedeemOptions) => {
  const { ledger, mintOf, curve, holder, callMs, now, onConcluded, onUncertain } = options;
  const leaseMs = callMs + LEASE_SLACK_MS;

  /** A mint that gives no readable answer throws. */
  const ask = async (inquiry: Inquiry): Promise<Verdict> => {
    try {
      return await judge(inquiry, now, callMs);
    } catch (error) {
      if (error instanceof LeaseLost) throw error;
      return { verdict: 'uncertain', reason: reasonOf(error) };
    }
  };

  const rest = async ({ payment, tries }: Taken, unansweredAtMs: number | undefined, reason: string) => {
    const untilMs = now() + Math.min(FIRST_REST_MS * 2 ** tries, LONGEST_REST_MS);
    onUncertain?.(payment, reason);
    await ledger.release(payment.id, holder, untilMs, unansweredAtMs);
    return { resolution: 'uncertain', untilMs } as const;
  };

  const act = async (taken: Taken, present: Present | undefined): Promise<Resolution> => {
    const { payment } = taken;
    const mint = mintOf(payment.mint);
    if (!mint) return rest(taken, taken.unansweredAtMs, `the mint ${payment.mint} is no longer configured`);
    const inquiry = createInquiry({ ledger, mint, curve, holder, leaseMs, now }, taken);
    const verdict = await ask(inquiry);
    switch (verdict.verdict) {
      case 'settled': {
        const { swapNumber, signatures } = verdict.signed;
        const standing = await ledger.settle(payment.id, swapNumber, JSON.stringify(signatures), now(), present?.());
        onConcluded?.(payment, 'settled');
        return { resolution: 'settled', standing };
      }
      case 'rejected': {
        const mayHaveSigned = inquiry.unansweredAtMs() !== undefined;
        const done = await ledger.reject(payment.id, holder, verdict.rejection, mayHaveSigned, now());
        if (!done) return { resolution: 'busy' };
        onConcluded?.(payment, 'rejected');
        return { resolution: 'rejected' };
      }
      case 'uncertain':
        return rest(taken, inquiry.unansweredAtMs(), verdict.reason);
    }
  };

  /**
   * Brings one payment to its end, or as far as the mint lets it. `write` is left out where it was written before, `present`
   * where no request waits for it. Throws where the ledger does not answer.
   */
  return async (paymentId: string, write?: Write, present?: Present): Promise<Resolution> => {
    const written = await write?.({ holder, leaseMs });
    if (written && 'standing' in written) return { resolution: 'no_place', noPod: written };
    const lease = written ?? (await ledger.lease(paymentId, holder, now(), now() + leaseMs));
    switch (lease.lease) {
      case 'held':
        return { resolution: 'busy' };
      case 'concluded':
        return { resolution: 'concluded' };
      case 'resting':
        return { resolution: 'uncertain', untilMs: lease.untilMs };
      case 'taken':
        return act(lease, present).catch((error: unknown) => {
          if (error instanceof LeaseLost) return { resolution: 'busy' };
          throw error;
        });
    }
  };
};

export type Redeem = ReturnType<typeof createRedeemer>;
