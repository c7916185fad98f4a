import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { TestContext } from 'node:test';
import { openSqliteStores } from '../../src/stores/sqlite/stores.ts';
import { createWorkdir } from '../servers/workdir.ts';
import type { StormStore } from './storm.ts';

/** A SQLite file to be stormed. */
export const createStormFile = (t: TestContext): StormStore => {
  const path = join(createWorkdir('storm-db', { after: (end) => t.after(end) }).path, 'test.db');
  return {
    store: `sqlite:${path}`,
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
