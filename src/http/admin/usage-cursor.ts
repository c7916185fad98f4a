/** Cursors of usage: opaque to callers, and nothing but a place in the order of sums. */
import type { UsagePlace } from '../../usage/usage-store.ts';

export const toUsageCursor = ({ startMs, groups }: UsagePlace): string =>
  Buffer.from(JSON.stringify([startMs, ...groups])).toString('base64url');

const LONGEST = 8_192;

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** Undefined for what is none of ours, or of a question with other groups. */
export const parseUsageCursor = (cursor: string, groupCount: number): UsagePlace | undefined => {
  if (cursor.length > LONGEST) return undefined;
  const value = parse(Buffer.from(cursor, 'base64url').toString());
  if (!Array.isArray(value) || value.length !== groupCount + 1) return undefined;
  const [startMs, ...groups]: unknown[] = value;
  if (!Number.isSafeInteger(startMs) || !groups.every((group) => typeof group === 'string')) return undefined;
  const place = { startMs: Number(startMs), groups };
  // A text that reads the same and is written otherwise is not ours; and no database keeps a NUL.
  return toUsageCursor(place) === cursor && !groups.some((group) => group.includes('\0')) ? place : undefined;
};
