/**
 * API keys and ledger in one SQLite file: written by one thread, read at once where they are asked for. Usage is in another,
 * with a thread of its own (docs/decisions/0013).
 */
import type { DatabaseSync } from 'node:sqlite';
import { createStores, type Stores } from '../sql/stores.ts';
import type { ReadRow } from '../sql/transaction.ts';
import { createWriteCheck } from '../sql/write-check.ts';
import { createStatements, migrate, openDatabase } from './engine.ts';
import { createUsageFile } from './usage-file.ts';
import { createWriter } from './writer.ts';

const openReader = (path: string): DatabaseSync => {
  try {
    const reader = openDatabase(path);
    migrate(reader);
    return reader;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`the store ${path} cannot be opened: ${why}`, { cause });
  }
};

const createReadRow = (reader: DatabaseSync): ReadRow => {
  const statement = createStatements(reader);
  return (sql, values) => statement(sql).get(values);
};

/** Throws where the file cannot be opened or written, or a newer release has written it. */
export const openSqliteStores = (path: string): Stores => {
  const reader = openReader(path);
  const { execute, isRunning, close } = createWriter(path);
  const readRow = createReadRow(reader);
  const usage = createUsageFile(`${path}-usage`);
  const tryWrite = createWriteCheck(execute);

  return {
    ...createStores(execute, readRow),
    usage: usage.store,
    billing: usage.billing,

    async check() {
      reader.prepare('SELECT 1').get();
    },

    // A thread of its own is not started for it.
    async checkWrites() {
      if (isRunning()) await tryWrite();
    },

    async close() {
      reader.close();
      await Promise.all([close(), usage.close()]);
    },
  };
};
