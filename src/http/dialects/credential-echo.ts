import { credentialHeaders } from '../../core/credential.ts';
import type { Allow } from '../../core/decision.ts';
import { HeaderLines } from '../header-lines.ts';
import { type Incoming, single } from '../http-request.ts';

const nothing = new HeaderLines({ Authorization: '', 'X-API-Key': '', 'X-Cashu': '' });

const spelling = { authorization: 'Authorization', 'x-api-key': 'X-API-Key', 'x-cashu': 'X-Cashu' } as const;

/**
 * nginx, Traefik, Caddy and HAProxy can replace a header of the request by one of the answer, but cannot be told to remove
 * one. So the answer repeats each credential header as the application is to see it: as it came, or empty.
 */
export const echoCredentials = ({ remove }: Allow, { headers }: Incoming): HeaderLines => {
  const kept = credentialHeaders.filter((name) => headers[name] !== undefined && !remove.includes(name));
  if (kept.length === 0) return nothing;
  const values = kept.map((name) => [spelling[name], single(headers[name]) ?? '']);
  return new HeaderLines({ ...nothing.headers, ...Object.fromEntries(values) });
};
