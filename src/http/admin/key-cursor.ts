/** Cursors of key lists: opaque to callers, and nothing but a position. */
import type { KeyPosition } from '../../keys/key-store.ts';

export const toCursor = ({ createdAt, id }: KeyPosition): string =>
  Buffer.from(`${createdAt}.${id}`).toString('base64url');

const LONGEST = 256;

/** Undefined for what is none of ours. */
export const parseCursor = (cursor: string): KeyPosition | undefined => {
  if (cursor.length > LONGEST) return undefined;
  const [, createdAt = '', id = ''] =
    /^(0|[1-9]\d{0,15})\.([\w-]+)$/.exec(Buffer.from(cursor, 'base64url').toString('latin1')) ?? [];
  const position = { createdAt: Number(createdAt), id };
  // A text that reads the same and is written otherwise is not ours.
  return id !== '' && toCursor(position) === cursor ? position : undefined;
};
