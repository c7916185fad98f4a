import type { Credits, CreditTaken } from '../../keys/key-store.ts';
import { integer, optionalInteger, type Transaction } from './transaction.ts';

export const writeCredits = async (
  transaction: Transaction,
  id: string,
  credits: Credits | undefined,
): Promise<void> => {
  if (!credits) {
    await transaction.run('DELETE FROM key_credits WHERE key_id = $1', [id]);
    return;
  }
  const { remaining, refill } = credits;
  await transaction.run(
    `INSERT INTO key_credits (key_id, remaining, refill_amount, refill_interval, refill_at) VALUES ($1, $2, $3, $4, $5)
      ON CONFLICT (key_id) DO UPDATE SET remaining = excluded.remaining, refill_amount = excluded.refill_amount,
        refill_interval = excluded.refill_interval, refill_at = excluded.refill_at`,
    [id, remaining, refill?.amount ?? null, refill?.intervalMs ?? null, refill?.nextAt ?? null],
  );
};

/** A refill that was missed several times comes once, and the next one keeps the beat. */
const take = `UPDATE key_credits SET
  remaining = CASE WHEN refill_at <= $2 AND remaining < refill_amount THEN refill_amount ELSE remaining END - 1,
  refill_at = CASE WHEN refill_at <= $2
    THEN refill_at + ((CAST($2 AS BIGINT) - refill_at) / refill_interval + 1) * refill_interval
    ELSE refill_at END
  WHERE key_id = $1 AND (remaining > 0 OR refill_at <= $2)`;

export const creditOperations = {
  async takeCredit(
    transaction: Transaction,
    { id, nowMs }: { id: string; nowMs: number },
  ): Promise<CreditTaken | undefined> {
    const taken = await transaction.run(take, [id, nowMs]);
    const row = await transaction.first('SELECT remaining, refill_at FROM key_credits WHERE key_id = $1', [id]);
    if (!row) return undefined;
    return taken > 0
      ? { taken: true, remaining: integer(row, 'remaining') }
      : { taken: false, retryAt: optionalInteger(row, 'refill_at') };
  },
};
