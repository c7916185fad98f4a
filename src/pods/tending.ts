/** What the leader does every so often, and when it is prompted: ends what is over, compares rows with pods. */
import type { ClockJumps } from './clock-jumps.ts';
import type { PodEvents } from './pod-events.ts';
import { createPrompted, type Prompted } from './prompted.ts';

export type TendingOptions = Readonly<{
  isLeading(): boolean;
  reap(): Promise<boolean>;
  compare(): Promise<void>;
  jumps: ClockJumps;
  everyMs: number;
  pause: (ms: number, signal: AbortSignal) => Promise<void>;
  events: Pick<PodEvents, 'onFailed' | 'onClockJumped'>;
}>;

const LEAST_BETWEEN_MS = 500;

export const createTending = (options: TendingOptions): Prompted => {
  const { isLeading, reap, compare, jumps, everyMs, events } = options;
  return createPrompted({
    async run() {
      const jumpedMs = jumps.sinceLast();
      if (!isLeading()) return everyMs;
      if (jumpedMs !== 0) {
        // Which of the two times is right nobody knows yet: what was paid for is not ended by a clock that is set back again.
        events.onClockJumped(jumpedMs);
        return everyMs;
      }
      const isMore = await reap();
      await compare();
      return isMore ? 0 : everyMs;
    },
    leastMs: LEAST_BETWEEN_MS,
    retryMs: everyMs,
    pause: options.pause,
    onFailed: (error) => events.onFailed('pods whose time is over cannot be looked after', error),
  });
};
