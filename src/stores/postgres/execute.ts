/** Runs the store's operations as transactions: each is carried out once, or not at all and says so. */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { type StoreOperations, operations as storeOperations } from '../sql/operations.ts';
import type { Execute, OperationShape, Transaction } from '../sql/transaction.ts';
import { commit, wasCommitted } from './commit.ts';
import { Fault, InDoubt, isBroken } from './fault.ts';
import type { Connection, Pool } from './pool.ts';

const operations: Readonly<Record<string, OperationShape>> = storeOperations;

/**
 * These lock the row that all else depends on before they read, or change rows by one conditional statement: they are right
 * whatever others commit meanwhile, and never have to be repeated because of it. Any other runs as if it were alone.
 */
const lockFirst: ReadonlySet<string> = new Set<keyof StoreOperations>([
  'insertKey',
  'findKey',
  'listKeys',
  'updateKey',
  'rotateKey',
  'revokeKey',
  'takeCredit',
  'presentClaims',
  'preparePayment',
  'leasePayment',
  'releasePayment',
  'replaceSwap',
  'settlePayment',
  'rejectPayment',
  'drawOnAccount',
  'reportUse',
  'findOutstanding',
  'forgetEnded',
  'findOtherSecrets',
  'replaceSecrets',
  'findUncollected',
  'collectProofs',
  'acceptPayment',
  'findUnsettled',
  'listWaiting',
  'listUnchecked',
  'noteChecked',
  'openBatch',
  'refuseBatch',
  'addUsage',
  'findUsageCallers',
  'sumUsage',
  'forgetUsage',
  'findPod',
  'listPods',
  'countPods',
  'listWantedPods',
  'notePodCreated',
  'notePodSeen',
  'notePodLost',
  'listExpiredPods',
  'endPod',
  'giveBackPod',
  'releasePlaces',
  'tryWrite',
  'forgetPods',
]);

const begin = (name: string): string =>
  `BEGIN ISOLATION LEVEL ${lockFirst.has(name) ? 'READ COMMITTED' : 'SERIALIZABLE'}`;

/** Sooner than callers lose their patience. */
const GIVE_UP_AFTER_MS = 6_000;
const MOST_CONFLICTS = 30;
/** A connection that broke while nobody used it shows at once, and the next may be good. */
const LOST_AT_ONCE_MS = 1_000;
const LONGEST_PAUSE_MS = 100;

const pauseMs = (tries: number): number => Math.random() * Math.min(2 ** tries, LONGEST_PAUSE_MS);

/** What a reading statement gives are rows as well. */
const isWriting = (sql: string): boolean => /^\s*(?:INSERT|UPDATE|DELETE)\b/i.test(sql);

const transactionOn = (connection: Connection) => {
  let changes = 0;
  const query: Connection['query'] = async (sql, values) => {
    const result = await connection.query(sql, values);
    if (isWriting(sql)) changes += result.changes;
    return result;
  };
  const transaction: Transaction = {
    first: async (sql, values) => (await query(sql, values)).rows[0],
    all: async (sql, values) => (await query(sql, values)).rows,
    run: async (sql, values) => (await query(sql, values)).changes,
  };
  return { transaction, hasWritten: () => changes > 0 };
};

const attempt = async (connection: Connection, name: string, argument: unknown): Promise<unknown> => {
  const { transaction, hasWritten } = transactionOn(connection);
  await connection.script(begin(name));
  try {
    const value = await operations[name]?.(transaction, argument as never);
    if (hasWritten()) await commit(connection, randomUUID(), value);
    else await connection.script('ROLLBACK');
    return value;
  } catch (error) {
    if (!isBroken(error)) await connection.script('ROLLBACK');
    throw error;
  }
};

const mayTryAgain = (error: unknown, tries: number, tookMs: number): boolean => {
  if (!(error instanceof Fault)) return false;
  switch (error.kind) {
    case 'conflict':
      return tries < MOST_CONFLICTS && tookMs < GIVE_UP_AFTER_MS;
    case 'lost':
      return tookMs < LOST_AT_ONCE_MS;
    case 'unavailable':
    case 'refused':
      return false;
  }
};

/** `ready` is waited for before anything is run. */
export const createExecute = (pool: Pool, ready: () => Promise<void>): Execute<StoreOperations> => {
  /** Asks until there is an answer: only that tells whether to do it again. */
  const settleDoubt = async (commitName: string, giveUpAt: number): Promise<boolean> => {
    for (let tries = 1; ; tries++) {
      try {
        return await pool.use((connection) => wasCommitted(connection, commitName));
      } catch (error) {
        if (performance.now() > giveUpAt) throw error;
      }
      await delay(pauseMs(tries));
    }
  };

  type Try = Readonly<{ name: string; argument: unknown; tries: number; startedAt: number }>;

  /** Gives nothing where it is to be done again. */
  const tryOnce = async ({
    name,
    argument,
    tries,
    startedAt,
  }: Try): Promise<Readonly<{ value: unknown }> | undefined> => {
    try {
      return { value: await pool.use((connection) => attempt(connection, name, argument)) };
    } catch (error) {
      if (error instanceof InDoubt) {
        const isDone = await settleDoubt(error.commitName, startedAt + GIVE_UP_AFTER_MS);
        return isDone ? { value: error.value } : undefined;
      }
      if (mayTryAgain(error, tries, performance.now() - startedAt)) return undefined;
      throw error;
    }
  };

  const run = async (name: string, argument: unknown): Promise<unknown> => {
    await ready();
    const startedAt = performance.now();
    for (let tries = 1; ; tries++) {
      const done = await tryOnce({ name, argument, tries, startedAt });
      if (done) return done.value;
      await delay(pauseMs(tries));
    }
  };

  // What comes back is what the operation of this name gives.
  return run as Execute<StoreOperations>;
};
