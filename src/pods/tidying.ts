/**
 * Drops places that were kept for payments that came to nothing, and forgets pods that ended long ago. Any number of
 * processes may do so on one ledger.
 */
import { createRounds, type Rounds } from '../core/rounds.ts';
import type { PodEvents } from './pod-events.ts';
import type { PodStore } from './pod-store.ts';

export type TidyingOptions = Readonly<{
  store: Pick<PodStore, 'releaseReserved' | 'forget'>;
  /** How long a place is kept. */
  keepPlaceMs: number;
  now: () => number;
  pause: (ms: number, signal: AbortSignal) => Promise<void>;
  events: Pick<PodEvents, 'onFailed'>;
}>;

/** Ended pods are shown for so long, and a pod of theirs that comes to light is known for what it is. */
const KEPT_FOR_MS = 30 * 86_400_000;
const LOOK_AGAIN_MS = 30_000;
const BREATHE_MS = 200;
const MOST_AT_ONCE = 500;

export const createTidying = ({ store, keepPlaceMs, now, pause, events }: TidyingOptions): Rounds =>
  createRounds({
    everyMs: LOOK_AGAIN_MS,
    breatheMs: BREATHE_MS,
    async run() {
      await store.releaseReserved(now() - keepPlaceMs);
      return store.forget(now() - KEPT_FOR_MS, MOST_AT_ONCE);
    },
    pause,
    onFailed: (error) => events.onFailed('places of payments that came to nothing cannot be dropped', error),
  });
