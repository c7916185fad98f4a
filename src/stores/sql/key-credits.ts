import type { Credits, CreditTaken, Question } from '../../keys/key-store.ts';
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

/** Locks the key's credits first: of two questions at one moment the second finds what the first has written. */
const lock = 'UPDATE key_credits SET remaining = remaining WHERE key_id = $1';

export const findCreditUse =
  'SELECT 1 AS one FROM credit_uses WHERE key_id = $1 AND request_key = $2 AND expires_at > $3';

const remember = async (transaction: Transaction, id: string, { key, untilMs }: Question, nowMs: number) => {
  await transaction.run('DELETE FROM credit_uses WHERE key_id = $1 AND expires_at <= $2', [id, nowMs]);
  await transaction.run('INSERT INTO credit_uses (key_id, request_key, expires_at) VALUES ($1, $2, $3)', [
    id,
    key,
    untilMs,
  ]);
};

/** Whether it has taken a credit before. */
const isRepeated = async (transaction: Transaction, id: string, { key }: Question, nowMs: number): Promise<boolean> => {
  await transaction.run(lock, [id]);
  return (await transaction.first(findCreditUse, [id, key, nowMs])) !== undefined;
};

export const creditOperations = {
  async takeCredit(
    transaction: Transaction,
    { id, nowMs, question }: { id: string; nowMs: number; question?: Question | undefined },
  ): Promise<CreditTaken | undefined> {
    const repeated = question !== undefined && (await isRepeated(transaction, id, question, nowMs));
    const taken = repeated || (await transaction.run(take, [id, nowMs])) > 0;
    const row = await transaction.first('SELECT remaining, refill_at FROM key_credits WHERE key_id = $1', [id]);
    if (!row) return undefined;
    if (taken && question && !repeated) await remember(transaction, id, question, nowMs);
    return taken
      ? { taken: true, remaining: integer(row, 'remaining') }
      : { taken: false, retryAt: optionalInteger(row, 'refill_at') };
  },
};
