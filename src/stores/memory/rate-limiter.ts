/**
 * Rate limits in this process. A window is cut into slices; a request counts for as long as its slice touches the window,
 * so that no stretch of `windowMs` ever holds more than `limit`, and no boundary gives a double burst. The price is that
 * room comes back up to one slice late.
 */
import { LRUCache } from 'lru-cache';
import type { Counter, Taken } from '../../checks/rate-limit.ts';

const SLICES = 60;
const MOST_COUNTERS = 200_000;
const DAY_MS = 86_400_000;

/** A slice with requests in it. Slices are numbered from that day on, so that V8 keeps the number without a box. */
type Slice = { number: number; count: number };

/** Keeps only slices with requests in them: most callers come once, and there may be hundreds of thousands of them. */
class Window {
  /** The oldest first. */
  #slices: Slice[] = [];
  #now = 0;
  total = 0;

  /** Drops the slices that have left the window. A clock that goes back drops none: what was counted stays a whole window. */
  advanceTo(number: number): void {
    const back = this.#now - number;
    if (back > 0) for (const slice of this.#slices) slice.number -= back;
    this.#now = number;
    for (let oldest = this.#slices[0]; oldest && oldest.number < number - SLICES; oldest = this.#slices[0]) {
      this.total -= oldest.count;
      this.#slices.shift();
    }
  }

  add(): void {
    this.total++;
    const newest = this.#slices.at(-1);
    if (newest?.number === this.#now) newest.count++;
    else if (newest) this.#slices.push({ number: this.#now, count: 1 });
    // An array that is pushed to has room for 17 at once.
    else this.#slices = [{ number: this.#now, count: 1 }];
  }

  /** Number of the slice with which the oldest requests leave. */
  sliceWithRoom(): number {
    return (this.#slices[0]?.number ?? this.#now) + SLICES + 1;
  }
}

export type MemoryRateLimiter = Readonly<{ take(counters: readonly Counter[], count: boolean): Taken }>;

/** Which counter is told of. */
const isTighter = (taken: Taken, than: Taken | undefined): boolean => {
  if (!than) return true;
  if (taken.passed !== than.passed) return than.passed;
  return taken.passed ? taken.remaining < than.remaining : taken.moreAfterMs > than.moreAfterMs;
};

export const createMemoryRateLimiter = (now: () => number): MemoryRateLimiter => {
  // `max` would take the memory for all of them at the start.
  const windows = new LRUCache<string, Window>({ maxSize: MOST_COUNTERS, sizeCalculation: () => 1 });
  // At a midnight, so that the slices of every process, and those of Redis, begin together.
  const startMs = now() - (now() % DAY_MS);

  const windowFor = ({ key, windowMs }: Counter, nowMs: number): Window => {
    let window = windows.get(key);
    if (!window) {
      window = new Window();
      windows.set(key, window);
    }
    window.advanceTo(Math.floor((nowMs * SLICES) / windowMs));
    return window;
  };

  const look = (window: Window, { limit, windowMs }: Counter, at: number, nowMs: number): Taken => ({
    passed: window.total < limit,
    at,
    remaining: Math.max(0, limit - window.total),
    moreAfterMs: Math.max(1, Math.ceil((window.sliceWithRoom() * windowMs) / SLICES - nowMs)),
  });

  return {
    take(counters, count) {
      const nowMs = now() - startMs;
      const touched: Window[] = [];
      let told: Taken | undefined;
      for (const [at, counter] of counters.entries()) {
        const window = windowFor(counter, nowMs);
        touched.push(window);
        const seen = look(window, counter, at, nowMs);
        if (isTighter(seen, told)) told = seen;
      }
      if (!told) throw new TypeError('a request that is limited has a counter');
      if (!told.passed || !count) return told;
      for (const window of touched) window.add();
      return { ...told, remaining: told.remaining - 1 };
    },
  };
};
