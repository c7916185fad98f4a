/**
 * Takes events from the spool to the store, in rounds. A segment is removed when all of it is in the store; one that is told
 * again, after a crash in between, changes nothing there.
 */
import { createRounds, type RoundsOptions } from '../core/rounds.ts';
import type { Segment, UsageSpool } from './spool.ts';
import type { UsageStore } from './usage-store.ts';

export type DrainOptions = Pick<RoundsOptions, 'pause' | 'onFailed'> &
  Readonly<{
    spool: Pick<UsageSpool, 'take' | 'adopt'>;
    store: Pick<UsageStore, 'add'>;
    flushIntervalMs: number;
    now(): number;
    /** Events of others that are to be taken to the store from here. */
    onAdopted(events: number): void;
    /** After each round. */
    onRound(oldestAtMs: number | undefined): void;
    /** `unreadable` of them were no events. */
    onStored(events: number, unreadable: number): void;
  }>;

export type Drain = Readonly<{
  start(): void;
  /** Takes what is left to the store, as long as it takes it; the rest stays in the spool. */
  close(): Promise<void>;
  /** What is wrong, for readiness. */
  problem(): string | undefined;
}>;

/** Nobody hurries for what a process has left that ended. */
const ADOPT_EVERY_MS = 30_000;
/** One is on its way while the store writes the other, and both may be in one commit. */
const AT_ONCE = 2;
const LAST_ROUND_MS = 5_000;

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

export const createDrain = (options: DrainOptions): Drain => {
  const { spool, store, flushIntervalMs, now, pause, onAdopted, onStored, onRound, onFailed } = options;
  const queue: Segment[] = [];
  let adoptedAtMs = Number.NEGATIVE_INFINITY;
  let problem: string | undefined;

  const adopt = async (): Promise<void> => {
    // A clock that is set back does not put it off.
    if (Math.abs(now() - adoptedAtMs) < ADOPT_EVERY_MS) return;
    adoptedAtMs = now();
    try {
      const adopted = await spool.adopt();
      onAdopted(adopted.reduce((sum, { events }) => sum + events, 0));
      queue.unshift(...adopted);
    } catch (error) {
      onFailed(error);
    }
  };

  /** Gives whether all of it is in the store. */
  const storeSegment = async (segment: Segment, mayGoOn: () => boolean): Promise<boolean> => {
    const { batches } = segment;
    let unreadable = 0;
    for (let at = 0; at < batches.length; at += AT_ONCE) {
      if (!mayGoOn()) return false;
      const added = await Promise.all(batches.slice(at, at + AT_ONCE).map(store.add));
      unreadable += added.reduce((sum, one) => sum + one.unreadable, 0);
    }
    await segment.remove();
    onStored(segment.events, unreadable);
    return true;
  };

  const storeQueue = async (mayGoOn: () => boolean): Promise<void> => {
    for (let segment = queue.shift(); segment; segment = queue.shift()) {
      let isStored = false;
      try {
        isStored = await storeSegment(segment, mayGoOn);
      } finally {
        // Behind the others, which may be whole where this one cannot be read.
        if (!isStored) queue.push(segment);
      }
      if (!isStored) return;
    }
  };

  const run = async (mayGoOn: () => boolean): Promise<void> => {
    queue.push(...spool.take());
    try {
      await storeQueue(mayGoOn);
      problem = undefined;
    } catch (error) {
      problem = `usage waits for the store: ${messageOf(error)}`;
      throw error;
    } finally {
      onRound(queue.length === 0 ? undefined : Math.min(...queue.map(({ sinceMs }) => sinceMs)));
    }
  };

  const rounds = createRounds({
    everyMs: flushIntervalMs,
    async run(signal) {
      await adopt();
      await run(() => !signal.aborted);
    },
    pause,
    onFailed,
  });

  return {
    start: rounds.start,

    async close() {
      await rounds.close();
      const timeout = AbortSignal.timeout(LAST_ROUND_MS);
      await run(() => !timeout.aborted).catch(onFailed);
    },

    problem: () => problem,
  };
};
