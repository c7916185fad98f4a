import { canonicalHeader, hopByHop } from '../core/header-names.ts';

/** RFC 9110 section 5.6.2. */
const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** Carry credentials or the shape of the message; setting them would change what the request is. */
const untouchable = ['authorization', 'cookie', 'host', 'content-length', 'x-api-key', 'x-cashu'];

/** Set by proxies or by Sallyport; a second writer would make them mean nothing. */
const taken = [
  'x-forwarded-',
  'x-original-',
  'x-auth-status',
  'x-payment-',
  'x-client-cn',
  'x-provisioned-pod',
  'x-required-amount',
];

/** In a header of the shape of `x-original-`, but the sidecar's documented name for the caller; no proxy writes it. */
const exempt = 'x-original-user';

export const isHeaderName = (name: string): boolean => token.test(name);

/** A header that is taken off on the way protects nobody. */
export const isHopByHop = (name: string): boolean => hopByHop.includes(canonicalHeader(name));

/** Why no rule may set this header; undefined when it may. */
export const headerProblem = (name: string): string | undefined => {
  if (!isHeaderName(name)) return 'not a header name';
  const canonical = canonicalHeader(name);
  if (isHopByHop(name)) return 'a hop-by-hop header, which proxies take off';
  if (untouchable.includes(canonical)) return 'a header that carries a credential or frames the message';
  const reserved = canonical !== exempt && taken.some((start) => canonical.startsWith(start));
  return reserved ? 'a header that proxies or Sallyport itself set' : undefined;
};
