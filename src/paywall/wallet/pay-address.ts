import type { MeltOrder, MeltResult } from './melt.ts';
import type { PayOut } from './payout.ts';

const LEAST_FEE = 10;

/** Pays a Lightning address, one payment at a time, and leaves 2 % for the way. */
export const createAddressPayer =
  (melt: (order: MeltOrder) => Promise<MeltResult>, to: string): PayOut =>
  async (mint, unit, most, heldAtLeast) => {
    const maxFee = Math.max(LEAST_FEE, Math.ceil(most / 50));
    const amount = most - maxFee;
    if (amount <= 0) return undefined;
    const result = await melt({ mint, unit, amount, to, maxFee, heldAtLeast });
    return { amount, result: result.melted, ...('reason' in result && { reason: result.reason }) };
  };
