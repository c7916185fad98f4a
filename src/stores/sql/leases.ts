/** Who may act on something that is prepared: one at a time, and each only for a while. */
import { integer, optionalInteger, type Row, type Transaction } from './transaction.ts';

type Leased = 'payments' | 'spends';

export type LeaseRequest = Readonly<{ id: string; holder: string; nowMs: number; untilMs: number }>;

export type LeaseRelease = Readonly<{
  id: string;
  holder: string;
  untilMs: number;
  unansweredAtMs: number | undefined;
}>;

/** `before`: the row as it was. */
type Taken = Readonly<{ lease: 'taken'; before: Row; tries: number; unansweredAtMs: number | undefined }>;
type Refused = Readonly<{ lease: 'held' | 'concluded' }> | Readonly<{ lease: 'resting'; untilMs: number }>;

/** The row is locked first: what is read after it stays as it is until the end of the transaction. */
export const lockPrepared = (transaction: Transaction, table: Leased, id: string): Promise<number> =>
  transaction.run(`UPDATE ${table} SET tries = tries WHERE id = $1 AND state = 'prepared'`, [id]);

/** Whoever takes it is about to post: should nothing be heard of them, that post has no answer. */
export const takeLease = async (
  transaction: Transaction,
  table: Leased,
  { id, holder, nowMs, untilMs }: LeaseRequest,
): Promise<Taken | Refused> => {
  if ((await lockPrepared(transaction, table, id)) === 0) return { lease: 'concluded' };
  const before = await transaction.first(`SELECT * FROM ${table} WHERE id = $1`, [id]);
  if (!before) return { lease: 'concluded' };
  const taken = await transaction.run(
    `UPDATE ${table} SET lease_holder = $2, lease_until = $3, unanswered_at = $4
      WHERE id = $1 AND state = 'prepared' AND (lease_holder = $2 OR lease_until <= $4)`,
    [id, holder, untilMs, nowMs],
  );
  if (taken === 0) {
    const isHeld = before['lease_holder'] !== null;
    return isHeld ? { lease: 'held' } : { lease: 'resting', untilMs: integer(before, 'lease_until') };
  }
  return {
    lease: 'taken',
    before,
    tries: integer(before, 'tries'),
    unansweredAtMs: optionalInteger(before, 'unanswered_at'),
  };
};

export const releaseLease = async (
  transaction: Transaction,
  table: Leased,
  { id, holder, untilMs, unansweredAtMs }: LeaseRelease,
): Promise<void> => {
  await transaction.run(
    `UPDATE ${table} SET lease_holder = NULL, lease_until = $3, unanswered_at = $4, tries = tries + 1
      WHERE id = $1 AND state = 'prepared' AND lease_holder = $2`,
    [id, holder, untilMs, unansweredAtMs ?? null],
  );
};
