/** The requests that were debited a short while ago, so that none is debited twice. Rows go with the account's next debit. */
import type { Debit } from '../../paywall/ledger.ts';
import type { Transaction } from './transaction.ts';

const key = ({ rule, once }: Debit): string => `${rule} ${once?.key}`;

export const isRepeat = async (transaction: Transaction, paymentId: string, debit: Debit): Promise<boolean> => {
  if (!debit.once) return false;
  const sql = 'SELECT 1 AS one FROM debits WHERE payment_id = $1 AND request_key = $2 AND expires_at > $3';
  return (await transaction.first(sql, [paymentId, key(debit), debit.nowMs])) !== undefined;
};

export const rememberDebit = async (transaction: Transaction, paymentId: string, debit: Debit): Promise<void> => {
  if (!debit.once) return;
  await transaction.run('DELETE FROM debits WHERE payment_id = $1 AND expires_at <= $2', [paymentId, debit.nowMs]);
  await transaction.run('INSERT INTO debits (payment_id, request_key, expires_at) VALUES ($1, $2, $3)', [
    paymentId,
    key(debit),
    debit.once.untilMs,
  ]);
};
