/**
 * How many pods there may be. Places are kept for payments that are under way, so that of payments that race no token is
 * swapped for which there is no room. The row of `pod_room` is locked by all who add a pod or a place.
 */
import type { Debit, NoPod, PodOrder } from '../../paywall/ledger.ts';
import { findLivePod } from './pod-rows.ts';
import { integer, optionalInteger, type Transaction } from './transaction.ts';

export const lockRoom = (transaction: Transaction): Promise<number> =>
  transaction.run('UPDATE pod_room SET id = id WHERE id = 1', []);

/** For a pod that is to be bought, or to be extended. */
export type PodPlace = Readonly<{ rule: string; timeMs: number; order: PodOrder }>;

/** Of a debit that may start a pod. */
export const placeOf = ({ rule, buys, pod: order }: Debit): PodPlace | undefined =>
  order && 'timeMs' in buys ? { rule, timeMs: buys.timeMs, order } : undefined;

const ofAccountSql = `SELECT (SELECT COUNT(*) FROM pods
      WHERE account_id = $1 AND ended_at IS NULL AND (expires_at IS NULL OR expires_at > $2))
    + (SELECT COUNT(*) FROM pod_places WHERE account_id = $1 AND extends_pod = 0) AS count,
  (SELECT MIN(expires_at) FROM pods WHERE account_id = $1 AND ended_at IS NULL AND expires_at > $2) AS free_at`;

/** One that is past its time counts until it is taken away. */
const inAllSql = `SELECT (SELECT COUNT(*) FROM pods WHERE ended_at IS NULL)
    + (SELECT COUNT(*) FROM pod_places WHERE extends_pod = 0) AS count,
  (SELECT MIN(expires_at) FROM pods WHERE ended_at IS NULL) AS free_at`;

/** Whether there is room for one more. The room is locked, or nothing depends on the answer. */
export const findNoRoom = async (
  transaction: Transaction,
  accountId: string,
  { timeMs, order }: PodPlace,
  nowMs: number,
): Promise<NoPod | undefined> => {
  const isTaken = async (sql: string, values: readonly (string | number)[], most: number, why: NoPod['why']) => {
    const found = await transaction.first(sql, values);
    if (!found || integer(found, 'count') < most) return undefined;
    const freeAtMs = optionalInteger(found, 'free_at');
    return { standing: 'no_pod', why, ...(freeAtMs !== undefined && { freeAtMs }) } as const;
  };
  if (timeMs > order.longestMs) return { standing: 'no_pod', why: 'too_long' };
  if (!order.canStart) return { standing: 'no_pod', why: 'cannot_start' };
  return (
    (await isTaken(ofAccountSql, [accountId, nowMs], order.mostOfAccount, 'own_taken')) ??
    isTaken(inAllSql, [], order.mostInAll, 'all_taken')
  );
};

/** Whether a pod may last so much longer, with all that is to be added to it. */
export const canLast = (boughtMs: number, timeMs: number, { longestMs }: PodOrder): boolean =>
  boughtMs + timeMs <= longestMs;

/** What is kept for an account: time for pods that are there, and places for pods that are not. */
const keptFor = async (transaction: Transaction, accountId: string, rule: string) => {
  const kept = await transaction.first(
    `SELECT COUNT(*) AS count, COALESCE(SUM(time_ms), 0) AS time_ms FROM pod_places WHERE account_id = $1 AND rule = $2`,
    [accountId, rule],
  );
  return { count: kept ? integer(kept, 'count') : 0, timeMs: kept ? integer(kept, 'time_ms') : 0 };
};

export type FoundPlace = Readonly<{ extendsPod: boolean }>;

/** Locks the room. What is found is kept by `keepPlace` in the same transaction. */
export const findPlace = async (
  transaction: Transaction,
  accountId: string,
  place: PodPlace,
  nowMs: number,
): Promise<FoundPlace | NoPod> => {
  const { rule, timeMs, order } = place;
  await lockRoom(transaction);
  const live = await findLivePod(transaction, { accountId, rule, nowMs });
  const kept = await keptFor(transaction, accountId, rule);
  if (!live && kept.count === 0)
    return (await findNoRoom(transaction, accountId, place, nowMs)) ?? { extendsPod: false };
  const boughtMs = (live ? integer(live, 'bought_ms') : 0) + kept.timeMs;
  return canLast(boughtMs, timeMs, order) ? { extendsPod: true } : { standing: 'no_pod', why: 'too_long' };
};

export const keepPlace = async (
  transaction: Transaction,
  { paymentId, accountId }: Readonly<{ paymentId: string; accountId: string }>,
  { rule, timeMs }: PodPlace,
  { extendsPod }: FoundPlace,
): Promise<void> => {
  await transaction.run(
    'INSERT INTO pod_places (payment_id, account_id, rule, extends_pod, time_ms) VALUES ($1, $2, $3, $4, $5)',
    [paymentId, accountId, rule, extendsPod ? 1 : 0, timeMs],
  );
};

export const dropPlace = (transaction: Transaction, paymentId: string): Promise<number> =>
  transaction.run('DELETE FROM pod_places WHERE payment_id = $1', [paymentId]);

/** Whether a place is kept for a pod that the account has not bought yet. */
export const hasPlace = async (transaction: Transaction, accountId: string, rule: string): Promise<boolean> => {
  const sql = 'SELECT 1 AS one FROM pod_places WHERE account_id = $1 AND rule = $2 AND extends_pod = 0 LIMIT 1';
  return (await transaction.first(sql, [accountId, rule])) !== undefined;
};

/** The account's pod is bought: payments that are still under way will extend it, and keep no place of another. */
export const extendInPlaces = (transaction: Transaction, accountId: string, rule: string): Promise<number> =>
  transaction.run('UPDATE pod_places SET extends_pod = 1 WHERE account_id = $1 AND rule = $2 AND extends_pod = 0', [
    accountId,
    rule,
  ]);
