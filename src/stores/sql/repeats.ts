/** The requests that were debited a short while ago, so that none is debited twice. Rows go with the account's next debit, or by and by. */
import type { Debit } from '../../paywall/ledger.ts';
import type { Row, Transaction } from './transaction.ts';

const key = ({ rule, buys, once }: Debit): string => `${rule} ${'units' in buys ? 'units ' : ''}${once?.key}`;

/** The debit that this request was. */
export const findRepeated = async (
  transaction: Transaction,
  paymentId: string,
  debit: Debit,
): Promise<Row | undefined> => {
  if (!debit.once) return undefined;
  const sql = 'SELECT use_id FROM debits WHERE payment_id = $1 AND request_key = $2 AND expires_at > $3';
  return transaction.first(sql, [paymentId, key(debit), debit.nowMs]);
};

export const rememberDebit = async (transaction: Transaction, paymentId: string, debit: Debit): Promise<void> => {
  if (!debit.once) return;
  await transaction.run('DELETE FROM debits WHERE payment_id = $1 AND expires_at <= $2', [paymentId, debit.nowMs]);
  await transaction.run('INSERT INTO debits (payment_id, request_key, expires_at, use_id) VALUES ($1, $2, $3, $4)', [
    paymentId,
    key(debit),
    debit.once.untilMs,
    'units' in debit.buys ? debit.buys.useId : null,
  ]);
};
