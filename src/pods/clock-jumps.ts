/** Notices that the clock was set: it went by another amount than the monotonic one. */

export type ClockJumps = Readonly<{
  /** By how many milliseconds since the last call; 0 where it only drifted. */
  sinceLast(): number;
}>;

/** More than a clock is slewed by between two looks. */
const DRIFT_MS = 5_000;

export const createClockJumps = (now: () => number, monotonicNow: () => number): ClockJumps => {
  let before = now() - monotonicNow();
  return {
    sinceLast() {
      const difference = now() - monotonicNow();
      const jumpedMs = difference - before;
      before = difference;
      return Math.abs(jumpedMs) < DRIFT_MS ? 0 : jumpedMs;
    },
  };
};
