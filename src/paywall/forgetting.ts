/**
 * Forgets what no answer depends on any more, a little at a time: sessions, uses of units and remembered requests that ended
 * long ago. Money, claims and purchases are never forgotten. Any number of processes may do so on one ledger.
 */

import { createRounds, type Rounds, type RoundsOptions } from '../core/rounds.ts';
import type { Ledger } from './ledger.ts';

export type ForgettingOptions = Pick<RoundsOptions, 'pause' | 'onFailed'> &
  Readonly<{ ledger: Pick<Ledger, 'forget'>; now: () => number }>;

/** Late reports are still taken, and a client that comes back is told that its session is over. */
export const KEPT_FOR_MS = 86_400_000;
const LOOK_AGAIN_MS = 60_000;
/** Where there is more, payments come in between. */
const BREATHE_MS = 200;
const MOST_AT_ONCE = 500;

export const createForgetting = ({ ledger, now, pause, onFailed }: ForgettingOptions): Rounds =>
  createRounds({
    everyMs: LOOK_AGAIN_MS,
    breatheMs: BREATHE_MS,
    run: () => ledger.forget(now() - KEPT_FOR_MS, MOST_AT_ONCE),
    pause,
    onFailed,
  });
