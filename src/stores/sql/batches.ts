/** The end of a batch of accepted payments. */
import type { Transaction } from './transaction.ts';

/** What a batch has brought is exposed no more, and each of its payments remembers it. */
export const settleBatch = async (transaction: Transaction, batchId: string): Promise<void> => {
  await transaction.run(
    'UPDATE payments SET batch_id = $1 WHERE id IN (SELECT payment_id FROM unsettled WHERE batch_id = $1)',
    [batchId],
  );
  await transaction.run(
    `UPDATE exposures SET amount = amount - (SELECT COALESCE(SUM(amount), 0) FROM unsettled WHERE batch_id = $1)
      WHERE EXISTS (SELECT 1 FROM payments WHERE id = $1 AND mint = exposures.mint AND unit = exposures.unit)`,
    [batchId],
  );
  await transaction.run('DELETE FROM unsettled WHERE batch_id = $1', [batchId]);
};
