/** Files between answers and the store: what was written to them outlives this process. */

/** Whole lines in a file: whoever stores them reads them there, off the event loop. `from` and `to` count bytes. */
export type SpooledLines = Readonly<{ path: string; from: number; to: number }>;

export type Segment = Readonly<{
  events: number;
  /** When the first of it was written, by the clock of whoever wrote it. */
  sinceMs: number;
  /** Half a line at the end was never acknowledged, and is left out. */
  batches: readonly SpooledLines[];
  /** What it holds is in the store. */
  remove(): Promise<void>;
}>;

export type UsageSpool = Readonly<{
  /** Throws where it cannot be used. */
  open(): void;
  /** Gives lines of `count` events to the operating system before it returns. Throws where they cannot be kept: none of them is. */
  write(lines: string, count: number): void;
  /** What was written until here, oldest first, each segment once. */
  take(): readonly Segment[];
  /** Takes over what processes that have ended left behind. */
  adopt(): Promise<readonly Segment[]>;
  /** What is left may be taken over by others. */
  close(): void;
}>;
