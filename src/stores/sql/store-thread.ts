/** This side of a thread that runs operations of the store. It is started by the first, and again after it broke. */
import { Worker } from 'node:worker_threads';
import type { StoreOperations } from './operations.ts';
import type { Execute } from './transaction.ts';

export type ThreadRequest = Readonly<{ id: number; operation: string; argument: unknown }>;
/** What was asked in one turn of the event loop: to wake a thread for each costs more than most of what it is asked. */
export type ThreadMessage = readonly ThreadRequest[] | 'close';
export type ThreadReply = Readonly<{ id: number; value?: unknown; error?: string }>;

export type StoreThread = Readonly<{
  execute: Execute<StoreOperations>;
  /** Something was asked of it, and it has not broken since. */
  isRunning(): boolean;
  /** What was asked before is written first. */
  close(): Promise<void>;
}>;

type Waiting = Readonly<{ resolve: (value: unknown) => void; reject: (error: Error) => void }>;

type Running = Readonly<{
  thread: Worker;
  waiting: Map<number, Waiting>;
  /** Not sent to the thread yet. */
  asked: ThreadRequest[];
  ended: Promise<void>;
}>;

const post = ({ thread, asked }: Running): void => {
  if (asked.length > 0) thread.postMessage(asked.splice(0) satisfies ThreadMessage);
};

const start = (script: URL, workerData: unknown, onEnd: () => void): Running => {
  const thread = new Worker(script, { workerData });
  const waiting = new Map<number, Waiting>();
  let failure = new Error('the store is closed');
  thread.on('message', (replies: readonly ThreadReply[]) => {
    for (const { id, value, error } of replies) {
      const asked = waiting.get(id);
      waiting.delete(id);
      if (error === undefined) asked?.resolve(value);
      else asked?.reject(new Error(error));
    }
  });
  thread.on('error', (error) => {
    failure = error instanceof Error ? error : new Error(String(error));
  });
  const ended = new Promise<void>((resolve) => {
    thread.on('exit', () => {
      onEnd();
      for (const { reject } of waiting.values()) reject(failure);
      resolve();
    });
  });
  return { thread, waiting, asked: [], ended };
};

/** `script` answers each `ThreadMessage` by lists of `ThreadReply`. */
export const createStoreThread = (script: URL, workerData: unknown): StoreThread => {
  let running: Running | undefined;
  let closed = false;
  let lastId = 0;

  const send = (operation: string, argument: unknown): Promise<unknown> =>
    new Promise((resolve, reject) => {
      if (closed) return reject(new Error('the store is closed'));
      running ??= start(script, workerData, () => {
        running = undefined;
      });
      const id = ++lastId;
      running.waiting.set(id, { resolve, reject });
      if (running.asked.length === 0) process.nextTick(post, running);
      running.asked.push({ id, operation, argument });
    });

  return {
    // The thread runs the operation of this name: what comes back is what it gives.
    execute: send as Execute<StoreOperations>,

    isRunning: () => running !== undefined,

    async close() {
      closed = true;
      if (running) post(running);
      running?.thread.postMessage('close' satisfies ThreadMessage);
      await running?.ended;
    },
  };
};
