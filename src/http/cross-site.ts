import { parseHost } from '../core/canonical.ts';
import type { AuthRequest } from '../core/request.ts';
import { type Incoming, single } from './http-request.ts';

type Own = Pick<AuthRequest, 'host' | 'scheme'>;

const isOwn = (origin: string, { host, scheme }: Own): boolean => {
  const url = URL.parse(origin);
  // Proxies often tell the host without its port.
  return url !== null && parseHost(url.host) === host && (scheme === 'http' || url.protocol === 'https:');
};

/**
 * Whether a page of another site, or one that hides where it is from, sent this form: the session that it brings would be the
 * other's. Browsers say `Sec-Fetch-Site` over https and `Origin` with every form (Fetch Metadata, RFC 6454); what says neither
 * is no browser, and has no cookies that others could make use of.
 */
export const isCrossSite = ({ headers }: Pick<Incoming, 'headers'>, own: Own): boolean => {
  const site = single(headers['sec-fetch-site']);
  if (site !== undefined) return site !== 'same-origin' && site !== 'none';
  return headers.origin !== undefined && !isOwn(headers.origin, own);
};
