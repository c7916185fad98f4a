/** `kill -9` at each of the six points of a redemption, 204 times: no sat is lost, none counted twice. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { openSqliteStores } from '../../src/stores/sqlite/stores.ts';
import { createWorkdir } from '../servers/workdir.ts';
import { points, type StormStore, storm } from './storm.ts';
import { balanceBooks } from './storm-books.ts';

/** On each of two ledgers, side by side. */
const KILLS = 102;

const sqliteStore = (t: TestContext): StormStore => {
  const path = join(createWorkdir('storm-db', { after: (end) => t.after(end) }).path, 'test.db');
  return {
    choice: { type: 'sqlite', path },
    open: async () => openSqliteStores(path),
    async query(sql) {
      const database = new DatabaseSync(path, { readOnly: true });
      try {
        return database.prepare(sql).all();
      } finally {
        database.close();
      }
    },
  };
};

const weather = async (t: TestContext, store: StormStore): Promise<void> => {
  const aftermath = await storm(t, store, KILLS);
  const { died, gifts } = aftermath;
  for (const point of points) assert.ok((died.get(point) ?? 0) >= KILLS / 12, `${point}: ${died.get(point)}`);
  const books = await balanceBooks(store, aftermath);
  assert.ok(books.settled > 0 && books.elsewhere > 0 && books.untouched > 0);
  t.diagnostic(
    `${JSON.stringify(Object.fromEntries(died))} of ${gifts.length} tokens; in sat: ${JSON.stringify(books)}`,
  );
};

test(`sqlite: ${2 * KILLS} processes are killed, and the payers, the mint and two ledgers agree to the sat`, async (t) => {
  // Both to their end, so that none goes on without what the test has put away.
  const ended = await Promise.allSettled([weather(t, sqliteStore(t)), weather(t, sqliteStore(t))]);
  for (const one of ended) if (one.status === 'rejected') throw one.reason;
});
