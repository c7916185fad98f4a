import { Arrivals } from './arrivals.ts';
import type { Held } from './deframer.ts';

/** What is the same for all calls of one listener. */
export type Handling = Readonly<{
  maxMessageBytes: number;
  held: Held;
  arrivals: Arrivals;
  /** Calls back at the end of this turn of the event loop, when what was recorded of the calls answered in it is kept. */
  sendLater(send: () => void): void;
  /** Told of what should not happen. */
  onError(error: unknown): void;
}>;

/** Bytes of heads, and of messages which have not come whole, in all calls together. */
const MOST_HELD = 64 * 2 ** 20;

export const createHandling = (options: Omit<Handling, 'held' | 'arrivals'>): Handling => ({
  ...options,
  held: { left: Math.max(MOST_HELD, 2 * options.maxMessageBytes) },
  arrivals: new Arrivals(),
});
