import type { IncomingMessage } from 'node:http';
import { type Refusal, refuse } from '../core/refusal.ts';

export const tooLarge = (maxBytes: number): Refusal =>
  refuse('body_too_large', `The body is larger than ${maxBytes} bytes.`);

const MOST_DISCARDED = 8 * 1024 * 1024;

/**
 * A body of bounded size. What is too large is read on for a while and thrown away: a caller that still writes would not read
 * the answer.
 */
export const readBody = async (message: IncomingMessage, maxBytes: number): Promise<Buffer | Refusal> => {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of message.iterator({ destroyOnReturn: false })) {
    bytes += chunk.length;
    if (bytes <= maxBytes) chunks.push(chunk);
    if (bytes > MOST_DISCARDED) break;
  }
  return bytes > maxBytes ? tooLarge(maxBytes) : Buffer.concat(chunks);
};

/** Bytes of the body, `undefined` where it comes in chunks; 0 where there is none. */
export const bodyLengthOf = ({ headers }: IncomingMessage): number | undefined =>
  headers['transfer-encoding'] === undefined ? Number(headers['content-length'] ?? 0) : undefined;
