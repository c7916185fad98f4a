/** Usage in a SQLite file of its own: who pays does not wait for its batches (docs/decisions/0013). */

import type { BillingStore } from '../../usage/billing/billing-store.ts';
import type { UsageStore } from '../../usage/usage-store.ts';
import type { StoreOperations } from '../sql/operations.ts';
import type { StoreThread } from '../sql/store-thread.ts';
import { createBillingStore, createUsageStore } from '../sql/stores.ts';
import type { Execute } from '../sql/transaction.ts';
import { migrate, openDatabase } from './engine.ts';
import { createWriter } from './writer.ts';

const openWriter = (path: string): StoreThread => {
  try {
    const database = openDatabase(path);
    migrate(database);
    database.close();
    return createWriter(path, { givesWay: true });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`the store ${path} cannot be opened: ${why}`, { cause });
  }
};

export type UsageFile = Readonly<{ store: UsageStore; billing: BillingStore; close(): Promise<void> }>;

/** The file is made when it is needed first. */
export const createUsageFile = (path: string): UsageFile => {
  let writer: StoreThread | undefined;
  let closed = false;

  const open = (): StoreThread => {
    if (closed) throw new Error('the store is closed');
    writer ??= openWriter(path);
    return writer;
  };
  const execute: Execute<StoreOperations> = (name, argument) => open().execute(name, argument);

  return {
    store: {
      ...createUsageStore(execute),
      open: async () => {
        open();
      },
    },
    billing: createBillingStore(execute),

    async close() {
      closed = true;
      await writer?.close();
    },
  };
};
