/** What the two sides of a thread tell each other. */
import type { PolicyAnswer } from '../../../checks/policy-engine.ts';

export type Batch = Readonly<{
  questions: readonly Readonly<{ id: number; entrypoint: number; input: string }>[];
  /** The time that policies see. */
  nowMs: number;
}>;

export type FromThread =
  | Readonly<{ ready: Readonly<{ entrypoints: Readonly<Record<string, number>>; missing: readonly string[] }> }>
  | Readonly<{ unusable: string }>
  | Readonly<{
      answers: readonly (readonly [id: number, answer: PolicyAnswer])[];
      /** Whether the thread waits for the next batch. */
      isLast: boolean;
    }>;

/** Milliseconds of a clock that all threads of the process have in common, and that never goes back. */
export const monotonicMs = (): number => Number(process.hrtime.bigint()) / 1_000_000;

/** What the thread is at, to be seen also while it is caught in a policy. */
export class Progress {
  readonly memory: SharedArrayBuffer;
  readonly #numbers: Int32Array;
  readonly #times: Float64Array;

  constructor(memory: SharedArrayBuffer = new SharedArrayBuffer(16)) {
    this.memory = memory;
    this.#numbers = new Int32Array(memory, 0, 2);
    this.#times = new Float64Array(memory, 8, 1);
  }

  begin(id: number): void {
    this.#times[0] = monotonicMs();
    Atomics.store(this.#numbers, 0, id);
  }

  /** For how long this question has been evaluated; undefined where another one is, or none. */
  runsForMs(id: number): number | undefined {
    if (Atomics.load(this.#numbers, 0) !== id) return undefined;
    return monotonicMs() - (this.#times[0] ?? 0);
  }

  idle(): void {
    Atomics.store(this.#numbers, 0, 0);
  }

  /** Nobody waits for the rest of the batch any more. */
  leaveRest(leaves: boolean): void {
    Atomics.store(this.#numbers, 1, leaves ? 1 : 0);
  }

  get leavesRest(): boolean {
    return Atomics.load(this.#numbers, 1) === 1;
  }
}
