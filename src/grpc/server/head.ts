/** What is held of a call from its head on. */
import type { ServerHttp2Stream } from 'node:http2';
import type { Held } from './deframer.ts';
import { type Failure, RESOURCE_EXHAUSTED } from './status.ts';

/** Of a head, names and values together. Envoy's is of some hundred bytes: what a check is about stands in its message. */
export const MOST_HEAD_BYTES = 16 * 1024;

/** Of a call that waits, besides its head and message. */
const CALL_BYTES = 8 * 1024;

const headTooLarge: Failure = { code: RESOURCE_EXHAUSTED, message: `a head of more than ${MOST_HEAD_BYTES} bytes` };
const tooManyCalls: Failure = { code: RESOURCE_EXHAUSTED, message: 'too many calls are under way' };

/** Counts it as held until the stream has closed. Gives why the call must end at once. */
export const holdHead = (stream: ServerHttp2Stream, raw: readonly string[], held: Held): Failure | undefined => {
  const head = raw.reduce((sum, part) => sum + part.length, 0);
  const bytes = CALL_BYTES + head;
  held.left -= bytes;
  stream.once('close', () => {
    held.left += bytes;
  });
  // Whoever has not acknowledged our SETTINGS is held to no limit of theirs.
  if (head > MOST_HEAD_BYTES) return headTooLarge;
  return held.left < 0 ? tooManyCalls : undefined;
};
