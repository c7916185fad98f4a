/** Writing proofs of our own, and taking hold of them. */
import type { NewProof, Uncollected } from '../../paywall/wallet/proof-store.ts';
import { insertRows } from './insert-rows.ts';
import { integer, type SqlValue, type Transaction } from './transaction.ts';

/** Locks the rows before anything is written. Says whether all of them are there and unspent. */
export const holdProofs = async (
  transaction: Transaction,
  mint: string,
  unit: string,
  ids: readonly string[],
): Promise<boolean> => {
  for (const id of ids) {
    const held = await transaction.run(
      `UPDATE proofs SET state = state WHERE id = $1 AND mint = $2 AND unit = $3 AND state = 'unspent'`,
      [id, mint, unit],
    );
    if (held === 0) return false;
  }
  return true;
};

/** Whether so much is held, unspent. Read where no other transaction changes it before this one has ended. */
export const holdsAtLeast = async (
  transaction: Transaction,
  mint: string,
  unit: string,
  amount: number | undefined,
): Promise<boolean> => {
  if (amount === undefined) return true;
  const held = await transaction.first(
    `SELECT COALESCE(SUM(amount), 0) AS amount FROM proofs WHERE mint = $1 AND unit = $2 AND state = 'unspent'`,
    [mint, unit],
  );
  return held !== undefined && integer(held, 'amount') >= amount;
};

/** `exportId`: of the token that it is in from the beginning. */
export const rowOfProof = (
  { paymentId, mint, unit }: Uncollected,
  { id, keysetId, amount, secret, C, state }: NewProof,
  exportId?: string,
): readonly SqlValue[] => [
  ...[id, paymentId, mint, unit, keysetId, amount, secret, C],
  ...[exportId ? 'reserved' : state, exportId ?? null],
];

/** Throws where one of them is there. */
export const insertProofs = async (transaction: Transaction, rows: readonly (readonly SqlValue[])[]): Promise<void> => {
  const head = 'INSERT INTO proofs (id, payment_id, mint, unit, keyset_id, amount, secret, c, state, export_id) VALUES';
  await insertRows(transaction, { head, rows }, '');
};
