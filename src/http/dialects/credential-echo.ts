import { credentialHeaders } from '../../core/credential.ts';
import type { Allow } from '../../core/decision.ts';
import { type Incoming, single } from '../http-request.ts';

const spelling = { authorization: 'Authorization', 'x-api-key': 'X-API-Key', 'x-cashu': 'X-Cashu' } as const;

/**
 * nginx, Traefik, Caddy and HAProxy can replace a header of the request by one of the answer, but cannot be told to remove
 * one. So the answer repeats each credential header as the application is to see it: as it came, or empty.
 */
export const echoCredentials = (headers: Record<string, string>, { remove }: Allow, incoming: Incoming): void => {
  for (const name of credentialHeaders) {
    headers[spelling[name]] = remove.includes(name) ? '' : (single(incoming.headers[name]) ?? '');
  }
};
