/** This side of the thread that writes. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { keyOperations } from '../sql/key-operations.ts';
import type { ledgerOperations } from '../sql/ledger-operations.ts';
import type { Execute } from '../sql/transaction.ts';

export type WriterRequest = Readonly<{ id: number; operation: string; argument: unknown }>;
/** `id` 0 says that the database is open and its schema is the newest. */
export type WriterReply = Readonly<{ id: number; value?: unknown; error?: string }>;

export type StoreOperations = typeof keyOperations & typeof ledgerOperations;

export type Writer = Readonly<{ execute: Execute<StoreOperations>; close(): Promise<void> }>;

type Waiting = Readonly<{ resolve: (value: unknown) => void; reject: (error: Error) => void }>;

/** Rejects where the file cannot be opened. */
export const startWriter = async (path: string): Promise<Writer> => {
  const thread = new Worker(new URL('./writer-thread.ts', import.meta.url), { workerData: { path } });
  const waiting = new Map<number, Waiting>();
  let lastId = 0;
  let dead: Error | undefined;

  const abandon = (error: Error): void => {
    dead = error;
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };

  await once(thread, 'message');
  thread.on('message', ({ id, value, error }: WriterReply) => {
    const asked = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) asked?.resolve(value);
    else asked?.reject(new Error(error));
  });
  thread.on('error', (error) => abandon(error instanceof Error ? error : new Error(String(error))));
  thread.on('exit', () => abandon(new Error('the store is closed')));

  const send = (operation: string, argument: unknown): Promise<unknown> =>
    new Promise((resolve, reject) => {
      if (dead) return reject(dead);
      const id = ++lastId;
      waiting.set(id, { resolve, reject });
      thread.postMessage({ id, operation, argument } satisfies WriterRequest);
    });

  return {
    // The thread runs the operation of this name: what comes back is what it gives.
    execute: send as Execute<StoreOperations>,

    async close() {
      if (dead) return;
      const ended = once(thread, 'exit');
      thread.postMessage('close');
      await ended;
    },
  };
};
