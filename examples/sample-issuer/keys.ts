import { type CryptoKey, exportJWK, generateKeyPair, type JWK } from 'jose';

/** RFC 7518 and RFC 8037. */
export const algorithms = ['RS256', 'PS256', 'ES256', 'EdDSA'] as const;
export type Algorithm = (typeof algorithms)[number];

export type SigningKey = Readonly<{
  kid: string;
  alg: Algorithm;
  privateKey: CryptoKey;
  publicKey: CryptoKey;
  /** The public half, as it stands in the key set. */
  jwk: JWK;
}>;

export async function createKey(alg: Algorithm, kid: string): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' };
  return { kid, alg, privateKey, publicKey, jwk };
}
