import { LRUCache } from 'lru-cache';
import type { FailureThrottle } from '../../identify/failure-throttle.ts';

const WINDOW_MS = 60_000;
const MOST_SOURCES = 50_000;

/**
 * Counts bad credentials by source in fixed minutes. `limit`: how many a source may send in one. A source that is not known
 * is not counted: it would stand for every caller behind one proxy.
 */
export const createFailureThrottle = (limit: number, now: () => number): FailureThrottle => {
  const failures = new LRUCache<string, { sinceMs: number; count: number }>({ max: MOST_SOURCES });

  const windowOf = (source: string) => {
    const window = failures.get(source);
    return window && now() - window.sinceMs < WINDOW_MS ? window : undefined;
  };

  return {
    isOpen: (source) => (windowOf(source)?.count ?? 0) < limit,
    recordFailure(source) {
      if (source === '') return;
      const window = windowOf(source);
      if (window) window.count++;
      else failures.set(source, { sinceMs: now(), count: 1 });
    },
  };
};
