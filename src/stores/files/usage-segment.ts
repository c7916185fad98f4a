/** One file of events that is complete: read in batches, and removed when they are in the store. */
import { readFile, rm } from 'node:fs/promises';
import type { Segment } from '../../usage/spool.ts';

const LINE_BREAK = 10;

export const removeIfThere = (path: string): Promise<void> => rm(path, { force: true });

export const countLines = (bytes: Buffer): number => {
  let count = 0;
  for (let at = bytes.indexOf(LINE_BREAK); at >= 0; at = bytes.indexOf(LINE_BREAK, at + 1)) count += 1;
  return count;
};

const batchesOf = (bytes: Buffer, mostLines: number): string[] => {
  const batches: string[] = [];
  const end = bytes.lastIndexOf(LINE_BREAK) + 1;
  let lines = 0;
  let from = 0;
  for (let next = 0; next < end; ) {
    next = bytes.indexOf(LINE_BREAK, next) + 1;
    lines += 1;
    if (lines < mostLines && next < end) continue;
    batches.push(bytes.toString('utf8', from, next));
    from = next;
    lines = 0;
  }
  return batches;
};

export const createSegment = (
  path: string,
  { events, sinceMs }: Pick<Segment, 'events' | 'sinceMs'>,
  onRemoved: () => Promise<void> = async () => undefined,
): Segment => ({
  events,
  sinceMs,
  read: async (mostLines) => batchesOf(await readFile(path), mostLines),

  async remove() {
    await removeIfThere(path);
    await onRemoved();
  },
});
