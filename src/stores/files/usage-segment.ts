/** One file of events that is complete, in batches: read by whoever stores them, and removed when they are in the store. */
import { rm } from 'node:fs/promises';
import type { Segment } from '../../usage/spool.ts';

const LINE_BREAK = 10;

export const removeIfThere = (path: string): Promise<void> => rm(path, { force: true });

/** Where the batches of a file end, in bytes from its start. It is told of the lines in their order. */
export type Cuts = Readonly<{ ends: readonly number[]; add(lines: number, end: number): void }>;

/** A batch has at most `mostLines`, but where more are added at once. */
export const createCuts = (mostLines: number): Cuts => {
  const ends: number[] = [];
  let linesOfLast = 0;
  return {
    ends,
    add(lines, end) {
      const isForLast = ends.length > 0 && linesOfLast + lines <= mostLines;
      if (isForLast) ends.pop();
      ends.push(end);
      linesOfLast = isForLast ? linesOfLast + lines : lines;
    },
  };
};

/** Adds each whole line of `bytes`, which begin at `from` in the file. Gives how many they are. */
export const addLines = (cuts: Cuts, bytes: Buffer, from: number): number => {
  let count = 0;
  for (let at = bytes.indexOf(LINE_BREAK); at >= 0; at = bytes.indexOf(LINE_BREAK, at + 1)) {
    cuts.add(1, from + at + 1);
    count += 1;
  }
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
