/** What a token is worth to its payer. */
import type { CashuToken } from '../core/payment.ts';
import { inputFee, type Keyset } from './mint.ts';

export type Worth = Readonly<{
  /** What the mint keeps. */
  fee: number;
  /** What the mint signs for us: `amount - fee`. */
  net: number;
  /** What the payer may have for it. */
  credit: number;
}>;

/** Proofs come in powers of two, so that an amount needs one for each of its binary ones. */
const fewestProofs = (amount: number): number => amount.toString(2).replaceAll('0', '').length;

/**
 * The mint's fee grows with the number of proofs, and the payer chooses that number. The fee on the fewest proofs that make
 * the amount is ours to bear, so that whoever pays exactly what was asked gets in; what needless fragments add is not
 * (docs/decisions/0003).
 */
export const worthOf = (
  { amount, proofs }: Pick<CashuToken, 'amount' | 'proofs'>,
  keysets: readonly Keyset[],
): Worth => {
  const ids = proofs.map(({ id }) => id);
  const fee = inputFee(keysets, ids);
  const borne = inputFee(keysets, ids.slice(0, fewestProofs(amount)));
  return { fee, net: amount - fee, credit: amount - fee + Math.min(fee, borne) };
};
