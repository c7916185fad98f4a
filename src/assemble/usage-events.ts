/** What is told of usage on its way to the store: lines in the log, and counts. */
import type { Logger } from 'pino';
import type { Metrics } from '../telemetry/metrics.ts';
import type { DropReason } from '../usage/recorder.ts';

const SAY_AGAIN_MS = 60_000;

const dropped: Readonly<Record<DropReason, string>> = {
  queue_full: 'usage is dropped: usage.queue_size events wait for the store already',
  spool_failed: 'usage is dropped: it cannot be written to usage.spool',
};

export const createUsageEvents = (
  { usageEvents, usageWaiting, oldestUsageSeconds }: Metrics,
  logger: Logger,
  now: () => number,
) => {
  let saidAtMs = Number.NEGATIVE_INFINITY;

  return {
    onRecorded: (count: number) => usageEvents.count({ result: 'recorded' }, count),

    /** Thousands may be dropped in a second. */
    onDropped(count: number, reason: DropReason, error: unknown) {
      usageEvents.count({ result: reason }, count);
      if (Math.abs(now() - saidAtMs) < SAY_AGAIN_MS) return;
      saidAtMs = now();
      logger.error({ event: 'usage_dropped', reason, count, err: error }, dropped[reason]);
    },

    onStored(count: number, unreadable: number) {
      usageEvents.count({ result: 'stored' }, count - unreadable);
      if (unreadable === 0) return;
      usageEvents.count({ result: 'unreadable' }, unreadable);
      logger.error({ event: 'usage_unreadable', count: unreadable }, 'the spool held lines that are no usage');
    },

    onAdopted(count: number) {
      if (count === 0) return;
      logger.info({ event: 'usage_adopted', count }, 'usage is taken to the store that an ended process left');
    },

    onWaiting(count: number, oldestAtMs: number | undefined) {
      usageWaiting.set(count);
      oldestUsageSeconds.set(oldestAtMs === undefined ? 0 : Math.max(0, (now() - oldestAtMs) / 1_000));
    },

    onPostponed: (error: unknown) =>
      logger.warn({ event: 'usage_postponed', err: error }, 'usage waits in the spool: the store does not take it'),

    onForgettingFailed: (error: unknown) =>
      logger.error({ event: 'usage_forgetting_failed', err: error }, 'usage that is old enough cannot be forgotten'),
  };
};
