import type { Allow } from '../../core/decision.ts';
import { HeaderLines } from '../header-lines.ts';
import { type Incoming, single } from '../http-request.ts';

const empty = { Authorization: '', 'X-API-Key': '', 'X-Cashu': '', 'X-Payment-Session': '', Cookie: '' };

/** The headers of an answer that are the application's, although a client may be told something under the same name. */
export const echoedHeaders: readonly string[] = Object.keys(empty);

const nothing = new HeaderLines(empty);

const credentials = [
  ['authorization', 'Authorization'],
  ['x-api-key', 'X-API-Key'],
  ['x-cashu', 'X-Cashu'],
] as const;

/**
 * nginx, Traefik, Caddy and HAProxy can replace a header of the request by one of the answer, but cannot be told to remove
 * one. So the answer repeats each credential header as the application is to see it: as it came, or empty.
 */
export const echoCredentials = ({ remove, cookie }: Allow, { headers }: Incoming): HeaderLines => {
  const kept: Record<string, string> = {};
  for (const [name, spelling] of credentials) {
    const value = single(headers[name]);
    if (value !== undefined && !remove.includes(name)) kept[spelling] = value;
  }
  const cookies = cookie ?? headers.cookie;
  if (cookies) kept['Cookie'] = cookies;
  return Object.keys(kept).length === 0 ? nothing : new HeaderLines({ ...empty, ...kept });
};
