/** What ended long ago, and no answer depends on any more. */
import type { Transaction } from './transaction.ts';

/** By their primary keys. */
const kinds = [
  ['debits', 'payment_id, request_key'],
  ['uses', 'id'],
  ['sessions', 'id_hash'],
] as const;

/** Whether there is anything to forget: mostly there is not. */
export const findAnyEnded = `SELECT 1 AS one WHERE ${kinds
  .map(([table]) => `EXISTS (SELECT 1 FROM ${table} WHERE expires_at <= $1)`)
  .join(' OR ')}`;

export const forgetOperations = {
  async forgetEnded(
    transaction: Transaction,
    { beforeMs, limit }: { beforeMs: number; limit: number },
  ): Promise<boolean> {
    let most = 0;
    for (const [table, key] of kinds) {
      const forgotten = await transaction.run(
        `DELETE FROM ${table} WHERE (${key}) IN
          (SELECT ${key} FROM ${table} WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)`,
        [beforeMs, limit],
      );
      most = Math.max(most, forgotten);
    }
    return most === limit;
  },
};
