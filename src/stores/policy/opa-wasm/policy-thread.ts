import { Worker } from 'node:worker_threads';
import type { EvaluatorOptions } from './evaluator.ts';
import { type Batch, type FromThread, Progress } from './messages.ts';
import type { Question } from './question.ts';

export type Ready = Extract<FromThread, { ready: unknown }>['ready'];

export type ThreadOptions = Readonly<{
  evaluator: EvaluatorOptions;
  /** Waits for questions again. */
  onIdle(thread: PolicyThread): void;
  /** It is gone, and was not ended by `end`. */
  onGone(thread: PolicyThread, cause: unknown): void;
}>;

/** Of JavaScript; the policy's own memory is bounded by its pages. */
const resourceLimits = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 8, stackSizeMb: 4 };

/** One thread with one instance of the policy. It has one batch at a time. */
export class PolicyThread {
  /** What it is, once it can be asked. Rejects where the module cannot be used. */
  readonly ready: Promise<Ready>;
  readonly #worker: Worker;
  readonly #progress = new Progress();
  readonly #batch = new Map<number, Question>();
  #batchNumber = 0;
  /** Whether all of the batch is its own still. */
  #hasRest = false;
  #isIdle = false;
  #hasEnded = false;

  constructor({ evaluator, onIdle, onGone }: ThreadOptions) {
    const { promise, resolve, reject } = Promise.withResolvers<Ready>();
    this.ready = promise;
    // Whoever does not ask need not know.
    promise.catch(() => undefined);
    this.#worker = new Worker(new URL('./thread.ts', import.meta.url), {
      workerData: { ...evaluator, progress: this.#progress.memory },
      resourceLimits,
    });
    // It must not keep a process alive that has nothing else to do.
    this.#worker.unref();
    this.#worker.on('message', (message: FromThread) => {
      if ('unusable' in message) return reject(new Error(message.unusable));
      if ('ready' in message) resolve(message.ready);
      else for (const [id, answer] of message.answers) this.#batch.get(id)?.settle(answer);
      if ('answers' in message && !message.isLast) return;
      this.#batch.clear();
      this.#isIdle = true;
      onIdle(this);
    });
    let cause: unknown = new Error('the thread of the policy ended');
    this.#worker.on('error', (error) => {
      cause = error;
    });
    this.#worker.on('exit', () => {
      reject(cause);
      if (!this.#hasEnded) onGone(this, cause);
    });
  }

  get isIdle(): boolean {
    return this.#isIdle;
  }

  /** Counts up with each. */
  get batchNumber(): number {
    return this.#batchNumber;
  }

  give(questions: readonly Question[], nowMs: number): void {
    this.#isIdle = false;
    this.#batchNumber += 1;
    this.#hasRest = true;
    this.#progress.leaveRest(false);
    for (const question of questions) this.#batch.set(question.id, question);
    const asked = questions.map(({ id, entrypoint, input }) => ({ id, entrypoint, input }));
    this.#worker.postMessage({ questions: asked, nowMs } satisfies Batch);
  }

  /** Undefined where it is at another question, or at none. */
  runsForMs({ id }: Question): number | undefined {
    return this.#progress.runsForMs(id);
  }

  /** The question that it is at, also where nobody waits for it any more. */
  current(): Question | undefined {
    return [...this.#batch.values()].find((question) => this.runsForMs(question) !== undefined);
  }

  /** What of its batch waits behind the question that it is at, for another thread. It may still answer some of it. */
  takeBack(): Question[] {
    if (!this.#hasRest) return [];
    this.#hasRest = false;
    this.#progress.leaveRest(true);
    const current = this.current();
    return [...this.#batch.values()].filter((question) => question !== current && !question.isSettled);
  }

  async end(): Promise<void> {
    this.#hasEnded = true;
    this.#isIdle = false;
    await this.#worker.terminate();
  }
}
