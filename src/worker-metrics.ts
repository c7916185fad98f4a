/** The metrics of several workers together, as their primary process collects them. */
import type { Worker } from 'node:cluster';
import { AggregatorRegistry } from 'prom-client';
import type { FromPrimary, FromWorker } from './stores/primary/protocol.ts';

type Counted = Extract<FromWorker, { kind: 'counted' }>;

type Collection = { readonly waitingFor: Set<Worker>; readonly counted: Counted['metrics'][]; finish(): void };

export type WorkerMetrics = Readonly<{
  /** In Prometheus' text format, of those of `workers` that live long enough to answer. */
  collect(workers: Iterable<Worker>): Promise<string>;
  hear(worker: Worker, message: Counted): void;
  /** Who has ended answers no more. */
  forget(worker: Worker): void;
}>;

export const createWorkerMetrics = (): WorkerMetrics => {
  const collections = new Map<number, Collection>();
  let lastId = 0;

  const leave = (id: number, collection: Collection, worker: Worker): void => {
    collection.waitingFor.delete(worker);
    if (collection.waitingFor.size > 0) return;
    collections.delete(id);
    collection.finish();
  };

  return {
    async collect(workers) {
      const id = ++lastId;
      const waitingFor = new Set(workers);
      const counted: Counted['metrics'][] = [];
      const question: FromPrimary = { kind: 'count', id };
      await new Promise<void>((finish) => {
        if (waitingFor.size === 0) return finish();
        collections.set(id, { waitingFor, counted, finish });
        for (const worker of waitingFor) worker.send(question);
      });
      return AggregatorRegistry.aggregate(counted).metrics();
    },

    hear(worker, { id, metrics }) {
      const collection = collections.get(id);
      if (!collection?.waitingFor.has(worker)) return;
      collection.counted.push(metrics);
      leave(id, collection, worker);
    },

    forget(worker) {
      for (const [id, collection] of collections) leave(id, collection, worker);
    },
  };
};
