/**
 * Rate limits in this process. A window is cut into slices; a request counts for as long as its slice touches the window,
 * so that no stretch of `windowMs` ever holds more than `limit`, and no boundary gives a double burst. The price is that
 * room comes back up to one slice late.
 */
import { LRUCache } from 'lru-cache';
import type { Counter, RateLimiter } from '../../checks/rate-limit.ts';

const SLICES = 60;
const MOST_COUNTERS = 200_000;

class Window {
  readonly #slices = new Uint32Array(SLICES + 1);
  #newest = 0;
  total = 0;

  /** Drops the slices that have left the window. `slice` counts slices since the epoch. */
  advanceTo(slice: number): void {
    const passed = Math.min(slice - this.#newest, SLICES + 1);
    for (let step = 1; step <= passed; step++) {
      const index = (this.#newest + step) % (SLICES + 1);
      this.total -= this.#slices[index] ?? 0;
      this.#slices[index] = 0;
    }
    // A clock that goes back leaves the window where it is.
    if (slice > this.#newest) this.#newest = slice;
  }

  add(): void {
    const index = this.#newest % (SLICES + 1);
    this.#slices[index] = (this.#slices[index] ?? 0) + 1;
    this.total++;
  }

  /** How many slices from now the oldest requests leave. */
  slicesUntilRoom(): number {
    for (let step = 1; step <= SLICES + 1; step++) {
      if ((this.#slices[(this.#newest + step) % (SLICES + 1)] ?? 0) > 0) return step;
    }
    return SLICES + 1;
  }
}

export const createMemoryRateLimiter = (now: () => number): RateLimiter => {
  const windows = new LRUCache<string, Window>({ max: MOST_COUNTERS });

  const windowFor = ({ key, windowMs }: Counter): Window => {
    let window = windows.get(key);
    if (!window) {
      window = new Window();
      windows.set(key, window);
    }
    window.advanceTo(Math.floor((now() * SLICES) / windowMs));
    return window;
  };

  return {
    take(counters, count) {
      const touched = counters.map(windowFor);
      for (const [index, counter] of counters.entries()) {
        const window = touched[index];
        if (window && window.total >= counter.limit) {
          return { counter, retryAfterMs: (window.slicesUntilRoom() * counter.windowMs) / SLICES };
        }
      }
      if (count) for (const window of touched) window.add();
      return undefined;
    },
  };
};
