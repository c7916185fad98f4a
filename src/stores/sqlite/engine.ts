/** SQLite as the SQL layer sees it. Runs where it is called: on the writer's thread, or in a command. */
import { closeSync, existsSync, mkdirSync, openSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { migrations } from '../sql/migrations.ts';
import type { Row, SqlValue, Transaction } from '../sql/transaction.ts';

/** Less than callers wait, so that they are told what is wrong. */
export const BUSY_TIMEOUT_MS = 5_000;

/** One after another: where the system makes no folder at all, as in /proc, Node's own `recursive` never comes to an end. */
const createFolder = (folder: string): void => {
  if (existsSync(folder)) return;
  createFolder(dirname(folder));
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    // Made by somebody else meanwhile.
    if (!existsSync(folder)) throw error;
  }
};

/** It holds money: nobody else may read it, nor the files that SQLite makes beside it. */
export const createForOwner = (path: string): void => {
  createFolder(dirname(resolve(path)));
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

const numbered = /\$(\d+)/g;

type Values = readonly SqlValue[];

type Prepared = Readonly<{
  get(values: Values): Row | undefined;
  all(values: Values): Row[];
  /** Gives how many rows changed. */
  run(values: Values): number;
}>;

/** For SQLite `$1` is a name, and to bind a value by name takes five times as long as by place. */
const prepareIn = (database: DatabaseSync, sql: string): Prepared => {
  const statement = database.prepare(sql.replaceAll(numbered, '?'));
  const places = [...sql.matchAll(numbered)].map(([, number]) => Number(number) - 1);
  const isInOrder = places.every((place, index) => place === index);
  const count = new Set(places).size;
  const arrange = (values: Values): Values => {
    // SQLite would take what is missing for NULL.
    if (values.length !== count) throw new Error(`${values.length} values for the ${count} of: ${sql}`);
    return isInOrder ? values : places.map((place) => values[place] ?? null);
  };
  return {
    get: (values) => statement.get(...arrange(values)) as Row | undefined,
    all: (values) => statement.all(...arrange(values)) as Row[],
    run: (values) => Number(statement.run(...arrange(values)).changes),
  };
};

/** Statements are compiled once. */
export const createStatements = (database: DatabaseSync): ((sql: string) => Prepared) => {
  const statements = new Map<string, Prepared>();
  return (sql) => {
    const known = statements.get(sql);
    if (known) return known;
    const prepared = prepareIn(database, sql);
    statements.set(sql, prepared);
    return prepared;
  };
};

export const createTransaction = (database: DatabaseSync): Transaction => {
  const statement = createStatements(database);
  return {
    first: async (sql, values) => statement(sql).get(values),
    all: async (sql, values) => statement(sql).all(values),
    run: async (sql, values) => statement(sql).run(values),
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
