/** What the mint was asked to sign for a payment: in the order of asking, and none forgotten. */
import type { Swap } from '../../paywall/ledger.ts';
import { integer, type Row, type Transaction, text } from './transaction.ts';

const toSwap = (row: Row): Swap => ({
  number: integer(row, 'number'),
  fee: integer(row, 'fee'),
  credit: integer(row, 'credit'),
  body: text(row, 'body'),
  outputs: text(row, 'outputs'),
});

export const swapsOf = async (transaction: Transaction, paymentId: string): Promise<readonly Swap[]> => {
  const sql = 'SELECT number, fee, credit, body, outputs FROM swaps WHERE payment_id = $1 ORDER BY number';
  return (await transaction.all(sql, [paymentId])).map(toSwap);
};

const insertSwap = async (
  transaction: Transaction,
  paymentId: string,
  { number, fee, credit, body, outputs }: Swap,
): Promise<number> => {
  await transaction.run(
    'INSERT INTO swaps (payment_id, number, fee, credit, body, outputs) VALUES ($1, $2, $3, $4, $5, $6)',
    [paymentId, number, fee, credit, body, outputs],
  );
  return number;
};

/** Of a payment that had none before. */
export const addFirstSwap = (
  transaction: Transaction,
  paymentId: string,
  swap: Omit<Swap, 'number'>,
): Promise<number> => insertSwap(transaction, paymentId, { ...swap, number: 1 });

/** Gives its number. */
export const addSwap = async (
  transaction: Transaction,
  paymentId: string,
  swap: Omit<Swap, 'number'>,
): Promise<number> => {
  const last = await transaction.first('SELECT MAX(number) AS last FROM swaps WHERE payment_id = $1', [paymentId]);
  return insertSwap(transaction, paymentId, { ...swap, number: 1 + (last ? integer(last, 'last') : 0) });
};
