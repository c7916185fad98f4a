/** Takes one request from the credit of a settled payment: from what was bought for the rule, or by buying again. */
import type { Debit, Standing } from '../../paywall/ledger.ts';
import { integer, type Row, type Transaction } from './transaction.ts';

const covers = (purchase: Row | undefined, { buys, nowMs }: Debit): boolean =>
  purchase !== undefined &&
  ('timeMs' in buys ? integer(purchase, 'expires_at') > nowMs : integer(purchase, 'requests_left') > 0);

const useOne = async (transaction: Transaction, paymentId: string, { rule, buys }: Debit): Promise<void> => {
  if ('timeMs' in buys) return;
  await transaction.run(
    'UPDATE purchases SET requests_left = requests_left - 1 WHERE payment_id = $1 AND rule = $2 AND requests_left > 0',
    [paymentId, rule],
  );
};

const buy = async (
  transaction: Transaction,
  paymentId: string,
  { rule, amount, buys, nowMs }: Debit,
): Promise<void> => {
  await transaction.run('UPDATE credits SET balance = balance - $2 WHERE payment_id = $1 AND balance >= $2', [
    paymentId,
    amount,
  ]);
  const [requestsLeft, expiresAt] = 'timeMs' in buys ? [0, nowMs + buys.timeMs] : [buys.requests - 1, 0];
  await transaction.run(
    `INSERT INTO purchases (payment_id, rule, requests_left, expires_at) VALUES ($1, $2, $3, $4)
      ON CONFLICT (payment_id, rule) DO UPDATE SET requests_left = excluded.requests_left, expires_at = excluded.expires_at`,
    [paymentId, rule, requestsLeft, expiresAt],
  );
};

/** Without `commit` it says what would come of it. The credit's row is locked first, so that debits come one by one. */
export const drawOn = async (
  transaction: Transaction,
  paymentId: string,
  unit: string,
  debit: Debit,
  commit: boolean,
): Promise<Standing> => {
  if (commit) await transaction.run('UPDATE credits SET balance = balance WHERE payment_id = $1', [paymentId]);
  const credit = await transaction.first('SELECT balance FROM credits WHERE payment_id = $1', [paymentId]);
  const balance = credit ? integer(credit, 'balance') : 0;
  const purchase = await transaction.first(
    'SELECT requests_left, expires_at FROM purchases WHERE payment_id = $1 AND rule = $2',
    [paymentId, debit.rule],
  );
  if (covers(purchase, debit)) {
    if (commit) await useOne(transaction, paymentId, debit);
    return { standing: 'debited', paymentId, balance };
  }
  if (unit !== debit.unit || balance < debit.amount) return { standing: 'exhausted', paymentId, balance };
  if (commit) await buy(transaction, paymentId, debit);
  return { standing: 'debited', paymentId, balance: balance - debit.amount };
};
