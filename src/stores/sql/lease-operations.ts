/** Who may act on a prepared payment, one at a time and each only for a while. */
import type { Lease, PreparedPayment, Swap } from '../../paywall/ledger.ts';
import { type LeaseRelease, type LeaseRequest, lockPrepared, releaseLease, takeLease } from './leases.ts';
import { addSwap, swapsOf } from './swaps.ts';
import { integer, type Row, type Transaction, text } from './transaction.ts';

const toPayment = (row: Row, swaps: readonly Swap[]): PreparedPayment => {
  const swap = swaps.at(-1);
  if (!swap) throw new Error(`the payment ${text(row, 'id')} has no swap`);
  return {
    id: text(row, 'id'),
    mint: text(row, 'mint'),
    unit: text(row, 'unit'),
    amount: integer(row, 'amount'),
    rule: text(row, 'rule'),
    createdAtMs: integer(row, 'created_at'),
    swap,
    earlier: swaps.slice(0, -1),
  };
};

export const leaseOperations = {
  async leasePayment(
    transaction: Transaction,
    { paymentId, ...asked }: Omit<LeaseRequest, 'id'> & { paymentId: string },
  ): Promise<Lease> {
    const taken = await takeLease(transaction, 'payments', { id: paymentId, ...asked });
    if (taken.lease !== 'taken') return taken;
    const { before, ...lease } = taken;
    return { ...lease, payment: toPayment(before, await swapsOf(transaction, paymentId)) };
  },

  releasePayment: (
    transaction: Transaction,
    { paymentId, ...release }: Omit<LeaseRelease, 'id'> & { paymentId: string },
  ): Promise<void> => releaseLease(transaction, 'payments', { id: paymentId, ...release }),

  async replaceSwap(
    transaction: Transaction,
    { paymentId, holder, swap }: { paymentId: string; holder: string; swap: Omit<Swap, 'number'> },
  ): Promise<number | undefined> {
    await lockPrepared(transaction, 'payments', paymentId);
    const held = await transaction.first(
      `SELECT 1 AS one FROM payments WHERE id = $1 AND state = 'prepared' AND lease_holder = $2`,
      [paymentId, holder],
    );
    return held ? addSwap(transaction, paymentId, swap) : undefined;
  },
};
