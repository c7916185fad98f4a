/** Which addresses the targets of egress, and the token endpoints of their credentials, may have. */
import { isIP } from 'node:net';
import {
  createGuardedLookup,
  ForbiddenAddress,
  isForbiddenAddress,
  isPrivateAddress,
  type Resolve,
} from './address-guard.ts';

/** Addresses that a target never has: for `createOutbound` and for whatever else connects. */
export const refusedFor = (allowPrivate: boolean): ((address: string) => boolean) =>
  allowPrivate ? isForbiddenAddress : isPrivateAddress;

/**
 * The `lookup` for connections to this URL and no other, as undici's `connect` option takes it: every answer of DNS is looked
 * at, and what was looked at is what is connected to. Throws `ForbiddenAddress` where the URL itself names such an address,
 * for that is never looked up.
 */
export const guardTarget = (
  url: URL,
  allowPrivate: boolean,
  resolve?: Resolve,
): ReturnType<typeof createGuardedLookup> => {
  const isRefused = refusedFor(allowPrivate);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) !== 0 && isRefused(host)) {
    const wayOut = allowPrivate || isForbiddenAddress(host) ? '' : ': it is private, and allow_private is not set';
    throw new ForbiddenAddress(`${host} is refused${wayOut}`);
  }
  return createGuardedLookup(resolve, isRefused);
};
