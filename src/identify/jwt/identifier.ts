/** JWTs as identities, with a cache of tokens that were verified before. */
import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Eventually } from '../../core/eventually.ts';
import { type Identification, rejected } from '../../core/identity.ts';
import { isRefusal } from '../../core/refusal.ts';
import type { Identifier, Intent } from '../../core/rule.ts';
import { type FailureThrottle, rejectFrom } from '../failure-throttle.ts';
import { claimAt, claimNames } from './claim-path.ts';
import { createSeenBefore } from './seen-before.ts';
import type { Verified, VerifyToken } from './verify.ts';

export type JwtIdentifierOptions = Readonly<{
  verify: VerifyToken;
  throttle: FailureThrottle;
  /** SHA-256. */
  digest?: (token: string) => string;
  now: () => number;
  cacheSize: number;
  onLookup?: (result: 'hit' | 'miss') => void;
}>;

const sha256 = (token: string): string => hash('sha256', token);

const USUAL_TOKEN_LENGTH = 2_048;

type Entry = Readonly<{ verified: Verified; identification: Identification; notAfterMs: number; notBeforeMs: number }>;

const identificationOf = ({ issuer, claims }: Verified): Identification => ({
  outcome: 'identified',
  identity: {
    method: 'jwt',
    subject: claims.sub ?? '',
    issuer: issuer.name,
    scopes: [...claimNames(claims['scope']), ...claimNames(claims['scp'])],
    roles: claimNames(claimAt(claims, issuer.rolesClaim)),
    claims,
  },
});

const entryOf = (verified: Verified): Entry => {
  const { claims, issuer } = verified;
  return {
    verified,
    identification: identificationOf(verified),
    notAfterMs: (claims.exp ?? 0) * 1000 + issuer.clockSkewMs,
    notBeforeMs: (claims.nbf ?? 0) * 1000 - issuer.clockSkewMs,
  };
};

/** The keys that verified it are still the issuer's keys, and its time has not run out. */
const isGood = ({ verified, notAfterMs, notBeforeMs }: Entry, nowMs: number): boolean =>
  verified.keys === verified.issuer.keys.current() && nowMs < notAfterMs && nowMs >= notBeforeMs;

/** `source`: the address that is held to account for bad tokens. */
export type IdentifyToken = (token: string, source: string, intent: Intent) => Eventually<Identification>;

export const createTokenIdentifier = ({
  verify,
  throttle,
  digest: digestOf = sha256,
  now,
  cacheSize,
  onLookup,
}: JwtIdentifierOptions): IdentifyToken => {
  // The key is a digest of the whole token, signature included, so that no two tokens share an entry. Large tokens take the
  // place of several, for an issuer may let its users make them.
  const cache = new LRUCache<string, Entry>({ max: cacheSize, maxSize: cacheSize * USUAL_TOKEN_LENGTH });
  // Kept from the second time on: to keep every token that is used once costs pauses of the garbage collector.
  const seenBefore = createSeenBefore(cacheSize);

  // Verified even where many bad tokens came from: one client with a token that ran out must not keep its neighbours out.
  const verifyNew = async (token: string, digest: string, source: string, intent: Intent): Promise<Identification> => {
    const verified = await verify(token, now());
    if (isRefusal(verified)) {
      const isTheirFault = verified.code !== 'keys_unavailable';
      return isTheirFault ? rejectFrom(throttle, source, verified, intent) : rejected(verified);
    }
    const entry = entryOf(verified);
    if (seenBefore(digest)) cache.set(digest, entry, { size: token.length });
    return entry.identification;
  };

  return (token, source, intent) => {
    const digest = digestOf(token);
    const entry = cache.get(digest);
    if (entry && isGood(entry, now())) {
      onLookup?.('hit');
      return entry.identification;
    }
    onLookup?.('miss');
    return verifyNew(token, digest, source, intent);
  };
};

export const createJwtIdentifier = (options: JwtIdentifierOptions): Identifier => {
  const identify = createTokenIdentifier(options);
  return (request, { value }, intent) => identify(value, request.clientIp, intent);
};
