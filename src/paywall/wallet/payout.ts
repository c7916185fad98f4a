/**
 * Pays out what is held above a threshold. Any number of replicas may do so: one payment at a time is under way for the payee, and
 * each is made of proofs that no other has.
 */
import type { MeltOrder, MeltResult } from './melt.ts';
import type { ProofStore } from './proof-store.ts';

export type PayoutOptions = Readonly<{
  proofs: Pick<ProofStore, 'balances'>;
  melt: (order: MeltOrder) => Promise<MeltResult>;
  isAccepted: (mint: string) => boolean;
  unit: string;
  /** Nothing is paid out up to it. */
  above: number;
  keep: number;
  /** A Lightning address. */
  to: string;
  /** Whether what payers have left stays as well. */
  keepOwed: boolean;
  onPayout(order: MeltOrder, result: MeltResult): void;
}>;

const LEAST_FEE = 10;

/** One look at every mint. */
export const createPayout = (options: PayoutOptions) => {
  const { proofs, melt, isAccepted, unit, above, keep, to, keepOwed, onPayout } = options;

  return async (signal: AbortSignal): Promise<void> => {
    for (const balance of await proofs.balances()) {
      if (signal.aborted || balance.unit !== unit || !isAccepted(balance.mint)) continue;
      const spare = balance.proofs.unspent.amount - (keepOwed ? balance.owed : 0);
      const maxFee = Math.max(LEAST_FEE, Math.ceil((spare - keep) / 50));
      const amount = spare - keep - maxFee;
      if (spare <= above || amount <= 0) continue;
      const order = { mint: balance.mint, unit, amount, to, maxFee };
      onPayout(order, await melt(order));
    }
  };
};
