/**
 * Retries of one target, kept to a share of its calls: when everything fails, everybody's retries would be three times the
 * load on what is already down.
 */
export type RetryBudget = Readonly<{
  /** A call came. */
  deposit(): void;
  /** Whether one retry may go; it is spent then. */
  withdraw(): boolean;
}>;

/** So that a target with few calls has retries at all: as many at once, and one more in each second. */
const RESERVE = 10;
/** Five fifths are one, though not as sums of fractions. */
const WHOLE = 1 - 1e-9;
/** What a busy time may save up for a bad one. */
const MOST_SAVED = 100;

/** `share`: retries for each call, 0.2 for one in five. `nowMs` of a clock that never goes back. */
export const createRetryBudget = (share: number, nowMs: () => number): RetryBudget => {
  let saved = 0;
  let reserve = RESERVE;
  let filledAtMs = nowMs();

  const refill = (): void => {
    const now = nowMs();
    reserve = Math.min(RESERVE, reserve + (now - filledAtMs) / 1_000);
    filledAtMs = now;
  };

  return {
    deposit() {
      saved = Math.min(MOST_SAVED, saved + share);
    },
    withdraw() {
      if (saved >= WHOLE) {
        saved -= 1;
        return true;
      }
      refill();
      if (reserve < WHOLE) return false;
      reserve -= 1;
      return true;
    },
  };
};
