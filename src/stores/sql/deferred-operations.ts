/** From payments that were accepted without asking their mint to batches, and what becomes of those that are refused. */
import type { Division, Group, NewBatch, Refused, Unsettled, Waiting } from '../../paywall/deferred/deferred-ledger.ts';
import { addFirstSwap } from './swaps.ts';
import { integer, optionalInteger, type Row, type Transaction, text } from './transaction.ts';

/** More payments than any batch has proofs. */
export const ANY = 1_000_000;

const MOST_DUE = 64;

const toGroup = (row: Row): Group => ({
  mint: text(row, 'mint'),
  unit: text(row, 'unit'),
  amount: integer(row, 'amount'),
  proofs: integer(row, 'proofs'),
  oldestAtMs: integer(row, 'oldest'),
  checkedAtMs: integer(row, 'checked'),
  isDivided: integer(row, 'most') < ANY,
});

/** Whether there is anything to settle: mostly there is not. */
export const findAnyUnsettled = 'SELECT 1 AS one FROM unsettled LIMIT 1';

/** At least one. */
const takeTogether = (rows: readonly Row[], mostProofs: number): readonly Waiting[] => {
  const taken: Waiting[] = [];
  let [proofs, most] = [0, ANY];
  for (const row of rows) {
    proofs += integer(row, 'proofs');
    most = Math.min(most, integer(row, 'most'));
    if (taken.length > 0 && (proofs > mostProofs || taken.length >= most)) break;
    taken.push({ paymentId: text(row, 'payment_id'), amount: integer(row, 'amount'), body: text(row, 'body') });
  }
  return taken;
};

export const deferredOperations = {
  async findUnsettled(transaction: Transaction, { nowMs }: { nowMs: number }): Promise<Unsettled> {
    const all = await transaction.first('SELECT COUNT(*) AS count, MIN(accepted_at) AS oldest FROM unsettled', []);
    const groups = await transaction.all(
      `SELECT mint, unit, SUM(amount) AS amount, SUM(proofs) AS proofs, MIN(accepted_at) AS oldest,
          MIN(checked_at) AS checked, MIN(most) AS most
        FROM unsettled WHERE batch_id IS NULL GROUP BY mint, unit ORDER BY mint, unit`,
      [],
    );
    const due = await transaction.all(
      `SELECT id, mint FROM payments WHERE state = 'prepared' AND account_id IS NULL AND lease_until <= $1
        ORDER BY tries, lease_until LIMIT ${MOST_DUE}`,
      [nowMs],
    );
    return {
      count: all ? integer(all, 'count') : 0,
      oldestAtMs: all && optionalInteger(all, 'oldest'),
      groups: groups.map(toGroup),
      due: due.map((row) => ({ id: text(row, 'id'), mint: text(row, 'mint') })),
    };
  },

  async listWaiting(
    transaction: Transaction,
    { mint, unit, mostProofs }: { mint: string; unit: string; mostProofs: number },
  ): Promise<readonly Waiting[]> {
    const rows = await transaction.all(
      `SELECT unsettled.payment_id, unsettled.amount, proofs, most, body FROM unsettled
        JOIN swaps ON swaps.payment_id = unsettled.payment_id AND number = 1
        WHERE batch_id IS NULL AND mint = $1 AND unit = $2 ORDER BY accepted_at, unsettled.payment_id LIMIT $3`,
      [mint, unit, mostProofs],
    );
    return takeTogether(rows, mostProofs);
  },

  async listUnchecked(
    transaction: Transaction,
    { mint, unit, beforeMs, mostProofs }: { mint: string; unit: string; beforeMs: number; mostProofs: number },
  ): Promise<readonly Waiting[]> {
    const rows = await transaction.all(
      `SELECT unsettled.payment_id, unsettled.amount, proofs, ${ANY} AS most, body FROM unsettled
        JOIN swaps ON swaps.payment_id = unsettled.payment_id AND number = 1
        WHERE batch_id IS NULL AND mint = $1 AND unit = $2 AND checked_at <= $3
        ORDER BY checked_at, unsettled.payment_id LIMIT $4`,
      [mint, unit, beforeMs, mostProofs],
    );
    return takeTogether(rows, mostProofs);
  },

  async noteChecked(
    transaction: Transaction,
    { good, suspect, nowMs }: { good: readonly string[]; suspect: readonly string[]; nowMs: number },
  ): Promise<void> {
    for (const [ids, most] of [
      [good, ANY],
      [suspect, 1],
    ] as const) {
      for (const id of ids.toSorted()) {
        await transaction.run(
          `UPDATE unsettled SET checked_at = $2, most = CASE WHEN most > $3 THEN $3 ELSE most END
            WHERE payment_id = $1 AND batch_id IS NULL`,
          [id, nowMs, most],
        );
      }
    }
  },

  /** The payments' rows are locked before anything is written. */
  async openBatch(
    transaction: Transaction,
    { batch, paymentIds }: { batch: NewBatch; paymentIds: readonly string[] },
  ): Promise<boolean> {
    const { id, mint, unit, amount, createdAtMs, swap } = batch;
    for (const paymentId of paymentIds.toSorted()) {
      const isFree = await transaction.run(
        'UPDATE unsettled SET most = most WHERE payment_id = $1 AND batch_id IS NULL',
        [paymentId],
      );
      if (isFree === 0) return false;
    }
    await transaction.run(
      `INSERT INTO payments (id, state, mint, unit, amount, rule, lease_until, tries, created_at)
        VALUES ($1, 'prepared', $2, $3, $4, '', 0, 0, $5)`,
      [id, mint, unit, amount, createdAtMs],
    );
    await addFirstSwap(transaction, id, swap);
    for (const paymentId of paymentIds) {
      await transaction.run('UPDATE unsettled SET batch_id = $2 WHERE payment_id = $1', [paymentId, id]);
    }
    return true;
  },

  async refuseBatch(transaction: Transaction, refused: Refused): Promise<Division> {
    const { batchId, holder, nowMs, isWhole, restUntilMs, pauseUntilMs } = refused;
    const held = await transaction.run(
      `UPDATE payments SET lease_holder = NULL, lease_until = $3, tries = tries + 1
        WHERE id = $1 AND state = 'prepared' AND lease_holder = $2`,
      [batchId, holder, restUntilMs],
    );
    if (held === 0) return { division: 'lost' };
    const sum = await transaction.first(
      `SELECT COUNT(*) AS count, SUM(amount) AS amount, MIN(refused_at) AS refused_at, MIN(mint) AS mint, MIN(unit) AS unit
        FROM unsettled WHERE batch_id = $1`,
      [batchId],
    );
    if (!sum) throw new Error(`the batch ${batchId} is empty`);
    const count = integer(sum, 'count');
    if (isWhole || count === 1) {
      await transaction.run('UPDATE unsettled SET refused_at = $2 WHERE batch_id = $1 AND refused_at IS NULL', [
        batchId,
        nowMs,
      ]);
      const [mint, unit] = [text(sum, 'mint'), text(sum, 'unit')];
      await transaction.run('UPDATE exposures SET paused_until = $3 WHERE mint = $1 AND unit = $2', [
        mint,
        unit,
        pauseUntilMs,
      ]);
      const isFirst = optionalInteger(sum, 'refused_at') === undefined;
      return { division: 'kept', isFirst, sum: { mint, unit, amount: integer(sum, 'amount'), count } };
    }
    await transaction.run(`UPDATE payments SET state = 'rejected', concluded_at = $2 WHERE id = $1`, [batchId, nowMs]);
    await transaction.run('UPDATE unsettled SET batch_id = NULL, most = $2 WHERE batch_id = $1', [
      batchId,
      Math.floor(count / 2),
    ]);
    return { division: 'divided' };
  },
};
