/**
 * Rate limits in this process. A window is cut into slices; a request counts for as long as its slice touches the window,
 * so that no stretch of `windowMs` ever holds more than `limit`, and no boundary gives a double burst. The price is that
 * room comes back up to one slice late.
 */
import { LRUCache } from 'lru-cache';
import type { Counter, Full, RateLimiter } from '../../checks/rate-limit.ts';

const SLICES = 60;
const MOST_COUNTERS = 200_000;

class Window {
  /** A ring, of which `#head` is the newest slice. */
  readonly #slices = new Uint32Array(SLICES + 1);
  #head = 0;
  /** Number of the newest slice, counted since the epoch. */
  #newest = 0;
  total = 0;

  /** Drops the slices that have left the window. A clock that goes back drops none: what was counted stays a whole window. */
  advanceTo(slice: number): void {
    const passed = Math.min(slice - this.#newest, SLICES + 1);
    for (let step = 0; step < passed; step++) {
      this.#head = (this.#head + 1) % (SLICES + 1);
      this.total -= this.#slices[this.#head] ?? 0;
      this.#slices[this.#head] = 0;
    }
    this.#newest = slice;
  }

  add(): void {
    this.#slices[this.#head] = (this.#slices[this.#head] ?? 0) + 1;
    this.total++;
  }

  /** Number of the slice with which the oldest requests leave. */
  sliceWithRoom(): number {
    for (let step = 1; step <= SLICES; step++) {
      if ((this.#slices[(this.#head + step) % (SLICES + 1)] ?? 0) > 0) return this.#newest + step;
    }
    return this.#newest + SLICES + 1;
  }
}

export const createMemoryRateLimiter = (now: () => number): RateLimiter => {
  const windows = new LRUCache<string, Window>({ max: MOST_COUNTERS });

  const windowFor = ({ key, windowMs }: Counter, nowMs: number): Window => {
    let window = windows.get(key);
    if (!window) {
      window = new Window();
      windows.set(key, window);
    }
    window.advanceTo(Math.floor((nowMs * SLICES) / windowMs));
    return window;
  };

  /** Zero where there is room, and never where there is none. */
  const waitOf = (window: Window, { limit, windowMs }: Counter, nowMs: number): number =>
    window.total < limit ? 0 : Math.max(1, Math.ceil((window.sliceWithRoom() * windowMs) / SLICES - nowMs));

  return {
    take(counters, count) {
      const nowMs = now();
      const touched: Window[] = [];
      let full: Full | undefined;
      for (const counter of counters) {
        const window = windowFor(counter, nowMs);
        touched.push(window);
        const retryAfterMs = waitOf(window, counter, nowMs);
        if (retryAfterMs > (full?.retryAfterMs ?? 0)) full = { counter, retryAfterMs };
      }
      if (count && !full) for (const window of touched) window.add();
      return full;
    },
  };
};
