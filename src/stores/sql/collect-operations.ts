/** From the signatures of settled payments to proofs of our own. */
import type { Made, Signed, Uncollected } from '../../paywall/wallet/proof-store.ts';
import { insertProofs, rowOfProof } from './own-proofs.ts';
import { padded } from './padded.ts';
import { type Row, type SqlValue, type Transaction, text } from './transaction.ts';

const toUncollected = (row: Row): Uncollected => ({
  paymentId: text(row, 'id'),
  mint: text(row, 'mint'),
  unit: text(row, 'unit'),
});

export const findSigned = `SELECT outputs, signatures FROM payments
  JOIN swaps ON swaps.payment_id = payments.id AND swaps.number = payments.swap_number
  WHERE payments.id = $1 AND state = 'settled'`;

export const toSigned = (row: Row): Signed => ({ outputs: text(row, 'outputs'), signatures: text(row, 'signatures') });

/** Whether there is anything to collect: mostly there is not. */
export const findAnyUncollected = `SELECT 1 AS one FROM payments WHERE state = 'settled' AND collected_at IS NULL LIMIT 1`;

export const collectOperations = {
  async findUncollected(
    transaction: Transaction,
    { after, exceptMints, limit }: { after: string; exceptMints: readonly string[]; limit: number },
  ): Promise<readonly Uncollected[]> {
    const except = padded(exceptMints);
    const rows = await transaction.all(
      `SELECT id, mint, unit FROM payments WHERE state = 'settled' AND collected_at IS NULL AND id > $1
        AND mint NOT IN (${except.map((_, index) => `$${index + 3}`).join(', ')}) ORDER BY id LIMIT $2`,
      [after, limit, ...except],
    );
    return rows.map(toUncollected);
  },

  async collectProofs(
    transaction: Transaction,
    { made, nowMs }: { made: readonly Made[]; nowMs: number },
  ): Promise<readonly string[]> {
    const collected: string[] = [];
    const rows: (readonly SqlValue[])[] = [];
    // In the order of their ids, as everybody does: nobody waits for one who waits for them.
    for (const { payment, proofs } of made.toSorted((a, b) => (a.payment.paymentId < b.payment.paymentId ? -1 : 1))) {
      const { paymentId } = payment;
      const first = await transaction.run(
        `UPDATE payments SET collected_at = $2 WHERE id = $1 AND state = 'settled' AND collected_at IS NULL`,
        [paymentId, nowMs],
      );
      if (first === 0) continue;
      for (const proof of proofs) rows.push(rowOfProof(payment, proof));
      collected.push(paymentId);
    }
    await insertProofs(transaction, rows);
    return collected;
  },
};
