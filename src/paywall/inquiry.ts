/**
 * What can be asked of the mint about one payment, and what is written down beside: the lease is renewed before every call
 * but the first, and a post without an answer is remembered, for the mint may act on it yet.
 */
import type { Curve } from './curve/operations.ts';
import type { Lease, Ledger, PreparedPayment } from './ledger.ts';
import type { BlindSignature, Mint, ProofState, SwapOutcome } from './mint.ts';
import { messagesOf, prepareSwap, proofsOf } from './outputs.ts';
import { worthOf } from './worth.ts';

export type Signed = Readonly<{ swapNumber: number; signatures: readonly BlindSignature[] }>;

export type Inquiry = Readonly<{
  /** Asks for signatures: by the same bytes every time, until `redraw` replaces them. */
  post(): Promise<SwapOutcome>;
  states(): Promise<ReadonlySet<ProofState>>;
  /** The signatures that the mint gave for any of our swaps, whichever came through. */
  restore(): Promise<Signed | undefined>;
  /** Draws another swap where the mint's keysets are not what they were when the last one was drawn. Says whether. */
  redraw(): Promise<boolean>;
  swapNumber(): number;
  /** When the latest post was made whose answer is unknown. */
  unansweredAtMs(): number | undefined;
}>;

export type InquiryOptions = Readonly<{
  ledger: Ledger;
  mint: Mint;
  curve: Curve;
  holder: string;
  /** Longer than one call to the mint can take. */
  leaseMs: number;
  now: () => number;
}>;

/** Another took over. Whatever was found out is for them to find out again. */
export class LeaseLost extends Error {
  override name = 'LeaseLost';
}

/** Keeps a mint that changes its keys all the time from filling the ledger. */
const MOST_SWAPS = 16;

export const createInquiry = (options: InquiryOptions, taken: Extract<Lease, { lease: 'taken' }>): Inquiry => {
  const { ledger, mint, curve, holder, leaseMs, now } = options;
  const { id, unit, amount } = taken.payment;
  /** Mostly, nobody asks for them. */
  const inputs = () => proofsOf(taken.payment.swap);
  let swaps = [...taken.payment.earlier, taken.payment.swap];
  let { swap }: PreparedPayment = taken.payment;
  let { unansweredAtMs } = taken;
  let calls = 0;

  const renew = async (): Promise<void> => {
    calls += 1;
    if (calls === 1) return;
    const { lease } = await ledger.lease(id, holder, now(), now() + leaseMs);
    if (lease !== 'taken') throw new LeaseLost(`the lease of ${id} is ${lease}`);
  };

  const isUpToDate = (fee: number): boolean => {
    const keysetId = messagesOf(swap)[0]?.id;
    return fee === swap.fee && mint.keysets().some((keyset) => keyset.id === keysetId && keyset.active);
  };

  return {
    async post() {
      await renew();
      const postedAtMs = now();
      const outcome = await mint.swap(swap.body, messagesOf(swap));
      if (outcome.outcome === 'unclear') unansweredAtMs = postedAtMs;
      return outcome;
    },

    async states() {
      await renew();
      return new Set(await mint.states(await Promise.all(inputs().map(({ secret }) => curve.hashToCurve(secret)))));
    },

    async restore() {
      for (const { number, body } of swaps.toReversed()) {
        await renew();
        const signatures = await mint.restore(messagesOf({ body }));
        if (signatures) return { swapNumber: number, signatures };
      }
      return undefined;
    },

    async redraw() {
      await renew();
      await mint.refreshKeysets(0);
      const proofs = inputs();
      const worth = worthOf({ amount, proofs }, mint.keysets());
      if (isUpToDate(worth.fee) || worth.net <= 0 || swaps.length >= MOST_SWAPS) return false;
      const drawn = await prepareSwap(curve, proofs, worth, await mint.activeKeys(unit));
      const number = await ledger.replaceSwap(id, holder, drawn);
      if (number === undefined) throw new LeaseLost(`the lease of ${id} has ended`);
      swap = { ...drawn, number };
      swaps = [...swaps, swap];
      return true;
    },

    swapNumber: () => swap.number,
    unansweredAtMs: () => unansweredAtMs,
  };
};
