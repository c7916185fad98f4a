import type { IncomingMessage } from 'node:http';
import type { z } from 'zod';
import { isRefusal, type Refusal, refuse } from '../../core/refusal.ts';
import { readBody } from '../body.ts';
import { wrong } from './wrong-fields.ts';

const DEFAULT_MAX_BYTES = 64 * 1024;
const MAX_DEPTH = 16;

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Deep nesting overflows the stack of whoever writes it out; a member called `__proto__` is a trap for whoever copies it. */
const isHarmless = (value: unknown, depth = 0): boolean => {
  if (typeof value !== 'object' || value === null) return true;
  if (depth >= MAX_DEPTH || Object.hasOwn(value, '__proto__')) return false;
  return Object.values(value).every((inner) => isHarmless(inner, depth + 1));
};

/** Reads a JSON body of bounded size and depth. */
const readJsonBody = async (message: IncomingMessage, maxBytes: number): Promise<{ value: unknown } | Refusal> => {
  if (!/^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i.test(message.headers['content-type'] ?? '')) {
    return refuse('unsupported_media_type', 'Expected Content-Type: application/json.');
  }
  try {
    const bytes = await readBody(message, maxBytes);
    if ('refused' in bytes) return bytes;
    const value: unknown = JSON.parse(utf8.decode(bytes));
    if (isHarmless(value)) return { value };
    return refuse('bad_request', `The body is nested deeper than ${MAX_DEPTH}, or has a member __proto__.`);
  } catch {
    return refuse('bad_request', 'The body is not valid JSON in UTF-8.');
  }
};

/** The same, of one shape. */
export const readJson = async <T>(
  message: IncomingMessage,
  shape: z.ZodType<T>,
  maxBytes = DEFAULT_MAX_BYTES,
): Promise<T | Refusal> => {
  const body = await readJsonBody(message, maxBytes);
  if (isRefusal(body)) return body;
  const parsed = shape.safeParse(body.value);
  return parsed.success ? parsed.data : wrong(parsed.error);
};
