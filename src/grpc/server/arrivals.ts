import { DEADLINE_EXCEEDED, type Failure } from './status.ts';

export type GiveUp = (failure: Failure) => void;

const tooSlow: Failure = { code: DEADLINE_EXCEEDED, message: 'the message did not come in time' };

/** Calls whose one message has not come. A call is given up at the second round after its beginning: none has a timer of its own. */
export class Arrivals {
  #young = new Set<GiveUp>();
  #old = new Set<GiveUp>();

  awaited(giveUp: GiveUp): void {
    this.#young.add(giveUp);
  }

  over(giveUp: GiveUp): void {
    if (!this.#young.delete(giveUp)) this.#old.delete(giveUp);
  }

  nextRound(): void {
    const late = this.#old;
    this.#old = this.#young;
    this.#young = new Set();
    for (const giveUp of late) giveUp(tooSlow);
  }
}
