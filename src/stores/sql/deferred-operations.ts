/**
 * Payments that were accepted without asking their mint. The row of `exposures` is locked before anything is read that the cap
 * or a pause depends on.
 */

import type {
  Acceptance,
  Accepted,
  Division,
  Group,
  NewBatch,
  Refused,
  Unsettled,
  Waiting,
} from '../../paywall/deferred/deferred-ledger.ts';
import { addClaims, findClaimant } from './claims.ts';
import { addCredit } from './credits.ts';
import { ledgerOperations, type Presented, presentSettled } from './ledger-operations.ts';
import { addFirstSwap } from './swaps.ts';
import { integer, optionalInteger, type Row, type Transaction, text } from './transaction.ts';

/** More payments than any batch has proofs. */
const ANY = 1_000_000;

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

const lockExposure = async (transaction: Transaction, mint: string, unit: string): Promise<void> => {
  const lock = () =>
    transaction.run('UPDATE exposures SET amount = amount WHERE mint = $1 AND unit = $2', [mint, unit]);
  if ((await lock()) > 0) return;
  await transaction.run(
    'INSERT INTO exposures (mint, unit, amount, paused_until) VALUES ($1, $2, 0, 0) ON CONFLICT (mint, unit) DO NOTHING',
    [mint, unit],
  );
  await lock();
};

/** `false` where there is no room, or the mint is paused. */
const expose = async (transaction: Transaction, { payment, cap }: Acceptance): Promise<boolean> => {
  const { mint, unit, amount, createdAtMs } = payment;
  const exposed = await transaction.run(
    `UPDATE exposures SET amount = amount + $3
      WHERE mint = $1 AND unit = $2 AND amount + $3 <= $4 AND paused_until <= $5`,
    [mint, unit, amount, cap, createdAtMs],
  );
  return exposed > 0;
};

const write = async (transaction: Transaction, { payment, claims, proofs }: Acceptance): Promise<void> => {
  const { id, mint, unit, amount, rule, createdAtMs, accountId = id, swap } = payment;
  await transaction.run(
    `INSERT INTO payments
        (id, state, mint, unit, amount, rule, lease_until, tries, created_at, concluded_at, collected_at, account_id)
      VALUES ($1, 'settled', $2, $3, $4, $5, 0, 0, $6, $6, $6, $7)`,
    [id, mint, unit, amount, rule, createdAtMs, accountId],
  );
  await addFirstSwap(transaction, id, swap);
  await addClaims(transaction, claims);
  await transaction.run(
    `INSERT INTO unsettled (payment_id, mint, unit, amount, proofs, most, accepted_at, checked_at)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $7)`,
    [id, mint, unit, amount, proofs, ANY, createdAtMs],
  );
  await addCredit(transaction, accountId, swap.credit);
};

export const deferredOperations = {
  async acceptPayment(
    transaction: Transaction,
    { acceptance, ...asked }: { acceptance: Acceptance } & Omit<Presented, 'claims'>,
  ): Promise<Accepted | undefined> {
    const { payment, claims } = acceptance;
    const { id, mint, unit, accountId = id } = payment;
    const presented = { ...asked, claims };
    await lockExposure(transaction, mint, unit);
    const found = await transaction.first('SELECT state FROM payments WHERE id = $1', [id]);
    if (found && text(found, 'state') === 'rejected') return undefined;
    if (found) return { isNew: false, standing: await ledgerOperations.presentClaims(transaction, presented) };
    if ((await findClaimant(transaction, claims)) !== undefined) {
      return { isNew: false, standing: { standing: 'overlap' } };
    }
    if (!(await expose(transaction, acceptance))) return undefined;
    await write(transaction, acceptance);
    return { isNew: true, standing: await presentSettled(transaction, accountId, unit, presented) };
  },

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
