/** What is counted of pods. Made only where payments start pods. */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { createTally } from './tally.ts';

/** Seconds. A create takes a round trip; until it is ready an image may have to be fetched. */
const CREATED_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 600];
const READY_BUCKETS = [0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600];

export const createPodMetrics = (registry: Registry) => {
  const registers = [registry];
  const count = (name: string, help: string) => new Counter({ name: `sallyport_pods_${name}`, help, registers });
  /** Of what all workers see: each tells the same, or nothing. */
  const shared = (name: string, help: string) =>
    new Gauge({ name: `sallyport_pods_${name}`, help, registers, aggregator: 'max' });
  const seconds = (name: string, help: string, buckets: number[]) =>
    new Histogram({ name: `sallyport_pods_${name}`, help, buckets, registers });

  return {
    provisions: createTally(
      registry,
      'sallyport_pods_provisions_total',
      'Tries to start a pod, by result (created, failed, given_back) and template. What failed is tried again.',
      ['result', 'template'],
    ),
    createdSeconds: seconds('created_seconds', 'From the payment to the pod in the API server.', CREATED_BUCKETS),
    readySeconds: seconds('ready_seconds', 'From the payment to the pod being ready.', READY_BUCKETS),
    alive: shared('alive', 'Pods of ours in the cluster.'),
    orphans: shared('orphans', 'Pods in the cluster that say that they are ours and that nobody paid for.'),
    reaped: count('reaped_total', 'Pods ended because their time was over.'),
    lost: count('lost_total', 'Pods that went before their time, and were made again.'),
  };
};

export type PodMetrics = ReturnType<typeof createPodMetrics>;
