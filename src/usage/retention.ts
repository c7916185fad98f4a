/** Forgets events, and much later the sums of hours, a little at a time. Any number of processes may do so on one store. */
import { createRounds, type Rounds, type RoundsOptions } from '../core/rounds.ts';
import type { UsageStore } from './usage-store.ts';

export type RetentionOptions = Pick<RoundsOptions, 'pause' | 'onFailed'> &
  Readonly<{ store: Pick<UsageStore, 'forget'>; eventsMs: number; sumsMs: number; now(): number }>;

const LOOK_AGAIN_MS = 60_000;
/** Where there is more, new events come in between. */
const BREATHE_MS = 100;
const MOST_AT_ONCE = 2_000;

export const createRetention = ({ store, eventsMs, sumsMs, now, pause, onFailed }: RetentionOptions): Rounds =>
  createRounds({
    everyMs: LOOK_AGAIN_MS,
    breatheMs: BREATHE_MS,
    run: () => store.forget(now() - eventsMs, now() - sumsMs, MOST_AT_ONCE),
    pause,
    onFailed,
  });
