/** The ledger's pods after they were paid for. What moves with an account's time or credit is written under its lock. */
import type { PodCounts, PodEnding, PodQuery, PodRow } from '../../pods/pod-store.ts';
import { addCredit, lockCredit } from './credits.ts';
import { toPodRow } from './pod-rows.ts';
import { endTimeAt } from './purchases.ts';
import { integer, type Row, type SqlValue, type Transaction, text } from './transaction.ts';

const findRow = (transaction: Transaction, name: string): Promise<Row | undefined> =>
  transaction.first('SELECT * FROM pods WHERE name = $1', [name]);

/** With the credit of its account locked. Undefined where it has ended, or there is none. */
const lockAlive = async (transaction: Transaction, name: string): Promise<Row | undefined> => {
  const found = await findRow(transaction, name);
  if (!found) return undefined;
  await lockCredit(transaction, text(found, 'account_id'));
  return transaction.first('SELECT * FROM pods WHERE name = $1 AND ended_at IS NULL', [name]);
};

const isWanted = (row: Row): boolean => text(row, 'stage') === 'wanted';

const written = async (transaction: Transaction, name: string): Promise<PodRow | undefined> => {
  const row = await findRow(transaction, name);
  return row && toPodRow(row);
};

const endRow = async (transaction: Transaction, row: Row, ending: PodEnding, nowMs: number): Promise<void> => {
  await transaction.run('UPDATE pods SET ending = $2, ended_at = $3 WHERE name = $1', [
    text(row, 'name'),
    ending,
    nowMs,
  ]);
  await endTimeAt(transaction, text(row, 'account_id'), text(row, 'rule'), 0);
};

/** What was paid, as far as its time was not had. */
const shareOf = (row: Row): number =>
  Number((BigInt(integer(row, 'paid')) * BigInt(integer(row, 'runs_ms'))) / BigInt(integer(row, 'bought_ms')));

const rows = async (transaction: Transaction, sql: string, values: readonly SqlValue[]): Promise<readonly PodRow[]> =>
  (await transaction.all(sql, values)).map(toPodRow);

export const podOperations = {
  findPod: (transaction: Transaction, { name }: { name: string }): Promise<PodRow | undefined> =>
    written(transaction, name),

  listPods: (transaction: Transaction, { alive, after = '', limit }: PodQuery): Promise<readonly PodRow[]> =>
    rows(
      transaction,
      `SELECT * FROM pods WHERE name > $1 ${alive ? 'AND ended_at IS NULL' : ''} ORDER BY name LIMIT $2`,
      [after, limit],
    ),

  async countPods(transaction: Transaction, _: null): Promise<PodCounts> {
    const counted = await transaction.first(
      `SELECT (SELECT COUNT(*) FROM pod_places WHERE extends_pod = 0) AS reserved,
        (SELECT COUNT(*) FROM pods WHERE ended_at IS NULL AND stage = 'wanted') AS wanted,
        (SELECT COUNT(*) FROM pods WHERE ended_at IS NULL AND stage <> 'wanted') AS created`,
      [],
    );
    const count = (column: string): number => (counted ? integer(counted, column) : 0);
    return { reserved: count('reserved'), wanted: count('wanted'), created: count('created') };
  },

  listWantedPods: (transaction: Transaction, { limit }: { limit: number }): Promise<readonly PodRow[]> =>
    rows(
      transaction,
      `SELECT * FROM pods WHERE ended_at IS NULL AND stage = 'wanted' ORDER BY wanted_at, name LIMIT $1`,
      [limit],
    ),

  async notePodCreated(
    transaction: Transaction,
    { name, nowMs }: { name: string; nowMs: number },
  ): Promise<PodRow | undefined> {
    const row = await lockAlive(transaction, name);
    if (!row || !isWanted(row)) return row && toPodRow(row);
    const endsAtMs = nowMs + integer(row, 'runs_ms');
    await transaction.run(`UPDATE pods SET stage = 'created', created_at = $2, expires_at = $3 WHERE name = $1`, [
      name,
      nowMs,
      endsAtMs,
    ]);
    await endTimeAt(transaction, text(row, 'account_id'), text(row, 'rule'), endsAtMs);
    return written(transaction, name);
  },

  /** One statement: what was seen late of a pod that has ended or was lost since changes nothing. */
  async notePodSeen(
    transaction: Transaction,
    { name, ip, isReady, nowMs }: { name: string; ip?: string | undefined; isReady: boolean; nowMs: number },
  ): Promise<void> {
    await transaction.run(
      `UPDATE pods SET ip = COALESCE($2, ip)${isReady ? `, stage = 'ready', ready_at = COALESCE(ready_at, $3)` : ''}
        WHERE name = $1 AND ended_at IS NULL AND stage <> 'wanted'`,
      [name, ip ?? null, ...(isReady ? [nowMs] : [])],
    );
  },

  async notePodLost(
    transaction: Transaction,
    { name, nowMs }: { name: string; nowMs: number },
  ): Promise<PodRow | undefined> {
    const row = await lockAlive(transaction, name);
    if (!row || isWanted(row)) return row && toPodRow(row);
    const leftMs = integer(row, 'expires_at') - nowMs;
    // For the reaper.
    if (leftMs <= 0) return undefined;
    await transaction.run(
      `UPDATE pods SET stage = 'wanted', wanted_at = $2, runs_ms = CASE WHEN runs_ms < $3 THEN runs_ms ELSE $3 END,
        created_at = NULL, ready_at = NULL, expires_at = NULL, ip = NULL WHERE name = $1`,
      [name, nowMs, leftMs],
    );
    return written(transaction, name);
  },

  listExpiredPods: (
    transaction: Transaction,
    { nowMs, limit }: { nowMs: number; limit: number },
  ): Promise<readonly PodRow[]> =>
    rows(
      transaction,
      'SELECT * FROM pods WHERE ended_at IS NULL AND expires_at <= $1 ORDER BY expires_at, name LIMIT $2',
      [nowMs, limit],
    ),

  /** One that was extended since it was listed has not expired. */
  async endPod(
    transaction: Transaction,
    { name, ending, nowMs }: { name: string; ending: Exclude<PodEnding, 'given_back'>; nowMs: number },
  ): Promise<boolean> {
    const row = await lockAlive(transaction, name);
    if (!row) return false;
    if (ending === 'expired' && (isWanted(row) || integer(row, 'expires_at') > nowMs)) return false;
    await endRow(transaction, row, ending, nowMs);
    return true;
  },

  async giveBackPod(transaction: Transaction, { name, nowMs }: { name: string; nowMs: number }): Promise<boolean> {
    const row = await lockAlive(transaction, name);
    if (!row || !isWanted(row)) return false;
    await endRow(transaction, row, 'given_back', nowMs);
    await addCredit(transaction, text(row, 'account_id'), shareOf(row));
    return true;
  },

  /** Payments under way keep theirs however long their mint takes. */
  releasePlaces: (transaction: Transaction, { beforeMs }: { beforeMs: number }): Promise<number> =>
    transaction.run(
      `DELETE FROM pod_places WHERE payment_id IN
        (SELECT id FROM payments WHERE id IN (SELECT payment_id FROM pod_places)
          AND state <> 'prepared' AND concluded_at < $1)`,
      [beforeMs],
    ),

  async forgetPods(
    transaction: Transaction,
    { beforeMs, limit }: { beforeMs: number; limit: number },
  ): Promise<boolean> {
    const forgotten = await transaction.run(
      'DELETE FROM pods WHERE name IN (SELECT name FROM pods WHERE ended_at < $1 ORDER BY ended_at LIMIT $2)',
      [beforeMs, limit],
    );
    return forgotten === limit;
  },
};
