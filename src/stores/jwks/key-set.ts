/** Reads a JWKS (RFC 7517) and keeps what a signature may be verified with. */
import { createPublicKey } from 'node:crypto';
import type { JSONWebKeySet, JWK } from 'jose';

const MAX_KEYS = 100;
const LEAST_RSA_BITS = 2_048;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A secret that is published is no secret: whoever can read it signs as he likes. */
const secretMembers = ['d', 'k', 'priv'];

const isStrong = (key: JWK): boolean => {
  try {
    const { asymmetricKeyDetails } = createPublicKey({ key, format: 'jwk' });
    const bits = asymmetricKeyDetails?.modulusLength;
    return bits === undefined || bits >= LEAST_RSA_BITS;
  } catch {
    return false;
  }
};

const isUsable = (key: Record<string, unknown>): key is JWK & { kty: string } =>
  typeof key['kty'] === 'string' &&
  key['use'] !== 'enc' &&
  !secretMembers.some((member) => Object.hasOwn(key, member)) &&
  isStrong(key);

/** Throws where nothing is left, for then the document is no key set, or not the one that is meant. */
export const readKeySet = (document: unknown): JSONWebKeySet => {
  const keys = isObject(document) && Array.isArray(document['keys']) ? document['keys'].filter(isObject) : [];
  if (keys.length > MAX_KEYS) throw new Error(`the key set has more than ${MAX_KEYS} keys`);
  const usable = keys.filter(isUsable);
  if (usable.length === 0) throw new Error('the key set has no public signature key');
  return { keys: usable };
};

/** The `jwks_uri` of an issuer's discovery document (OpenID Connect Discovery 1.0 section 4.3). */
export const readJwksUri = (document: unknown, issuer: string): string => {
  if (!isObject(document) || document['issuer'] !== issuer) {
    throw new Error('the discovery document is of another issuer');
  }
  const uri = document['jwks_uri'];
  if (typeof uri !== 'string') throw new Error('the discovery document has no jwks_uri');
  if (issuer.startsWith('https:') && !uri.startsWith('https:')) {
    throw new Error('the discovery document points from https to plain http');
  }
  return uri;
};
