/**
 * A few threads for what takes long: the checks of other people's proofs, and where libsecp256k1 has no binary everything.
 * Started by the first work, ended by `close`.
 */
import { Worker } from 'node:worker_threads';
import type { CurveEngine, OperationName } from './operations.ts';

export type PoolRequest = Readonly<{ id: number; operation: OperationName; value: unknown }>;
export type PoolReply = Readonly<{ id: number; result?: unknown; error?: string }>;

export type CurvePool = CurveEngine & Readonly<{ close(): Promise<void> }>;

type Waiting = Readonly<{ resolve: (result: never) => void; reject: (error: Error) => void }>;
type Running = Readonly<{ thread: Worker; waiting: Map<number, Waiting> }>;

const THREADS = 2;

const start = (isFast: boolean, onEnd: () => void): Running => {
  const thread = new Worker(new URL('./pool-thread.ts', import.meta.url), { workerData: { isFast } });
  const waiting = new Map<number, Waiting>();
  let failure = new Error('the curve’s threads are closed');
  // It must not keep a process alive that has nothing else to do.
  thread.unref();
  thread.on('message', ({ id, result, error }: PoolReply) => {
    const asked = waiting.get(id);
    waiting.delete(id);
    if (waiting.size === 0) thread.unref();
    if (error === undefined) asked?.resolve(result as never);
    else asked?.reject(new Error(error));
  });
  thread.on('error', (error) => {
    failure = error instanceof Error ? error : new Error(String(error));
  });
  thread.on('exit', () => {
    onEnd();
    for (const { reject } of waiting.values()) reject(failure);
  });
  return { thread, waiting };
};

/** `isFast`: by libsecp256k1. */
export const createCurvePool = (isFast: boolean): CurvePool => {
  const running: (Running | undefined)[] = Array.from({ length: THREADS });
  let closed = false;
  let lastId = 0;

  const threadOf = (id: number): Running => {
    const place = id % THREADS;
    const known = running[place];
    if (known) return known;
    const started = start(isFast, () => {
      running[place] = undefined;
    });
    running[place] = started;
    return started;
  };

  const ask =
    (operation: OperationName) =>
    (value: unknown): Promise<never> =>
      new Promise((resolve, reject) => {
        if (closed) return reject(new Error('the curve’s threads are closed'));
        const id = ++lastId;
        const { thread, waiting } = threadOf(id);
        waiting.set(id, { resolve, reject });
        thread.ref();
        thread.postMessage({ id, operation, value } satisfies PoolRequest);
      });

  return {
    hashToCurve: ask('hashToCurve'),
    blind: ask('blind'),
    unblind: ask('unblind'),
    isPoint: ask('isPoint'),
    sign: ask('sign'),
    areProven: ask('areProven'),

    async close() {
      closed = true;
      await Promise.all(running.map((each) => each?.thread.terminate()));
    },
  };
};
