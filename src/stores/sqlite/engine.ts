/** SQLite as the SQL layer sees it. Runs where it is called: on the writer's thread, or in a command. */
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { migrations } from '../sql/migrations.ts';
import type { Row, SqlValue, Transaction } from '../sql/transaction.ts';

/** Less than callers wait, so that they are told what is wrong. */
export const BUSY_TIMEOUT_MS = 5_000;

/** It holds money: nobody else may read it, nor the files that SQLite makes beside it. */
export const createForOwner = (path: string): void => {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  closeSync(openSync(path, 'a', 0o600));
};

const SQLITE_BUSY = 5;

export const isBusy = (error: unknown): boolean =>
  error instanceof Error && 'errcode' in error && (Number(error.errcode) & 0xff) === SQLITE_BUSY;

export const pause = (ms: number): void => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
};

/** Of several that switch a new file at the same moment, SQLite turns all but one away at once, without its busy timeout. */
const switchToWal = (database: DatabaseSync): void => {
  const giveUpAt = Date.now() + BUSY_TIMEOUT_MS;
  for (;;) {
    try {
      database.exec('PRAGMA journal_mode = WAL');
      return;
    } catch (error) {
      if (!isBusy(error) || Date.now() > giveUpAt) throw error;
      pause(10);
    }
  }
};

/** Opens the file, made if it is missing. `FULL`: a commit that returned survives a power cut. */
export const openDatabase = (path: string, busyTimeoutMs = BUSY_TIMEOUT_MS): DatabaseSync => {
  if (path !== ':memory:') createForOwner(path);
  const database = new DatabaseSync(path, { timeout: busyTimeoutMs });
  switchToWal(database);
  database.exec('PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON');
  return database;
};

/** SQLite numbers `$1` by name; the values come in the order of the numbers. */
export const named = (values: readonly SqlValue[]): Record<string, SqlValue> =>
  Object.fromEntries(values.map((value, index) => [`$${index + 1}`, value]));

const numbered = /\$(\d+)/g;

/** Many rows at once have thousands of values, which to bind by name takes ten times as long. */
const MANY_VALUES = 64;

/** Whether each value is used once, in the order of the numbers. */
const isInOrder = (sql: string): boolean =>
  [...sql.matchAll(numbered)].every(([, number], index) => Number(number) === index + 1);

type Prepared = Readonly<{ statement: StatementSync; isByPlace: boolean }>;

const prepareIn = (database: DatabaseSync, sql: string, values: number): Prepared => {
  const isByPlace = values >= MANY_VALUES && isInOrder(sql);
  return { statement: database.prepare(isByPlace ? sql.replaceAll(numbered, '?') : sql), isByPlace };
};

/** Statements are compiled once. */
export const createTransaction = (database: DatabaseSync): Transaction => {
  const statements = new Map<string, Prepared>();
  const prepare = (sql: string, values: number): Prepared => {
    const known = statements.get(sql);
    if (known) return known;
    const prepared = prepareIn(database, sql, values);
    statements.set(sql, prepared);
    return prepared;
  };
  return {
    first: async (sql, values) => prepare(sql, 0).statement.get(named(values)) as Row | undefined,

    async all(sql, values) {
      const { statement, isByPlace } = prepare(sql, values.length);
      return (isByPlace ? statement.all(...values) : statement.all(named(values))) as Row[];
    },

    async run(sql, values) {
      const { statement, isByPlace } = prepare(sql, values.length);
      return Number((isByPlace ? statement.run(...values) : statement.run(named(values))).changes);
    },
  };
};

const versionOf = (database: DatabaseSync): number =>
  Number(database.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0);

/** Brings the schema to the newest version, under a lock; refuses a file that a newer release has written. */
export const migrate = (database: DatabaseSync): void => {
  // Whoever starts beside those who write all the time need not wait for them.
  if (versionOf(database) === migrations.length) return;
  database.exec('BEGIN IMMEDIATE');
  try {
    const version = versionOf(database);
    if (version > migrations.length) {
      throw new Error(
        `The database has schema version ${version}, this release knows ${migrations.length}. Use a newer release.`,
      );
    }
    for (const statements of migrations.slice(version)) for (const sql of statements) database.exec(sql);
    database.exec(`PRAGMA user_version = ${migrations.length}`);
    database.exec('COMMIT');
  } catch (error) {
    database.exec('ROLLBACK');
    throw error;
  }
};
