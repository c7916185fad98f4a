/** How long to wait before the next try. */

const LONGEST_WAIT_MS = 20_000;

/**
 * Full jitter: anything from nothing to a limit that doubles with each try, so that callers who failed together do not come
 * back together. `tries` is how many there were, `random` from 0 to 1.
 */
export const backoffMs = (tries: number, retryDelayMs: number, random: number): number =>
  Math.floor(random * Math.min(retryDelayMs * 2 ** (tries - 1), Math.max(LONGEST_WAIT_MS, retryDelayMs)));

/**
 * What is waited in the end, or undefined where the deadline leaves no time for it: what the target asked for is never
 * shortened, for whoever comes sooner is refused again.
 */
export const waitMs = (jitteredMs: number, retryAfterMs: number | undefined, leftMs: number): number | undefined => {
  const wait = Math.max(jitteredMs, retryAfterMs ?? 0);
  return wait < leftMs ? wait : undefined;
};
