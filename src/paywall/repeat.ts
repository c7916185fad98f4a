/** What makes two questions of a proxy one request: asked again after a lost answer, or after a redirect within the proxy. */
import { hash } from 'node:crypto';
import type { AuthRequest } from '../core/request.ts';
import type { Debit } from './ledger.ts';

/**
 * The proxy's correlation id, and with it all that is decided by: an id alone would open other doors. `withinMs`: 0 where
 * clients may choose the id (docs/decisions/0008).
 */
export const repeatOf = (request: AuthRequest, withinMs: number, nowMs: number): Pick<Debit, 'once'> => {
  if (withinMs === 0) return {};
  const { id, method, scheme, host, path, query } = request;
  const key = hash('sha256', JSON.stringify([id, method, scheme, host, path, query]), 'base64url');
  return { once: { key, untilMs: nowMs + withinMs } };
};
