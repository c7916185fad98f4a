import type { IncomingMessage } from 'node:http';
import { type Refusal, refuse } from '../../core/refusal.ts';

const MAX_BYTES = 64 * 1024;

/** Reads a JSON body of bounded size. */
export const readJsonBody = async (message: IncomingMessage): Promise<{ value: unknown } | Refusal> => {
  if (!/^application\/(?:[\w.+-]+\+)?json\b/i.test(message.headers['content-type'] ?? '')) {
    return refuse('unsupported_media_type', 'Expected Content-Type: application/json.');
  }
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BYTES) return refuse('body_too_large', `The body is larger than ${MAX_BYTES} bytes.`);
    chunks.push(chunk);
  }
  try {
    return { value: JSON.parse(Buffer.concat(chunks).toString('utf8')) };
  } catch {
    return refuse('bad_request', 'The body is not valid JSON.');
  }
};
