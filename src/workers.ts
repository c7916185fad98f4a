/** Several processes on one machine: the primary starts them, keeps what they must share, and ends them. */
import cluster, { type Worker } from 'node:cluster';
import { once } from 'node:events';
import type { PrimaryReloads } from './primary-reloads.ts';
import { createMemoryRateLimiter } from './stores/memory/rate-limiter.ts';
import type { Announced, FromPrimary, FromWorker } from './stores/primary/protocol.ts';
import { createWorkerMetrics } from './worker-metrics.ts';

export type Workers = Announced &
  Readonly<{
    /** Resolves when no worker can be kept alive. */
    failed: Promise<string>;
    stop(signal: 'SIGTERM' | 'SIGINT'): Promise<void>;
  }>;

/** A worker that ends this soon after its start, or before it was ready, would only end again. */
const TOO_SOON_MS = 5_000;

const workers = (): Worker[] => Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined);

/** Starts `count` workers and resolves when all of them answer. Rejects with the reason of the first that cannot start. */
export const startWorkers = async (
  count: number,
  reloads: Pick<PrimaryReloads, 'hear' | 'forget'>,
  onRestart: (reason: string) => void,
): Promise<Workers> => {
  const limiter = createMemoryRateLimiter(Date.now);
  const metrics = createWorkerMetrics();
  /** Those that answer. One that still starts would keep the metrics of the others waiting. */
  const up = new Set<Worker>();
  const failed = Promise.withResolvers<string>();
  let stopping = false;

  const answer = async (worker: Worker, message: FromWorker): Promise<void> => {
    const reply = (answered: FromPrimary) => worker.send(answered);
    switch (message.kind) {
      case 'take':
        reply({ kind: 'taken', id: message.id, taken: limiter.take(message.counters, message.count) });
        return;
      case 'metrics':
        reply({ kind: 'metrics', id: message.id, body: await metrics.collect(up) });
        return;
      case 'counted':
        metrics.hear(worker, message);
        return;
      case 'key_changed':
        for (const other of workers()) if (other !== worker) other.send(message);
        return;
      default:
        await reloads.hear(worker, message);
    }
  };

  const fork = (): Worker => {
    const startedAt = Date.now();
    let wasReady = false;
    const worker = cluster.fork();
    worker.on('message', (message: FromWorker) => {
      if (message.kind === 'ready') {
        wasReady = true;
        up.add(worker);
      }
      answer(worker, message).catch((error: unknown) => onRestart(String(error)));
    });
    const leave = (): void => {
      up.delete(worker);
      metrics.forget(worker);
    };
    // Either may come alone for a while: the other end is closed, or the process is gone.
    worker.on('disconnect', leave);
    // A message to one that has just ended. Its end is heard of by itself.
    worker.on('error', () => undefined);
    worker.on('exit', (code, signal) => {
      leave();
      reloads.forget(worker);
      if (stopping) return;
      const reason = `worker ${worker.process.pid} ended (${signal ?? `code ${code}`})`;
      if (!wasReady || Date.now() - startedAt < TOO_SOON_MS) return failed.resolve(reason);
      onRestart(reason);
      fork();
    });
    return worker;
  };

  const ready = async (worker: Worker): Promise<FromWorker & { kind: 'ready' }> => {
    for (;;) {
      const [message]: FromWorker[] = await once(worker, 'message');
      if (message?.kind === 'ready') return message;
    }
  };

  const stop = async (signal: NodeJS.Signals): Promise<void> => {
    stopping = true;
    const ended = workers().map((worker) => once(worker, 'exit'));
    for (const worker of workers()) worker.process.kill(signal);
    await Promise.all(ended);
  };

  const allReady = async (): Promise<FromWorker & { kind: 'ready' }> => {
    const announcements = await Promise.race([
      Promise.all(Array.from({ length: count }, fork).map(ready)),
      failed.promise.then((reason) => Promise.reject(new Error(reason))),
    ]);
    const [first] = announcements;
    if (!first) throw new Error('no worker was started');
    return first;
  };

  try {
    const { main, admin, grpc, resolver, egress, endpoints } = await allReady();
    return { main, admin, grpc, resolver, egress, endpoints, failed: failed.promise, stop };
  } catch (error) {
    // None has taken a request yet, and one that is left would keep this process alive.
    await stop('SIGKILL');
    throw error;
  }
};
