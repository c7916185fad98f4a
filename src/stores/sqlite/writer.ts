import { createStoreThread, type StoreThread } from '../sql/store-thread.ts';

export type WriterOptions = Readonly<{
  /** Whether the thread gives way to whoever answers requests: nobody waits for what it writes. */
  givesWay?: boolean;
}>;

/** The thread that writes to a file. It runs what was asked before it was closed. */
export const createWriter = (path: string, { givesWay = false }: WriterOptions = {}): StoreThread =>
  createStoreThread(new URL('./writer-thread.ts', import.meta.url), { path, givesWay });
