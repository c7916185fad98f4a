/** What the tests of this folder share: issuers whose keys are at hand, and tokens that no library would make. */
import { createHmac, type KeyObject, sign } from 'node:crypto';
import { createLocalJWKSet, type JSONWebKeySet } from 'jose';
import type { JwksServer } from '../../../test/peers/jwks-server.ts';
import type { Issuer, KeySource } from './issuer.ts';

export const localKeys = (keySet: JSONWebKeySet): KeySource & { refreshes(): number } => {
  const current = { resolve: createLocalJWKSet(keySet) };
  let refreshes = 0;
  return {
    current: () => current,
    refreshes: () => refreshes,
    async refresh() {
      refreshes++;
    },
  };
};

export const issuerOf = ({ issuer }: Pick<JwksServer, 'issuer'>, changes: Partial<Issuer> = {}): Issuer => ({
  name: 'users',
  issuer: issuer.url,
  audiences: ['api'],
  algorithms: ['RS256', 'PS256', 'ES256', 'EdDSA'],
  keys: localKeys(issuer.jwks()),
  clockSkewMs: 30_000,
  requiredClaims: [],
  rolesClaim: 'realm_access.roles',
  typ: undefined,
  ...changes,
});

const segment = (part: unknown): string =>
  Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url');

export type Sign = (input: string) => Buffer;

/** A token of any header and payload; text goes in as it is. */
export const rawToken = (header: unknown, payload: unknown, signing: Sign = () => Buffer.alloc(0)): string => {
  const input = `${segment(header)}.${segment(payload)}`;
  return `${input}.${signing(input).toString('base64url')}`;
};

export const hmacWith =
  (secret: string | Buffer): Sign =>
  (input) =>
    createHmac('sha256', secret).update(input).digest();

export const rsaWith =
  (key: KeyObject): Sign =>
  (input) =>
    sign('sha256', Buffer.from(input), key);
