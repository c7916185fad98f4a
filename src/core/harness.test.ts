/** What the tests of this folder share. */
import type { AuthRequest } from './request.ts';

/** A request with these headers, by their lower-case names. */
export const requestWith = (headers: Readonly<Record<string, string>> = {}, path = '/'): AuthRequest => ({
  id: 'r1',
  method: 'GET',
  scheme: 'http',
  host: 'h',
  path,
  query: '',
  clientIp: '192.0.2.1',
  header: (name) => headers[name],
  findHeaderName: (test) => Object.keys(headers).find(test),
});
