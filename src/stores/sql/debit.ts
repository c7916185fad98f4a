/**
 * Takes one request from an account: from what was bought for the rule, or by buying again. An account has the id of the
 * payment that opened it.
 */
import type { Units } from '../../core/payment.ts';
import type { Debit, Debited, Exhausted, NoPod } from '../../paywall/ledger.ts';
import { balanceOf, lockCredit, spend } from './credits.ts';
import { drawPod } from './pod-debit.ts';
import { placeOf } from './pod-places.ts';
import { endOfTime, findPurchase, writePurchase } from './purchases.ts';
import { findRepeated, rememberDebit } from './repeats.ts';
import { integer, type Row, type Transaction, text } from './transaction.ts';
import { drawUnits } from './units.ts';

const hasRequests = (purchase: Row | undefined, { buys }: Debit): boolean =>
  purchase !== undefined && 'requests' in buys && integer(purchase, 'requests_left') > 0;

const useOne = async (transaction: Transaction, paymentId: string, debit: Debit): Promise<void> => {
  await transaction.run(
    'UPDATE purchases SET requests_left = requests_left - 1 WHERE payment_id = $1 AND rule = $2 AND requests_left > 0',
    [paymentId, debit.rule],
  );
  await rememberDebit(transaction, paymentId, debit);
};

const buy = async (
  transaction: Transaction,
  paymentId: string,
  debit: Debit,
  buys: Exclude<Debit['buys'], Units>,
): Promise<void> => {
  const { rule, amount, nowMs } = debit;
  await spend(transaction, paymentId, amount);
  const [requestsLeft, expiresAtMs] = 'timeMs' in buys ? [0, nowMs + buys.timeMs] : [buys.requests - 1, 0];
  await writePurchase(transaction, { paymentId, rule, requestsLeft, expiresAtMs });
  if (!('timeMs' in buys)) await rememberDebit(transaction, paymentId, debit);
};

/** Of an account: bought time that has not run out at `$3`. */
export const findRunningTime = `SELECT purchases.payment_id, purchases.expires_at AS runs_until, balance FROM purchases
  JOIN credits ON credits.payment_id = purchases.payment_id
  WHERE purchases.payment_id = $1 AND rule = $2 AND expires_at > $3`;

export const toRunningTime = (row: Row): Debited => ({
  standing: 'debited',
  paymentId: text(row, 'payment_id'),
  balance: integer(row, 'balance'),
  runsUntilMs: integer(row, 'runs_until'),
});

/** Without `commit` it says what would come of it. */
export const drawOn = async (
  transaction: Transaction,
  paymentId: string,
  unit: string,
  debit: Debit,
  commit: boolean,
): Promise<Debited | Exhausted | NoPod> => {
  const { buys } = debit;
  if (commit) await lockCredit(transaction, paymentId);
  if ('units' in buys) return drawUnits(transaction, { paymentId, unit }, debit, buys, commit);
  const place = placeOf(debit);
  if (place) return drawPod(transaction, { paymentId, unit }, debit, place, commit);
  const purchase = await findPurchase(transaction, paymentId, debit.rule);
  const balance = await balanceOf(transaction, paymentId);
  const runsUntilMs = endOfTime(purchase, debit);
  if (runsUntilMs !== undefined) return { standing: 'debited', paymentId, balance, runsUntilMs };
  if (await findRepeated(transaction, paymentId, debit)) return { standing: 'debited', paymentId, balance };
  if (hasRequests(purchase, debit)) {
    if (commit) await useOne(transaction, paymentId, debit);
    return { standing: 'debited', paymentId, balance };
  }
  if (unit !== debit.unit || balance < debit.amount) return { standing: 'exhausted', paymentId, balance, unit };
  if (commit) await buy(transaction, paymentId, debit, buys);
  return { standing: 'debited', paymentId, balance: balance - debit.amount };
};
