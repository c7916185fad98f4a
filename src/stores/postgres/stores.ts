/** API keys and ledger in PostgreSQL, for one replica or many. */
import { createBillingStore, createStores, createUsageStore, type Stores } from '../sql/stores.ts';
import type { ReadRow } from '../sql/transaction.ts';
import { createWriteCheck } from '../sql/write-check.ts';
import { forgetCommits } from './commit.ts';
import { createExecute } from './execute.ts';
import { Fault, isBroken } from './fault.ts';
import { createPool, type Pool, type PostgresSettings } from './pool.ts';
import { createReady } from './ready.ts';
import { createUsageThread } from './usage-settings.ts';

const FORGET_EVERY_MS = 300_000;

/** A connection that broke while nobody used it is no reason to refuse anything: a read is asked once more. */
const AT_ONCE_MS = 1_000;

const createReadRow =
  (pool: Pool, ready: () => Promise<void>): ReadRow =>
  async (sql, values) => {
    await ready();
    const startedAt = performance.now();
    const read = () => pool.use(async (connection) => (await connection.query(sql, values)).rows[0]);
    try {
      return await read();
    } catch (error) {
      if (isBroken(error) && performance.now() - startedAt < AT_ONCE_MS) return read();
      throw error;
    }
  };

const refusesForGood = (error: unknown): boolean => !(error instanceof Fault) || error.kind === 'refused';

/**
 * Throws where PostgreSQL refuses what will not be otherwise later: password, database, certificate, schema of a newer
 * release. Where it cannot be reached, the stores are there all the same, and every call says so until it can.
 */
export const openPostgresStores = async (settings: PostgresSettings): Promise<Stores> => {
  const pool = createPool(settings);
  const ready = createReady(pool);
  try {
    await ready();
  } catch (error) {
    if (refusesForGood(error)) {
      await pool.close();
      const { host, port, database } = settings;
      const why = error instanceof Error ? error.message : String(error);
      throw new Error(`the store ${database} on ${host}:${port} cannot be opened: ${why}`, { cause: error });
    }
  }

  const readRow = createReadRow(pool, ready);
  const usage = createUsageThread(settings);
  const execute = createExecute(pool, ready);
  const forgetting = setInterval(() => {
    // What is not forgotten now is forgotten the next time.
    pool.use((connection) => connection.query(forgetCommits)).catch(() => undefined);
  }, FORGET_EVERY_MS).unref();

  return {
    ...createStores(execute, readRow),
    // What cannot be reached now may be there later.
    usage: { ...createUsageStore(usage.execute), open: async () => undefined },
    billing: createBillingStore(execute),

    async check() {
      await readRow('SELECT 1 AS one', []);
    },

    checkWrites: createWriteCheck(execute),

    async close() {
      clearInterval(forgetting);
      await Promise.all([pool.close(), usage.close()]);
    },
  };
};
