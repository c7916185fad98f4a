/** The credit of an account, which has the id of the payment that opened it. */
import { integer, type Row, type Transaction } from './transaction.ts';

/** The credit's row is locked first, so that debits come one by one. */
export const lockCredit = (transaction: Transaction, accountId: string): Promise<number> =>
  transaction.run('UPDATE credits SET balance = balance WHERE payment_id = $1', [accountId]);

export const findBalance = 'SELECT balance FROM credits WHERE payment_id = $1';

export const toBalance = (credit: Row | undefined): number => (credit ? integer(credit, 'balance') : 0);

export const balanceOf = async (transaction: Transaction, accountId: string): Promise<number> =>
  toBalance(await transaction.first(findBalance, [accountId]));

export const spend = (transaction: Transaction, accountId: string, amount: number): Promise<number> =>
  transaction.run('UPDATE credits SET balance = balance - $2 WHERE payment_id = $1', [accountId, amount]);

/** Opens the account where it is not open yet. */
export const addCredit = (transaction: Transaction, accountId: string, amount: number): Promise<number> =>
  transaction.run(
    `INSERT INTO credits (payment_id, balance) VALUES ($1, $2)
      ON CONFLICT (payment_id) DO UPDATE SET balance = credits.balance + excluded.balance`,
    [accountId, amount],
  );
