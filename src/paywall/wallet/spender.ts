/**
 * Brings a spend of our own to its end, by the steps of a payment's redemption: the same bytes again, the proofs' state, our
 * outputs restored; of a melt the quote's state before all. Safe to run again after any interruption.
 */
import type { Curve } from '../curve/operations.ts';
import { type Inquiry, LeaseLost } from '../inquiry.ts';
import { judge } from '../judge.ts';
import type { BlindSignature, Mint } from '../mint.ts';
import { fillBlanks, messagesOf, proofsOf } from '../outputs.ts';
import type { LightningMint } from './lightning.ts';
import { makeProofs } from './make-proofs.ts';
import { judgeMelt, type MeltInquiry } from './melt-judge.ts';
import { encodeOwn, ownProofId } from './own-token.ts';
import type { NewProof } from './proof-store.ts';
import type { Melt, Proceeds, Spend, SpendLease, SpendStore } from './spend-store.ts';

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
  lightningOf: (url: string) => LightningMint;
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
  const { spends, mintOf, lightningOf, curve, holder, callMs, now, onConcluded, onUncertain } = options;
  const leaseMs = callMs + LEASE_SLACK_MS;

  const statesOf = async ({ body }: Spend, mint: Mint) =>
    mint.states(await Promise.all(proofsOf({ body }).map(({ secret }) => curve.hashToCurve(secret))));

  /** The lease is renewed before every call but the first, and a post without an answer is remembered. */
  const callsOf = ({ spend, unansweredAtMs: before }: Taken) => {
    let unansweredAtMs = before;
    let calls = 0;
    const ask = async <T>(call: () => Promise<T>): Promise<T> => {
      calls += 1;
      if (calls > 1) {
        const { lease } = await spends.lease(spend.id, holder, now(), now() + leaseMs);
        if (lease !== 'taken') throw new LeaseLost(`the lease of ${spend.id} is ${lease}`);
      }
      return call();
    };
    const post = async <T extends Readonly<{ outcome: string }>>(call: () => Promise<T>): Promise<T> => {
      const postedAtMs = now();
      const outcome = await ask(call);
      if (outcome.outcome === 'unclear') unansweredAtMs = postedAtMs;
      return outcome;
    };
    return { ask, post, unansweredAtMs: () => unansweredAtMs };
  };

  type Calls = ReturnType<typeof callsOf>;

  const inquireSwap = (spend: Spend, mint: Mint, { ask, post, unansweredAtMs }: Calls): Inquiry => ({
    post: () => post(() => mint.swap(spend.body, messagesOf(spend))),
    states: async () => new Set(await ask(() => statesOf(spend, mint))),
    async restore() {
      const signatures = await ask(() => mint.restore(messagesOf(spend)));
      return signatures && { swapNumber: 1, signatures };
    },
    // Another one is drawn by whoever wanted this.
    redraw: async () => false,
    swapNumber: () => 1,
    unansweredAtMs,
  });

  const inquireMelt = (
    spend: Spend,
    { quoteId }: Melt,
    mint: Mint,
    lightning: LightningMint,
    { ask, post, unansweredAtMs }: Calls,
  ): MeltInquiry => ({
    post: () => post(() => lightning.melt(spend.body)),
    status: () => ask(() => lightning.status(quoteId)),
    states: async () => new Set(await ask(() => statesOf(spend, mint))),
    unansweredAtMs,
  });

  const proceedsOf = async (
    spend: Spend,
    mint: Mint,
    outputs: string,
    signatures: readonly BlindSignature[],
  ): Promise<Proceeds> => {
    const signed = { outputs, signatures: JSON.stringify(signatures) };
    const made = await makeProofs({ mint: mint.url }, signed, curve, async (id) => (await mint.keys(id)).keys);
    const sent = made.slice(0, spend.sent);
    const isToken = spend.kind === 'swap' && sent.every(({ state }) => state === 'unspent');
    const token = isToken ? encodeOwn(mint.url, spend.unit, sent) : undefined;
    const paid = spend.kind === 'melt' ? spend.amount : 0;
    const fee = sum(proofsOf(spend)) - sum(made) - paid;
    if (fee < 0) throw new Error('the mint gives back more than was due');
    return { made, token, fee };
  };

  const settle = async (
    spend: Spend,
    mint: Mint,
    outputs: string,
    signatures: readonly BlindSignature[],
  ): Promise<Spent> => {
    const proceeds = await proceedsOf(spend, mint, outputs, signatures);
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

  const concludeSwap = async (taken: Taken, mint: Mint, calls: Calls): Promise<Spent> => {
    const { spend } = taken;
    const verdict = await judge(inquireSwap(spend, mint, calls), now, callMs);
    switch (verdict.verdict) {
      case 'settled':
        return settle(spend, mint, spend.outputs, verdict.signed.signatures);
      case 'rejected':
        return fail(spend, mint, verdict.rejection.detail, verdict.rejection.code === 'payment_spent');
      case 'uncertain':
        return rest(taken, calls.unansweredAtMs(), verdict.reason);
    }
  };

  const concludeMelt = async (taken: Taken, melt: Melt, mint: Mint, calls: Calls): Promise<Spent> => {
    const { spend } = taken;
    const lightning = lightningOf(mint.url);
    const verdict = await judgeMelt(inquireMelt(spend, melt, mint, lightning, calls), now, callMs);
    switch (verdict.verdict) {
      case 'paid': {
        const blanks = messagesOf(spend);
        const change =
          verdict.change ?? (blanks.length > 0 ? await calls.ask(() => lightning.restoreSome(blanks)) : []);
        const { outputs, signatures } = fillBlanks(spend.outputs, change);
        return settle(spend, mint, outputs, signatures);
      }
      case 'failed':
        return fail(spend, mint, verdict.reason, verdict.areSpent);
      case 'uncertain':
        return rest(taken, calls.unansweredAtMs(), verdict.reason);
    }
  };

  const act = async (taken: Taken): Promise<Spent> => {
    const { mint: url, melt } = taken.spend;
    const mint = mintOf(url);
    if (!mint) return rest(taken, taken.unansweredAtMs, `the mint ${url} is no longer configured`);
    const calls = callsOf(taken);
    try {
      return await (melt ? concludeMelt(taken, melt, mint, calls) : concludeSwap(taken, mint, calls));
    } catch (error) {
      if (error instanceof LeaseLost) return { spent: 'busy' };
      return rest(taken, calls.unansweredAtMs(), reasonOf(error));
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
