/**
 * Threads on which a compiled policy is evaluated: WebAssembly cannot be interrupted, but a thread can be ended, and the event loop
 * never waits for it. All questions of one turn of the event loop, and all that come while both threads are busy, go over as one
 * message. One policy that loops stops one thread; what waits behind it is taken to the other.
 */
import type { PolicyAnswer } from '../../../checks/policy-engine.ts';
import type { EvaluatorOptions } from './evaluator.ts';
import { PolicyThread, type Ready } from './policy-thread.ts';
import { Question } from './question.ts';

export type ThreadsOptions = Readonly<{
  evaluator: EvaluatorOptions;
  timeoutMs: number;
  now(): number;
}>;

export type Threads = Readonly<{
  /** What the policy is; rejects where it cannot be used. */
  ready: Promise<Ready>;
  evaluate(entrypoint: number, input: string): Promise<PolicyAnswer>;
  close(): Promise<void>;
}>;

const THREADS = 2;
/** More gain nothing, and all of them wait for the slowest of them. */
const LARGEST_BATCH = 64;
/** Where a question takes this part of its time, those behind it are taken to the other thread. */
const TAKE_BACK_AFTER = 1 / 4;
/** A thread that cannot even start is tried again so much later. */
const START_AGAIN_MS = 1_000;

export const createThreads = ({ evaluator, timeoutMs, now }: ThreadsOptions): Threads => {
  const threads = new Set<PolicyThread>();
  const starting = new Set<NodeJS.Timeout>();
  let waiting: Question[] = [];
  let isFlushing = false;
  let lastId = 0;
  let closed = false;

  const start = (): PolicyThread => {
    const thread: PolicyThread = new PolicyThread({ evaluator, onIdle: flush, onGone: replace });
    threads.add(thread);
    return thread;
  };

  const replace = (thread: PolicyThread, cause: unknown): void => {
    threads.delete(thread);
    // It may be what ended the thread, as memory does; it is not tried on another one.
    thread.current()?.settle({ outcome: 'failed', cause });
    waiting = [...thread.takeBack(), ...waiting];
    const again = (): void => {
      if (!closed) start();
    };
    void thread.ready.then(again, () => {
      const timer = setTimeout(() => {
        starting.delete(timer);
        again();
      }, START_AGAIN_MS).unref();
      starting.add(timer);
    });
    flush();
  };

  const watch = (thread: PolicyThread): void => {
    const { batchNumber } = thread;
    setTimeout(() => {
      if (thread.isIdle || thread.batchNumber !== batchNumber || !threads.has(thread)) return;
      waiting = [...thread.takeBack(), ...waiting];
      flush();
    }, timeoutMs * TAKE_BACK_AFTER).unref();
  };

  const flush = (): void => {
    isFlushing = false;
    waiting = waiting.filter(({ isSettled }) => !isSettled);
    for (const thread of threads) {
      if (!thread.isIdle || waiting.length === 0) continue;
      thread.give(waiting.splice(0, LARGEST_BATCH), now());
      watch(thread);
    }
  };

  /** Nobody waits for the question: once it has had its time, the thread that is still at it is ended. */
  const onLate = (question: Question): void => {
    for (const thread of threads) {
      const runsForMs = thread.runsForMs(question);
      if (runsForMs === undefined) continue;
      if (runsForMs < timeoutMs) {
        setTimeout(onLate, timeoutMs - runsForMs, question).unref();
        continue;
      }
      void thread.end();
      replace(thread, new Error('the policy does not end'));
    }
  };

  while (threads.size < THREADS) start();
  const ready = Promise.all([...threads].map((thread) => thread.ready)).then(([first]) => {
    if (!first) throw new Error('unreachable: there is a thread');
    return first;
  });
  ready.catch(() => undefined);

  return {
    ready,

    evaluate(entrypoint, input) {
      if (closed) return Promise.resolve({ outcome: 'failed', cause: new Error('the policy is closed') });
      lastId = lastId === 0x7f_ff_ff_ff ? 1 : lastId + 1;
      const question = new Question(lastId, entrypoint, input, timeoutMs, onLate);
      waiting.push(question);
      if (!isFlushing) setImmediate(flush);
      isFlushing = true;
      return question.answer;
    },

    async close() {
      closed = true;
      for (const timer of starting) clearTimeout(timer);
      const left = [...threads];
      const asked = left.flatMap((thread) => [thread.current(), ...thread.takeBack()]);
      for (const question of [...waiting, ...asked]) {
        question?.settle({ outcome: 'failed', cause: new Error('the policy is closed') });
      }
      await Promise.all(left.map((thread) => thread.end()));
    },
  };
};
