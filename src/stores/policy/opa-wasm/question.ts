import type { PolicyAnswer } from '../../../checks/policy-engine.ts';

/** One question, from when it is asked until it is answered or late. */
export class Question {
  readonly id: number;
  readonly entrypoint: number;
  readonly input: string;
  readonly answer: Promise<PolicyAnswer>;
  readonly #settle: (answer: PolicyAnswer) => void;
  readonly #timer: NodeJS.Timeout;
  #isSettled = false;

  /** `onLate`: nobody waits for it any more. */
  constructor(id: number, entrypoint: number, input: string, timeoutMs: number, onLate: (question: Question) => void) {
    this.id = id;
    this.entrypoint = entrypoint;
    this.input = input;
    const { promise, resolve } = Promise.withResolvers<PolicyAnswer>();
    this.answer = promise;
    this.#settle = resolve;
    this.#timer = setTimeout(() => {
      this.settle({ outcome: 'timeout' });
      onLate(this);
    }, timeoutMs);
  }

  get isSettled(): boolean {
    return this.#isSettled;
  }

  settle(answer: PolicyAnswer): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    clearTimeout(this.#timer);
    this.#settle(answer);
  }
}
