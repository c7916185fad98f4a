/**
 * Processes that write to one file take turns. SQLite gives its lock to whoever happens to ask while it is free: a process
 * that writes without a pause would keep others out until they give up. Here whoever waits for the lock has the turn, and
 * nobody may go on for long without it. The turn is a lock on a file of its own, which ends with its process.
 */
import { DatabaseSync } from 'node:sqlite';
import { BUSY_TIMEOUT_MS, createForOwner, isBusy, pause } from './engine.ts';

export type Turns = Readonly<{
  /** Begins a transaction that writes. Blocks its thread meanwhile; throws where others do not let it in. */
  begin(database: DatabaseSync): void;
  close(): void;
}>;

/** One after another, transactions of one process cost less than of several in turn. */
const TURN_MS = 25;

const hasBegun = (database: DatabaseSync): boolean => {
  try {
    database.exec('BEGIN IMMEDIATE');
    return true;
  } catch (error) {
    if (isBusy(error)) return false;
    throw error;
  }
};

/** SQLite's own way of waiting sleeps for up to 100 ms while the lock is free. */
const beginBefore = (giveUpAt: number, database: DatabaseSync): void => {
  while (!hasBegun(database)) {
    if (performance.now() > giveUpAt) throw new Error('database is locked: other processes write all the time');
    pause(1);
  }
};

/** Neither file has a busy timeout of its own. */
export const openTurns = (path: string): Turns => {
  const file = `${path}-turn`;
  createForOwner(file);
  const turn = new DatabaseSync(file, { timeout: 0 });
  // Nothing is ever written: a journal would be a file that is made and removed at each turn.
  turn.exec('PRAGMA journal_mode = MEMORY');
  let endsAt = 0;
  return {
    begin(database) {
      const now = performance.now();
      if (now < endsAt && hasBegun(database)) return;
      beginBefore(now + BUSY_TIMEOUT_MS, turn);
      try {
        beginBefore(now + BUSY_TIMEOUT_MS, database);
      } finally {
        turn.exec('ROLLBACK');
      }
      endsAt = performance.now() + TURN_MS;
    },

    close: () => turn.close(),
  };
};
