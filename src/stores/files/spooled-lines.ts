/** Reads lines of usage where the spool has put them, at once: for threads that nobody waits for. */
import { closeSync, openSync, readSync } from 'node:fs';
import type { SpooledLines } from '../../usage/spool.ts';

/** Throws where the file has not all of them. */
export const readSpooled = ({ path, from, to }: SpooledLines): string => {
  const bytes = Buffer.allocUnsafe(to - from);
  const fd = openSync(path, 'r');
  try {
    for (let at = 0; at < bytes.length; ) {
      const read = readSync(fd, bytes, at, bytes.length - at, from + at);
      if (read === 0) throw new Error(`${path} ends at byte ${from + at}: somebody has cut off what was to byte ${to}`);
      at += read;
    }
  } finally {
    closeSync(fd);
  }
  return bytes.toString('utf8');
};
