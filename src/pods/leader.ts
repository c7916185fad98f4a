/**
 * Which of all replicas and workers looks after what has ended: whoever holds the Lease. Time is the monotonic clock's, so
 * that a clock that is set makes nobody hold it for longer.
 */
import type { Cluster } from './cluster.ts';
import type { PodEvents } from './pod-events.ts';
import { createPrompted } from './prompted.ts';

export type LeaderOptions = Readonly<{
  cluster: Pick<Cluster, 'holdLease' | 'releaseLease'>;
  /** Names this process. */
  holder: string;
  durationMs: number;
  monotonicNow: () => number;
  pause: (ms: number, signal: AbortSignal) => Promise<void>;
  events: Pick<PodEvents, 'onLeading' | 'onFailed'>;
  /** It is ours now. */
  onElected(): void;
}>;

export type Leader = Readonly<{
  start(): void;
  isLeading(): boolean;
  /** Hands over at once. */
  close(): Promise<void>;
}>;

export const LEASE = 'sallyport-pods';

export const createLeader = (options: LeaderOptions): Leader => {
  const { cluster, holder, durationMs, monotonicNow } = options;
  let untilMs = Number.NEGATIVE_INFINITY;
  let wasLeading = false;

  const isLeading = (): boolean => monotonicNow() < untilMs;

  const tell = (): void => {
    const isNow = isLeading();
    if (isNow === wasLeading) return;
    wasLeading = isNow;
    options.events.onLeading(isNow);
    if (isNow) options.onElected();
  };

  const renew = async (): Promise<number> => {
    const askedAtMs = monotonicNow();
    try {
      const isHeld = await cluster.holdLease(LEASE, holder, durationMs);
      // It is given up here before anybody else may take it there.
      untilMs = isHeld ? askedAtMs + (durationMs * 2) / 3 : Number.NEGATIVE_INFINITY;
    } finally {
      tell();
    }
    return durationMs / 3;
  };

  const renewing = createPrompted({
    run: renew,
    leastMs: 100,
    retryMs: durationMs / 6,
    pause: options.pause,
    onFailed: (error) => options.events.onFailed('the Lease cannot be had', error),
  });

  return {
    start: renewing.start,
    isLeading,

    async close() {
      await renewing.close();
      if (!isLeading()) return;
      untilMs = Number.NEGATIVE_INFINITY;
      tell();
      // Where it cannot be given up, the next holder waits for its end.
      await cluster.releaseLease(LEASE, holder).catch(() => undefined);
    },
  };
};
