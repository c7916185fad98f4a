/**
 * Takes out what is held above a threshold. Any number of replicas may do so: no proof is taken by two, and none takes what
 * another, that looked at the same moment, has left to be kept.
 */
import type { ProofStore } from './proof-store.ts';

export type Payout = Readonly<{ mint: string; unit: string; amount: number; result: string; reason?: string }>;

/** Takes out what can be had of so much, its cost included, while `heldAtLeast` is held; undefined where that is nothing. */
export type PayOut = (
  mint: string,
  unit: string,
  most: number,
  heldAtLeast: number,
) => Promise<Omit<Payout, 'mint' | 'unit'> | undefined>;

export type PayoutOptions = Readonly<{
  proofs: Pick<ProofStore, 'balances'>;
  payOut: PayOut;
  isAccepted: (mint: string) => boolean;
  unit: string;
  /** Nothing is taken out up to it. */
  above: number;
  keep: number;
  /** Whether what payers have left stays as well. */
  keepOwed: boolean;
  onPayout(payout: Payout): void;
}>;

/** One look at every mint. */
export const createPayout = (options: PayoutOptions) => {
  const { proofs, payOut, isAccepted, unit, above, keep, keepOwed, onPayout } = options;

  return async (signal: AbortSignal): Promise<void> => {
    for (const balance of await proofs.balances()) {
      if (signal.aborted || balance.unit !== unit || !isAccepted(balance.mint)) continue;
      const held = balance.proofs.unspent.amount;
      const spare = held - (keepOwed ? balance.owed : 0);
      if (spare <= above) continue;
      const paid = await payOut(balance.mint, unit, spare - keep, held);
      if (paid) onPayout({ mint: balance.mint, unit, ...paid });
    }
  };
};
