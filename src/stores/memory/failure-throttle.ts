import { LRUCache } from 'lru-cache';
import type { FloodThrottle } from '../../identify/failure-throttle.ts';

export type MemoryFailureThrottle = FloodThrottle &
  Readonly<{
    /** What others counted of this source as well: so many, in a minute that ends in `endsInMs`. */
    adopt(source: string, count: number, endsInMs: number): void;
  }>;

const WINDOW_MS = 60_000;
const MOST_SOURCES = 50_000;
const FLOOD = 10;
/** A source that is not known stands for every caller behind one proxy: it may send so many times as much, and no less is a flood. */
const UNKNOWN = 100;

/**
 * Counts bad credentials by source in fixed minutes. `limit`: how many a source may send in one; ten times as many are a
 * flood. The empty source is the one that is not known.
 */
export const createFailureThrottle = (limit: number, now: () => number): MemoryFailureThrottle => {
  // `max` would take the memory for all of them at the start.
  const failures = new LRUCache<string, { sinceMs: number; count: number }>({
    maxSize: MOST_SOURCES,
    sizeCalculation: () => 1,
  });

  const windowOf = (source: string) => {
    const window = failures.get(source);
    const ageMs = window ? now() - window.sinceMs : -1;
    // A clock that went back must not keep a source out until it has caught up.
    return ageMs >= 0 && ageMs < WINDOW_MS ? window : undefined;
  };

  const countOf = (source: string): number => windowOf(source)?.count ?? 0;

  return {
    isOpen: (source) => countOf(source) < limit * (source === '' ? UNKNOWN : 1),
    isFlood: (source) => countOf(source) >= limit * (source === '' ? UNKNOWN : FLOOD),
    recordFailure(source) {
      const window = windowOf(source);
      if (window) window.count++;
      else failures.set(source, { sinceMs: now(), count: 1 });
    },

    adopt(source, count, endsInMs) {
      if (count <= countOf(source)) return;
      failures.set(source, { sinceMs: now() - Math.max(0, WINDOW_MS - endsInMs), count });
    },
  };
};
