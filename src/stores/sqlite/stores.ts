/** API keys and ledger in one SQLite file: written by one thread, keys read at once where they are asked for. */
import type { DatabaseSync } from 'node:sqlite';
import type { KeyStore } from '../../keys/key-store.ts';
import type { Claims, Debit, Ledger, Standing } from '../../paywall/ledger.ts';
import { findRunningTime, toRunningTime } from '../sql/debit.ts';
import { findKeyByHash, toKeyRecord } from '../sql/key-operations.ts';
import type { Row } from '../sql/transaction.ts';
import { migrate, openDatabase } from './engine.ts';
import { createWriter } from './writer.ts';

export type Stores = Readonly<{
  keys: KeyStore;
  ledger: Ledger;
  /** Throws where the store does not answer. */
  check(): Promise<void>;
  close(): Promise<void>;
}>;

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

/** Throws where the file cannot be opened or written, or a newer release has written it. */
export const openSqliteStores = (path: string): Stores => {
  const reader = openReader(path);
  const { execute, close } = createWriter(path);
  const byHash = reader.prepare(findKeyByHash);
  const runningTime = reader.prepare(findRunningTime);

  /** Time that runs needs no writing: it is read where it is asked for, and goes on when the disk takes no more. */
  const presentTime = ({ paymentId }: Claims, { rule, buys, nowMs }: Debit): Standing | undefined => {
    if (!('timeMs' in buys)) return undefined;
    const row = runningTime.get({ $1: paymentId, $2: rule, $3: nowMs }) as Row | undefined;
    return row && toRunningTime(row);
  };

  return {
    keys: {
      insert: (record) => execute('insertKey', record),
      findByHash(hash) {
        const row = byHash.get({ $1: hash }) as Row | undefined;
        return row && toKeyRecord(row);
      },
      listByUser: (userId) => execute('listKeysByUser', userId),
      revoke: (id, atMs) => execute('revokeKey', { id, atMs }),
    },

    ledger: {
      present: async (claims, debit, commit) =>
        presentTime(claims, debit) ?? execute('presentClaims', { claims, debit, commit }),
      prepare: (payment, claims) => execute('preparePayment', { payment, claims }),
      lease: (paymentId, holder, nowMs, untilMs) => execute('leasePayment', { paymentId, holder, nowMs, untilMs }),
      release: (paymentId, holder, untilMs, unansweredAtMs) =>
        execute('releasePayment', { paymentId, holder, untilMs, unansweredAtMs }),
      replaceSwap: (paymentId, holder, swap) => execute('replaceSwap', { paymentId, holder, swap }),
      settle: (paymentId, swapNumber, signatures, nowMs) =>
        execute('settlePayment', { paymentId, swapNumber, signatures, nowMs }),
      reject: (paymentId, holder, rejection, keepSwaps, nowMs) =>
        execute('rejectPayment', { paymentId, holder, rejection, keepSwaps, nowMs }),
    },

    async check() {
      reader.prepare('SELECT 1').get();
    },

    async close() {
      reader.close();
      await close();
    },
  };
};
