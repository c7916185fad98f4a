import { setTimeout as delay } from 'node:timers/promises';

/** Resolves after so many milliseconds, or at the signal. Keeps no process alive. */
export const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  delay(ms, undefined, { signal, ref: false }).catch(() => undefined);
