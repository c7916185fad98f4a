/** Verifies a JWT (RFC 7519, RFC 8725) against the issuers that are configured. jose does the cryptography. */
import { decodeJwt, errors, type JWTPayload, type JWTVerifyGetKey, type JWTVerifyOptions, jwtVerify } from 'jose';
import type { Refusal } from '../../core/refusal.ts';
import type { Issuer, KeySet } from './issuer.ts';
import { KeysUnavailable, refusalFor, rejectToken, UnacceptedToken } from './token-refusal.ts';

/** `keys` are the ones that the token was verified with. */
export type Verified = Readonly<{ issuer: Issuer; keys: KeySet | undefined; claims: JWTPayload }>;

const LONGEST_TOKEN = 16_384;
const MOST_KEYS_TRIED = 5;

const acceptedTypes = new Set(['jwt', 'at+jwt']);

/** Keys come from the configuration alone: a header that brings or points to one is an attack (RFC 8725 section 3.10). */
const checkHeader = (header: Readonly<Record<string, unknown>>, typ: string | undefined): void => {
  for (const name of ['jwk', 'jku', 'x5u']) {
    if (header[name] !== undefined)
      throw new UnacceptedToken('invalid_token', `The header has ${name}, which is not accepted.`);
  }
  const given = header['typ'];
  if (typ === undefined && given === undefined) return;
  const bare = typeof given === 'string' ? given.toLowerCase().replace(/^application\//, '') : '';
  const fits = typ === undefined ? acceptedTypes.has(bare) : bare === typ.toLowerCase();
  if (!fits) throw new UnacceptedToken('invalid_token', 'The typ of the header is not accepted here.');
};

/** What jose leaves to us: `sub` is text (RFC 7519 section 4.1.2), every token ends, and none is issued in the future. */
const checkClaims = (claims: JWTPayload, { clockSkewMs }: Issuer, nowMs: number): JWTPayload => {
  const { sub, iat, exp }: { sub?: unknown; iat?: number; exp?: number } = claims;
  if (sub !== undefined && typeof sub !== 'string')
    throw new UnacceptedToken('invalid_token', 'The claim sub is not text.');
  if (exp === Number.POSITIVE_INFINITY) throw new UnacceptedToken('invalid_token', 'The claim exp is no moment.');
  if (iat !== undefined && iat * 1000 > nowMs + clockSkewMs)
    throw new UnacceptedToken('expired_token', 'The token is not valid yet.');
  return claims;
};

/** Without a `kid`, several keys may fit: each is tried, a few at the most. */
const tryKeys = async (token: string, ambiguous: errors.JWKSMultipleMatchingKeys, options: JWTVerifyOptions) => {
  let last: unknown = ambiguous;
  let tried = 0;
  for await (const key of ambiguous) {
    if (++tried > MOST_KEYS_TRIED) break;
    try {
      return await jwtVerify(token, key, options);
    } catch (error) {
      last = error;
      if (!(error instanceof errors.JWSSignatureVerificationFailed)) break;
    }
  }
  throw last;
};

const verifyBy = async (
  issuer: Issuer,
  keys: KeySet | undefined,
  token: string,
  nowMs: number,
): Promise<JWTPayload> => {
  const options: JWTVerifyOptions = {
    issuer: issuer.issuer,
    audience: [...issuer.audiences],
    algorithms: [...issuer.algorithms],
    clockTolerance: issuer.clockSkewMs / 1000,
    requiredClaims: ['exp', ...issuer.requiredClaims],
    currentDate: new Date(nowMs),
  };
  const resolve: JWTVerifyGetKey = (header, input) => {
    checkHeader(header, issuer.typ);
    if (!keys) throw new KeysUnavailable('no key set was ever fetched');
    return keys.resolve(header, input);
  };
  const { payload } = await jwtVerify(token, resolve, options).catch((error: unknown) => {
    if (error instanceof errors.JWKSMultipleMatchingKeys) return tryKeys(token, error, options);
    throw error;
  });
  return checkClaims(payload, issuer, nowMs);
};

/** A bad signature never makes us fetch keys; an unknown `kid` does, as often as the key source allows. */
const verifyWithNewestKeys = async (issuer: Issuer, token: string, nowMs: number): Promise<Verified> => {
  const keys = issuer.keys.current();
  try {
    return { issuer, keys, claims: await verifyBy(issuer, keys, token, nowMs) };
  } catch (error) {
    if (!(error instanceof errors.JWKSNoMatchingKey || error instanceof KeysUnavailable)) throw error;
    if (issuer.keys.current() === keys) await issuer.keys.refresh();
    const newer = issuer.keys.current();
    if (newer === keys) throw error;
    return { issuer, keys: newer, claims: await verifyBy(issuer, newer, token, nowMs) };
  }
};

export type VerifyToken = (token: string, nowMs: number) => Promise<Verified | Refusal>;

export const createVerifier = (issuers: readonly Issuer[]): VerifyToken => {
  const byIss = new Map(issuers.map((issuer) => [issuer.issuer, issuer]));

  const issuerOf = (token: string): Issuer | undefined => {
    try {
      return byIss.get(decodeJwt(token).iss ?? '');
    } catch {
      return undefined;
    }
  };

  return async (token, nowMs) => {
    if (token.length > LONGEST_TOKEN)
      return rejectToken('invalid_token', `The token is longer than ${LONGEST_TOKEN} characters.`);
    const issuer = issuerOf(token);
    if (!issuer) return rejectToken('invalid_token', 'The token is malformed, or its issuer is not accepted here.');
    try {
      return await verifyWithNewestKeys(issuer, token, nowMs);
    } catch (error) {
      return refusalFor(error, issuer.name);
    }
  };
};
