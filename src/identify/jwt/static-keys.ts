import { createPublicKey, type KeyObject } from 'node:crypto';
import type { Secret } from '../../core/secret.ts';
import type { KeySource } from './issuer.ts';

const fixed = (key: KeyObject | Uint8Array): KeySource => {
  const keySet = { resolve: () => key };
  return { current: () => keySet, refresh: () => Promise.resolve() };
};

/** A shared secret, for HS256, HS384 and HS512. */
export const secretKey = (secret: Secret): KeySource => fixed(new TextEncoder().encode(secret.reveal()));

/** A public key or certificate in PEM. Throws where the text is neither. */
export const publicKey = (pem: string): KeySource => fixed(createPublicKey(pem));
