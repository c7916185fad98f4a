/** Whether anything can be written, tried out: a store that is read without trouble may be full, or locked by another. */
import type { Execute, Transaction } from './transaction.ts';

export const writeCheckOperations = {
  /** A row that is gone before anybody sees it takes the locks and the room of any other. */
  async tryWrite(transaction: Transaction, _: null): Promise<void> {
    await transaction.run('INSERT INTO sealing_keys (id) VALUES ($1)', ['']);
    await transaction.run('DELETE FROM sealing_keys WHERE id = $1', ['']);
  },
};

/** One at a time, however many ask: who asks meanwhile is told the same. */
export const createWriteCheck = (execute: Execute<typeof writeCheckOperations>): (() => Promise<void>) => {
  let trying: Promise<void> | undefined;
  return () => {
    trying ??= execute('tryWrite', null).finally(() => {
      trying = undefined;
    });
    return trying;
  };
};
