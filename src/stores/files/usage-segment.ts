/** One file of events that is complete, in batches: read by whoever stores them, and removed when they are in the store. */
import { rm } from 'node:fs/promises';
import type { Segment } from '../../usage/spool.ts';

const LINE_BREAK = 10;

export const removeIfThere = (path: string): Promise<void> => rm(path, { force: true });

/** Where the batches of a file end, in bytes from its start. It is told of the events in their order. */
export type Cuts = Readonly<{ ends: readonly number[]; add(events: number, end: number): void }>;

/** A batch has at most `mostEvents`, but where more are added at once. */
export const createCuts = (mostEvents: number): Cuts => {
  const ends: number[] = [];
  let eventsOfLast = 0;
  return {
    ends,
    add(events, end) {
      const isForLast = ends.length > 0 && eventsOfLast + events <= mostEvents;
      if (isForLast) ends.pop();
      ends.push(end);
      eventsOfLast = isForLast ? eventsOfLast + events : events;
    },
  };
};

const BRACKET = 0x5b;
const QUOTE = 0x22;
const isDigit = (byte: number | undefined): boolean => byte !== undefined && byte >= 0x30 && byte <= 0x39;

/** Whether the line at `from` is an event, and no head of others: see `usage/turn-lines.ts`. */
const isEventLine = (bytes: Uint8Array, from: number): boolean =>
  bytes[from] !== BRACKET || bytes[from + 1] !== BRACKET;

/** Whether the line at `from` means something without those before it. */
const standsAlone = (bytes: Uint8Array, from: number): boolean =>
  isEventLine(bytes, from) ? bytes[from] !== BRACKET || !isDigit(bytes[from + 1]) : bytes[from + 2] !== QUOTE;

/** Adds the events of each whole line of `bytes`, which begin at `from` in the file. Gives how many they are. */
export const addLines = (cuts: Cuts, bytes: Buffer, from: number): number => {
  let count = 0;
  let together = 0;
  let start = 0;
  for (let end = bytes.indexOf(LINE_BREAK) + 1; end > 0; end = bytes.indexOf(LINE_BREAK, start) + 1) {
    if (together > 0 && standsAlone(bytes, start)) {
      cuts.add(together, from + start);
      together = 0;
    }
    if (isEventLine(bytes, start)) {
      together += 1;
      count += 1;
    }
    start = end;
  }
  if (together > 0) cuts.add(together, from + start);
  return count;
};

export const createSegment = (
  path: string,
  { ends }: Cuts,
  { events, sinceMs }: Pick<Segment, 'events' | 'sinceMs'>,
  onRemoved: () => Promise<void> = async () => undefined,
): Segment => ({
  events,
  sinceMs,
  batches: ends.map((to, index) => ({ path, from: ends[index - 1] ?? 0, to })),

  async remove() {
    await removeIfThere(path);
    await onRemoved();
  },
});
