/** A worker's connection to its primary process. */
import type { RateLimiter, Taken } from '../../checks/rate-limit.ts';
import type { FromPrimary, FromWorker } from './protocol.ts';
import { createWorkerReloads, type WorkerReloads } from './worker-reloads.ts';

export type Primary = WorkerReloads &
  Readonly<{
    limiter: RateLimiter;
    /** The metrics of all workers together, in Prometheus' text format. */
    metrics(): Promise<string>;
    /** `count` gives the metrics of this worker, as prom-client does. */
    onCount(count: () => Promise<readonly object[]>): void;
    /** Tells the other workers of a key that was created or revoked here. */
    spreadKeyChange(hash: string): void;
    onKeyChange(forget: (hash: string) => void): void;
    tell(message: FromWorker): void;
  }>;

const ANSWER_WITHIN_MS = 2_000;

type Waiting = Readonly<{ resolve: (answer: FromPrimary) => void; timer: NodeJS.Timeout }>;

export const connectToPrimary = (channel: NodeJS.Process): Primary => {
  const waiting = new Map<number, Waiting>();
  let forgetKey: (hash: string) => void = () => undefined;
  let countOwn: () => Promise<readonly object[]> = async () => [];
  let lastId = 0;

  const tell = (message: FromWorker): void => {
    channel.send?.(message);
  };

  /** A primary that does not answer is an error, and what cannot be decided is denied. */
  const ask = (message: FromWorker & { id: number }, withinMs = ANSWER_WITHIN_MS): Promise<FromPrimary> =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        waiting.delete(message.id);
        reject(new Error('the primary process does not answer'));
      }, withinMs);
      waiting.set(message.id, { resolve, timer });
      tell(message);
    });

  const reloading = createWorkerReloads({
    tell,
    ask: (message, withinMs) => ask({ ...message, id: ++lastId }, withinMs),
  });

  channel.on('message', (message: FromPrimary) => {
    if (message.kind === 'key_changed') return forgetKey(message.hash);
    if (message.kind === 'count') {
      const { id } = message;
      // Without an answer whoever asked is told of an error.
      void countOwn().then(
        (metrics) => tell({ kind: 'counted', id, metrics }),
        () => undefined,
      );
      return;
    }
    if (reloading.hear(message) || !('id' in message)) return;
    const asked = waiting.get(message.id);
    waiting.delete(message.id);
    clearTimeout(asked?.timer);
    asked?.resolve(message);
  });

  return {
    limiter: {
      async take(counters, count): Promise<Taken> {
        const answer = await ask({ kind: 'take', id: ++lastId, counters, count });
        if (answer.kind !== 'taken') throw new Error('the primary process answers something else');
        return answer.taken;
      },
    },

    async metrics() {
      const answer = await ask({ kind: 'metrics', id: ++lastId });
      return answer.kind === 'metrics' ? answer.body : '';
    },

    onCount(count) {
      countOwn = count;
    },

    spreadKeyChange: (hash) => tell({ kind: 'key_changed', hash }),

    onKeyChange(forget) {
      forgetKey = forget;
    },

    tell,
    ...reloading.own,
  };
};
