/**
 * Goes on with pods that were paid for and are not there: their payer did not wait, a process died in between, or the
 * cluster was away. Any number of processes may do so. What cannot be made in time is credit again.
 */
import type { Maker } from './maker.ts';
import type { PodEvents } from './pod-events.ts';
import type { PodRow, PodStore } from './pod-store.ts';
import { createPrompted, type Prompted } from './prompted.ts';

export type WorkerOptions = Readonly<{
  store: Pick<PodStore, 'wanted'>;
  maker: Maker;
  /** Why the cluster cannot be asked. */
  silence(): string | undefined;
  giveBackAfterMs: number;
  now: () => number;
  pause: (ms: number, signal: AbortSignal) => Promise<void>;
  events: Pick<PodEvents, 'onFailed'>;
}>;

const LOOK_AGAIN_MS = 2_000;
const LEAST_BETWEEN_MS = 100;
/** So long a pod is left to the request that paid for it. */
const LEFT_TO_PAYER_MS = 2_000;
const FIRST_REST_MS = 1_000;
const LONGEST_REST_MS = 30_000;
const MOST_AT_A_LOOK = 256;
const MOST_AT_ONCE = 8;

type Rest = Readonly<{ untilMs: number; lengthMs: number }>;

export const createWorker = (options: WorkerOptions): Prompted => {
  const { store, maker, silence, giveBackAfterMs, now } = options;
  const resting = new Map<string, Rest>();

  const isDue = ({ name, wantedAtMs }: PodRow, nowMs: number): boolean => {
    const rest = resting.get(name);
    // A clock that went back makes nothing rest for longer than it was to.
    if (rest) return nowMs >= rest.untilMs || nowMs < rest.untilMs - rest.lengthMs;
    return Math.abs(nowMs - wantedAtMs) >= LEFT_TO_PAYER_MS;
  };

  const isTooLate = ({ wantedAtMs }: PodRow, nowMs: number): boolean => nowMs - wantedAtMs >= giveBackAfterMs;

  const letRest = ({ name }: PodRow, askedForMs = 0): void => {
    const lengthMs = Math.max(
      Math.min((resting.get(name)?.lengthMs ?? FIRST_REST_MS / 2) * 2, LONGEST_REST_MS),
      askedForMs,
    );
    resting.set(name, { untilMs: now() + lengthMs, lengthMs });
  };

  const goOnWith = async (row: PodRow): Promise<void> => {
    const nowMs = now();
    if (isTooLate(row, nowMs)) {
      await maker.giveBack(row, 'it could not be made in time');
      return;
    }
    if (silence() !== undefined || !isDue(row, nowMs)) return;
    const made = await maker.make(row);
    if (made.made === 'failed') letRest(row, made.fault.retryAfterMs);
  };

  const run = async (signal: AbortSignal): Promise<number> => {
    const rows = await store.wanted(MOST_AT_A_LOOK);
    const names = new Set(rows.map(({ name }) => name));
    for (const name of resting.keys()) if (!names.has(name)) resting.delete(name);
    const queue = rows.values();
    const failures: unknown[] = [];
    const takeAll = async (): Promise<void> => {
      // Each takes the next of the one queue.
      for (const row of queue) {
        if (signal.aborted) return;
        await goOnWith(row).catch((error: unknown) => failures.push(error));
      }
    };
    await Promise.all(Array.from({ length: MOST_AT_ONCE }, takeAll));
    if (failures.length > 0) throw failures[0];
    return LOOK_AGAIN_MS;
  };

  return createPrompted({
    run,
    leastMs: LEAST_BETWEEN_MS,
    retryMs: LOOK_AGAIN_MS,
    pause: options.pause,
    onFailed: (error) => options.events.onFailed('pods that were paid for cannot be looked after', error),
  });
};
