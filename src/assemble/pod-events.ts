/** What is told of pods: a line in the log for each step of a pod's life, and counts. */
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { PaidPod } from '../core/pod.ts';
import type { PodEvents } from '../pods/pod-events.ts';
import { createPodMetrics } from '../telemetry/pod-metrics.ts';

const lineOf = ({ name, template, paymentId, amount, unit }: PaidPod) => ({
  pod: name,
  template,
  payment: paymentId,
  amount,
  unit,
});

const timeOf = (ms: number): string => new Date(ms).toISOString();

const MOST_NAMED = 20;

export const createPodEvents = (registry: Registry, logger: Logger): PodEvents => {
  const metrics = createPodMetrics(registry);
  let orphansBefore = '';

  return {
    onCreated(pod) {
      const { template, wantedAtMs, createdAtMs = wantedAtMs, expiresAtMs } = pod;
      metrics.provisions.count({ result: 'created', template });
      metrics.createdSeconds.observe(Math.max(0, createdAtMs - wantedAtMs) / 1_000);
      logger.info({ event: 'pod_created', ...lineOf(pod), expires: timeOf(expiresAtMs) }, 'pod created');
    },

    onCreateFailed(pod, fault) {
      metrics.provisions.count({ result: 'failed', template: pod.template });
      const line = { event: 'pod_postponed', ...lineOf(pod), fault: fault.kind, reason: fault.message };
      logger.warn(line, 'a pod that is paid for cannot be created yet');
    },

    onGivenBack(pod, reason) {
      metrics.provisions.count({ result: 'given_back', template: pod.template });
      logger.error({ event: 'pod_given_back', ...lineOf(pod), reason }, 'no pod: its price is credit again');
    },

    onReady(pod, afterMs) {
      metrics.readySeconds.observe(Math.max(0, afterMs) / 1_000);
      logger.info({ event: 'pod_ready', ...lineOf(pod), after_ms: afterMs }, 'pod ready');
    },

    onLost(pod) {
      metrics.lost.inc();
      logger.warn({ event: 'pod_lost', ...lineOf(pod) }, 'a pod is gone before its time: it is made again');
    },

    onEnded(pod, ending) {
      if (ending === 'expired') metrics.reaped.inc();
      logger.info({ event: 'pod_ended', ...lineOf(pod), ending }, `pod ${ending}`);
    },

    onOrphanDeleted(name, why) {
      const what = why === 'ended' ? 'a pod was left behind: deleted' : 'a pod that nobody paid for is deleted';
      logger.warn({ event: 'pod_orphan_deleted', pod: name, why }, what);
    },

    onOrphans(names) {
      metrics.orphans.set(names.length);
      const now = names.join();
      if (now === orphansBefore) return;
      orphansBefore = now;
      const line = { event: 'pod_orphans', count: names.length, pods: names.slice(0, MOST_NAMED) };
      if (names.length > 0) logger.warn(line, 'pods with our labels that nobody paid for');
    },

    onAlive: (count) => metrics.alive.set(count),

    onAvailable(problem) {
      if (problem === undefined) logger.info({ event: 'pods_available' }, 'pods can be started');
      else logger.error({ event: 'pods_unavailable', problem }, 'no pods can be started: nobody is charged for one');
    },

    onLeading(isLeading) {
      if (!isLeading) metrics.orphans.set(0);
      logger.info(
        { event: 'pods_lease', leading: isLeading },
        isLeading ? 'looks after pods' : 'looks after pods no more',
      );
    },

    onClockJumped: (byMs) =>
      logger.warn({ event: 'clock_jumped', by_ms: byMs }, 'the clock was set: no pod is ended before the next look'),

    onFailed: (what, error) => logger.error({ event: 'pods_failed', err: error }, what),
  };
};
