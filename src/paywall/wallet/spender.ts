/**
 * Brings a spend of our own to its end, by the steps of a payment's redemption: the same bytes again, the proofs' state, our
 * outputs restored. Safe to run again after any interruption.
 */
import type { Curve } from '../curve/operations.ts';
import { type Inquiry, LeaseLost } from '../inquiry.ts';
import { judge } from '../judge.ts';
import type { BlindSignature, Mint } from '../mint.ts';
import { messagesOf, proofsOf } from '../outputs.ts';
import { makeProofs } from './make-proofs.ts';
import { encodeOwn, ownProofId } from './own-token.ts';
import type { NewProof } from './proof-store.ts';
import type { Proceeds, Spend, SpendLease, SpendStore } from './spend-store.ts';

export type Spent =
  /** `concluded`: it was before. */
  | Readonly<{ spent: 'settled' | 'concluded' | 'busy' }>
  /** The mint did not act, and the proofs are held again. */
  | Readonly<{ spent: 'failed'; reason: string }>
  /** Not to be tried again before then. */
  | Readonly<{ spent: 'uncertain'; untilMs: number; reason: string }>;

export type SpenderOptions = Readonly<{
  spends: SpendStore;
  mintOf: (url: string) => Mint | undefined;
  curve: Curve;
  /** Names this process in leases. */
  holder: string;
  /** How long one call to a mint may take. */
  callMs: number;
  now: () => number;
  /** Told once of every spend that came to its end here. */
  onConcluded?: (spend: Spend, result: 'settled' | 'failed', made: readonly NewProof[]) => void;
  onUncertain?: (spend: Spend, reason: string) => void;
}>;

type Taken = Extract<SpendLease, { lease: 'taken' }>;

/** Time to write down what a call has brought. */
const LEASE_SLACK_MS = 5_000;
const FIRST_REST_MS = 1_000;
const LONGEST_REST_MS = 30_000;

const sum = (coins: readonly Readonly<{ amount: number }>[]): number =>
  coins.reduce((total, { amount }) => total + amount, 0);

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

export const createSpender = (options: SpenderOptions) => {
  const { spends, mintOf, curve, holder, callMs, now, onConcluded, onUncertain } = options;
  const leaseMs = callMs + LEASE_SLACK_MS;

  const statesOf = async ({ body }: Spend, mint: Mint) =>
    mint.states(await Promise.all(proofsOf({ body }).map(({ secret }) => curve.hashToCurve(secret))));

  /** The lease is renewed before every call but the first. */
  const inquire = ({ spend, unansweredAtMs: before }: Taken, mint: Mint): Inquiry => {
    let unansweredAtMs = before;
    let calls = 0;
    const renew = async (): Promise<void> => {
      calls += 1;
      if (calls === 1) return;
      const { lease } = await spends.lease(spend.id, holder, now(), now() + leaseMs);
      if (lease !== 'taken') throw new LeaseLost(`the lease of ${spend.id} is ${lease}`);
    };
    return {
      async post() {
        await renew();
        const postedAtMs = now();
        const outcome = await mint.swap(spend.body, messagesOf(spend));
        if (outcome.outcome === 'unclear') unansweredAtMs = postedAtMs;
        return outcome;
      },
      async states() {
        await renew();
        return new Set(await statesOf(spend, mint));
      },
      async restore() {
        await renew();
        const signatures = await mint.restore(messagesOf(spend));
        return signatures && { swapNumber: 1, signatures };
      },
      // Another one is drawn by whoever wanted this.
      redraw: async () => false,
      swapNumber: () => 1,
      unansweredAtMs: () => unansweredAtMs,
    };
  };

  const proceedsOf = async (spend: Spend, mint: Mint, signatures: readonly BlindSignature[]): Promise<Proceeds> => {
    const signed = { outputs: spend.outputs, signatures: JSON.stringify(signatures) };
    const made = await makeProofs({ mint: mint.url }, signed, curve, async (id) => (await mint.keys(id)).keys);
    const sent = made.slice(0, spend.sent);
    const isGood = sent.every(({ state }) => state === 'unspent');
    const token = isGood ? encodeOwn(mint.url, spend.unit, sent) : undefined;
    return { made, token, fee: sum(proofsOf(spend)) - sum(made) };
  };

  const settle = async (spend: Spend, mint: Mint, signatures: readonly BlindSignature[]): Promise<Spent> => {
    const proceeds = await proceedsOf(spend, mint, signatures);
    if (await spends.settle(spend.id, proceeds, now())) onConcluded?.(spend, 'settled', proceeds.made);
    return { spent: 'settled' };
  };

  /** Of those that somebody else has spent, the mint says so. */
  const fail = async (spend: Spend, mint: Mint, reason: string, areSpent: boolean): Promise<Spent> => {
    const states = areSpent ? await statesOf(spend, mint) : [];
    const lost = proofsOf(spend).filter((_, index) => states[index] === 'SPENT');
    const ids = lost.map(({ secret }) => ownProofId(spend.mint, secret));
    if (!(await spends.fail(spend.id, holder, reason, ids, now()))) return { spent: 'busy' };
    onConcluded?.(spend, 'failed', []);
    return { spent: 'failed', reason };
  };

  const rest = async ({ spend, tries }: Taken, unansweredAtMs: number | undefined, reason: string): Promise<Spent> => {
    const untilMs = now() + Math.min(FIRST_REST_MS * 2 ** tries, LONGEST_REST_MS);
    onUncertain?.(spend, reason);
    await spends.release(spend.id, holder, untilMs, unansweredAtMs);
    return { spent: 'uncertain', untilMs, reason };
  };

  const conclude = async (taken: Taken, mint: Mint, inquiry: Inquiry): Promise<Spent> => {
    const { spend } = taken;
    const verdict = await judge(inquiry, now);
    switch (verdict.verdict) {
      case 'settled':
        return settle(spend, mint, verdict.signed.signatures);
      case 'rejected':
        return fail(spend, mint, verdict.rejection.detail, verdict.rejection.code === 'payment_spent');
      case 'uncertain':
        return rest(taken, inquiry.unansweredAtMs(), verdict.reason);
    }
  };

  const act = async (taken: Taken): Promise<Spent> => {
    const mint = mintOf(taken.spend.mint);
    if (!mint) return rest(taken, taken.unansweredAtMs, `the mint ${taken.spend.mint} is no longer configured`);
    const inquiry = inquire(taken, mint);
    try {
      return await conclude(taken, mint, inquiry);
    } catch (error) {
      if (error instanceof LeaseLost) return { spent: 'busy' };
      return rest(taken, inquiry.unansweredAtMs(), reasonOf(error));
    }
  };

  /** As far as the mint lets it. Throws where the store does not answer. */
  return async (id: string): Promise<Spent> => {
    const lease = await spends.lease(id, holder, now(), now() + leaseMs);
    switch (lease.lease) {
      case 'held':
        return { spent: 'busy' };
      case 'concluded':
        return { spent: 'concluded' };
      case 'resting':
        return { spent: 'uncertain', untilMs: lease.untilMs, reason: 'it was asked a moment ago' };
      case 'taken':
        return act(lease);
    }
  };
};

export type Spender = ReturnType<typeof createSpender>;
