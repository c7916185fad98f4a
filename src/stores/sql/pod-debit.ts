/** Takes a request of a rule that starts pods from an account: the pod that runs, more time for it, or a new one. */
import type { Debit, Debited, Exhausted, NoPod } from '../../paywall/ledger.ts';
import { balanceOf, spend } from './credits.ts';
import { canLast, extendInPlaces, findNoRoom, hasPlace, lockRoom, type PodPlace } from './pod-places.ts';
import { findLivePod, insertPod, isLive, toPaidPod } from './pod-rows.ts';
import { endOfTime, endTimeAt, findPurchase, writePurchase } from './purchases.ts';
import { integer, optionalInteger, type Row, type Transaction, text } from './transaction.ts';

/** As payments name the rule that they were made for: whatever its price was. */
export const ruleOf = ({ rule }: Pick<Debit, 'rule'>): string => rule.split('@', 1)[0] ?? rule;

/** Payments of an account whose tokens were sent for a rule and have not been counted towards a pod. */
const isUnapplied = (account: string, rule: string): string =>
  `account_id = ${account} AND state = 'settled' AND applied_at IS NULL AND rule = ${rule}`;

/** Of an account, by purchase `$2` at `$3`: its pod, where no token of rule `$4` has to be counted first. */
export const findRunningPod = `SELECT pods.*, balance FROM pods JOIN credits ON credits.payment_id = account_id
  WHERE ${isLive} AND NOT EXISTS (SELECT 1 FROM payments WHERE ${isUnapplied('$1', '$4')})`;

/** The same of a settled payment with an open session. */
export const findRunningPodOfPayment = `SELECT pods.*, balance, salt, sessions.expires_at AS session_ends_at FROM payments
  JOIN pods ON pods.account_id = payments.account_id
  JOIN credits ON credits.payment_id = payments.account_id
  JOIN sessions ON sessions.payment_id = payments.id
  WHERE payments.id = $1 AND state = 'settled' AND pods.rule = $2 AND ended_at IS NULL
    AND (pods.expires_at IS NULL OR pods.expires_at > $3) AND sessions.expires_at > $3 AND revoked_at IS NULL
    AND NOT EXISTS (SELECT 1 FROM payments AS others WHERE others.account_id = payments.account_id
      AND others.state = 'settled' AND others.applied_at IS NULL AND others.rule = $4)`;

const toRunning = (row: Row, balance: number): Debited => {
  const pod = toPaidPod(row);
  return { standing: 'debited', paymentId: pod.paymentId, balance, runsUntilMs: pod.expiresAtMs, pod };
};

export const toRunningPod = (row: Row): Debited => toRunning(row, integer(row, 'balance'));

export const toRunningPodOfPayment = (row: Row): Debited => ({
  ...toRunningPod(row),
  session: { salt: text(row, 'salt'), expiresAtMs: integer(row, 'session_ends_at') },
});

/** Of all tokens that the account was settled for by now, none will extend a pod any more, nor is a place kept for one. */
const apply = async (transaction: Transaction, accountId: string, debit: Debit): Promise<number> => {
  const applied = await transaction.run(`UPDATE payments SET applied_at = $3 WHERE ${isUnapplied('$1', '$2')}`, [
    accountId,
    ruleOf(debit),
    debit.nowMs,
  ]);
  await transaction.run(
    `DELETE FROM pod_places WHERE account_id = $1 AND rule = $2
      AND payment_id IN (SELECT id FROM payments WHERE account_id = $1 AND applied_at IS NOT NULL)`,
    [accountId, debit.rule],
  );
  return applied;
};

type Credit = Readonly<{ accountId: string; unit: string; balance: number }>;

/** Each token that came since buys more time once, as far as credit and life go. What is left stays credit. */
const extend = async (
  transaction: Transaction,
  { accountId, balance }: Credit,
  debit: Debit,
  { timeMs, order }: PodPlace,
): Promise<Debited | undefined> => {
  const { rule, amount, nowMs } = debit;
  await lockRoom(transaction);
  const tokens = await apply(transaction, accountId, debit);
  const pod = await findLivePod(transaction, { accountId, rule, nowMs });
  if (!pod) return undefined;
  let times = Math.min(tokens, Math.floor(balance / amount));
  while (times > 0 && !canLast(integer(pod, 'bought_ms'), times * timeMs, order)) times -= 1;
  if (times === 0) return toRunning(pod, balance);
  await spend(transaction, accountId, times * amount);
  await transaction.run(
    `UPDATE pods SET paid = paid + $2, bought_ms = bought_ms + $3, runs_ms = runs_ms + $3, expires_at = expires_at + $3
      WHERE name = $1`,
    [text(pod, 'name'), times * amount, times * timeMs],
  );
  const extended = await findLivePod(transaction, { accountId, rule, nowMs });
  if (!extended) throw new Error(`the pod ${text(pod, 'name')} ended while it was extended`);
  const { runsUntilMs, ...taken } = toRunning(extended, balance - times * amount);
  const endsAtMs = optionalInteger(extended, 'expires_at') ?? nowMs + integer(extended, 'runs_ms');
  await endTimeAt(transaction, accountId, rule, endsAtMs);
  return taken;
};

const buyPod = async (
  transaction: Transaction,
  { accountId, unit, balance }: Credit,
  debit: Debit,
  { rule, timeMs, order }: PodPlace,
): Promise<Debited> => {
  const { amount, nowMs } = debit;
  await spend(transaction, accountId, amount);
  await writePurchase(transaction, { paymentId: accountId, rule, requestsLeft: 0, expiresAtMs: nowMs + timeMs });
  await apply(transaction, accountId, debit);
  await extendInPlaces(transaction, accountId, rule);
  const pod = await insertPod(transaction, { accountId, rule, template: order.template, amount, unit, timeMs, nowMs });
  return { standing: 'debited', paymentId: accountId, balance: balance - amount, pod: toPaidPod(pod) };
};

const findNoPlace = async (
  transaction: Transaction,
  accountId: string,
  place: PodPlace,
  nowMs: number,
): Promise<NoPod | undefined> =>
  (await hasPlace(transaction, accountId, place.rule)) ? undefined : findNoRoom(transaction, accountId, place, nowMs);

/** As `drawOn`, where the account's credit is locked already. */
export const drawPod = async (
  transaction: Transaction,
  { paymentId: accountId, unit }: Readonly<{ paymentId: string; unit: string }>,
  debit: Debit,
  place: PodPlace,
  commit: boolean,
): Promise<Debited | Exhausted | NoPod> => {
  const { rule, amount, nowMs } = debit;
  const credit = { accountId, unit, balance: await balanceOf(transaction, accountId) };
  const { balance } = credit;
  const live = await findLivePod(transaction, { accountId, rule, nowMs });
  if (live && !commit) return toRunning(live, balance);
  const extended = live && (await extend(transaction, credit, debit, place));
  if (extended) return extended;
  // Time that was bought before the rule started pods.
  const runsUntilMs = endOfTime(await findPurchase(transaction, accountId, rule), debit);
  if (runsUntilMs !== undefined) return { standing: 'debited', paymentId: accountId, balance, runsUntilMs };
  if (unit !== debit.unit || balance < amount) return { standing: 'exhausted', paymentId: accountId, balance, unit };
  if (commit) await lockRoom(transaction);
  const noPod = await findNoPlace(transaction, accountId, place, nowMs);
  if (noPod) return { ...noPod, balance };
  if (!commit) return { standing: 'debited', paymentId: accountId, balance: balance - amount };
  return buyPod(transaction, credit, debit, place);
};
