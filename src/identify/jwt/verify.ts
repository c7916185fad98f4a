/** Verifies a JWT (RFC 7519, RFC 8725) against the issuers that are configured. jose does the cryptography. */
import { decodeJwt, errors, type JWTPayload, type JWTVerifyGetKey, type JWTVerifyOptions, jwtVerify } from 'jose';
import { bearerChallenge, type Refusal, type RefusalCode, refuse } from '../../core/refusal.ts';
import type { Issuer, KeySet } from './issuer.ts';

/** `keys` are the ones that the token was verified with. */
export type Verified = Readonly<{ issuer: Issuer; keys: KeySet | undefined; claims: JWTPayload }>;

const LONGEST_TOKEN = 16_384;
const MOST_KEYS_TRIED = 5;

const reject = (
  code: Extract<RefusalCode, 'invalid_token' | 'expired_token'>,
  detail: string,
  cause?: unknown,
): Refusal =>
  refuse(code, detail, {
    headers: bearerChallenge('invalid_token', detail.replaceAll('"', '').replace(/\.$/, '')),
    cause,
  });

class ForbiddenHeader extends Error {}

class KeysUnavailable extends Error {
  override name = 'KeysUnavailable';
}

const acceptedTypes = new Set(['jwt', 'at+jwt']);

/** Keys come from the configuration alone: a header that brings or points to one is an attack (RFC 8725 section 3.10). */
const checkHeader = (header: Readonly<Record<string, unknown>>, typ: string | undefined): void => {
  for (const name of ['jwk', 'jku', 'x5u']) {
    if (header[name] !== undefined) throw new ForbiddenHeader(`The header has ${name}, which is not accepted.`);
  }
  const given = header['typ'];
  if (typ === undefined && given === undefined) return;
  const bare = typeof given === 'string' ? given.toLowerCase().replace(/^application\//, '') : '';
  const fits = typ === undefined ? acceptedTypes.has(bare) : bare === typ.toLowerCase();
  if (!fits) throw new ForbiddenHeader('The header’s typ is not accepted here.');
};

const refusalFor = (error: unknown, issuer: Issuer): Refusal => {
  if (error instanceof KeysUnavailable) {
    return refuse('keys_unavailable', `The keys of the issuer ${issuer.name} cannot be fetched now. Try again.`, {
      headers: { 'Retry-After': '5' },
      cause: error,
    });
  }
  if (error instanceof ForbiddenHeader) return reject('invalid_token', error.message);
  if (error instanceof errors.JWTExpired) return reject('expired_token', 'The token has expired.');
  if (error instanceof errors.JWTClaimValidationFailed) {
    return error.claim === 'nbf' && error.reason === 'check_failed'
      ? reject('expired_token', 'The token is not valid yet.')
      : reject('invalid_token', `The claim ${error.claim} is missing or has the wrong value.`);
  }
  if (error instanceof errors.JWSSignatureVerificationFailed) return reject('invalid_token', 'The signature is wrong.');
  if (error instanceof errors.JWKSNoMatchingKey)
    return reject('invalid_token', 'The token is signed with an unknown key.');
  if (error instanceof errors.JOSEAlgNotAllowed) return reject('invalid_token', 'The algorithm is not accepted here.');
  if (error instanceof errors.JOSEError) return reject('invalid_token', 'The token is malformed.', error);
  throw error;
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
    if (!keys) throw new KeysUnavailable('the keys were never fetched');
    return keys.resolve(header, input);
  };
  try {
    return (await jwtVerify(token, resolve, options)).payload;
  } catch (error) {
    if (error instanceof errors.JWKSMultipleMatchingKeys) return (await tryKeys(token, error, options)).payload;
    throw error;
  }
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
      return reject('invalid_token', `The token is longer than ${LONGEST_TOKEN} characters.`);
    const issuer = issuerOf(token);
    if (!issuer) return reject('invalid_token', 'The token is malformed, or its issuer is not accepted here.');
    try {
      return await verifyWithNewestKeys(issuer, token, nowMs);
    } catch (error) {
      return refusalFor(error, issuer);
    }
  };
};
