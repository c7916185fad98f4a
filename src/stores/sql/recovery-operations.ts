/** The prepared payments but batches, for whoever brings them to their end without their callers. */
import type { DuePayment, Outstanding } from '../../paywall/ledger.ts';
import { padded } from './padded.ts';
import { integer, optionalInteger, type Row, type Transaction, text } from './transaction.ts';

const toDue = (row: Row): DuePayment => ({
  id: text(row, 'id'),
  mint: text(row, 'mint'),
  createdAtMs: integer(row, 'created_at'),
});

/** Whether there is anything to bring to its end: mostly there is not. */
export const findAnyPrepared = `SELECT 1 AS one FROM payments WHERE state = 'prepared' AND account_id IS NOT NULL LIMIT 1`;

export const recoveryOperations = {
  async findOutstanding(
    transaction: Transaction,
    { nowMs, exceptMints, limit }: { nowMs: number; exceptMints: readonly string[]; limit: number },
  ): Promise<Outstanding> {
    const all = await transaction.first(
      `SELECT COUNT(*) AS count, MIN(created_at) AS oldest FROM payments
        WHERE state = 'prepared' AND account_id IS NOT NULL`,
      [],
    );
    const except = padded(exceptMints);
    const due = await transaction.all(
      `SELECT id, mint, created_at FROM payments WHERE state = 'prepared' AND account_id IS NOT NULL AND lease_until <= $1
        AND mint NOT IN (${except.map((_, index) => `$${index + 3}`).join(', ')}) ORDER BY tries, lease_until LIMIT $2`,
      [nowMs, limit, ...except],
    );
    return {
      count: all ? integer(all, 'count') : 0,
      oldestAtMs: all && optionalInteger(all, 'oldest'),
      due: due.map(toDue),
    };
  },
};
