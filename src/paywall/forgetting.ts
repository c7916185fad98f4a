/**
 * Forgets what no answer depends on any more, a little at a time: sessions, uses of units and remembered requests that ended
 * long ago. Money, claims and purchases are never forgotten. Any number of processes may do so on one ledger.
 */
import type { Ledger } from './ledger.ts';

export type ForgettingOptions = Readonly<{
  ledger: Pick<Ledger, 'forget'>;
  now: () => number;
  /** Resolves after so many milliseconds, or at the signal. */
  pause: (ms: number, signal: AbortSignal) => Promise<void>;
  onFailed(error: unknown): void;
}>;

export type Forgetting = Readonly<{
  start(): void;
  /** Ends after what is under way. */
  close(): Promise<void>;
}>;

/** Late reports are still taken, and a client that comes back is told that its session is over. */
export const KEPT_FOR_MS = 86_400_000;
const LOOK_AGAIN_MS = 60_000;
/** Where there is more, payments come in between. */
const BREATHE_MS = 200;
const MOST_AT_ONCE = 500;

export const createForgetting = ({ ledger, now, pause, onFailed }: ForgettingOptions): Forgetting => {
  const closing = new AbortController();
  let running: Promise<void> | undefined;

  const forgetNowAndThen = async (): Promise<void> => {
    let failing = false;
    while (!closing.signal.aborted) {
      let isMore = false;
      try {
        isMore = await ledger.forget(now() - KEPT_FOR_MS, MOST_AT_ONCE);
        failing = false;
      } catch (error) {
        // Said once of an outage.
        if (!failing && !closing.signal.aborted) onFailed(error);
        failing = true;
      }
      await pause(isMore ? BREATHE_MS : LOOK_AGAIN_MS, closing.signal);
    }
  };

  return {
    start() {
      running ??= forgetNowAndThen();
    },

    async close() {
      closing.abort();
      await running;
    },
  };
};
