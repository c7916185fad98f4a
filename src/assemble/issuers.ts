/** Everything that takes JWTs. Loaded only where the configuration names an issuer. */

import type { Config, IssuerConfig } from '../config/config.ts';
import type { Identifier } from '../core/rule.ts';
import { Secret } from '../core/secret.ts';
import type { FailureThrottle } from '../identify/failure-throttle.ts';
import { createJwtIdentifier } from '../identify/jwt/identifier.ts';
import type { Issuer, KeySource } from '../identify/jwt/issuer.ts';
import { publicKey, secretKey } from '../identify/jwt/static-keys.ts';
import { createVerifier } from '../identify/jwt/verify.ts';
import type { HeldKeys, KeySources } from './key-sources.ts';

export type IssuerParts = Readonly<{
  keySources: KeySources;
  throttle: FailureThrottle;
  digest: (token: string) => string;
  now: () => number;
  onLookup(result: 'hit' | 'miss'): void;
}>;

export type Issuers = Readonly<{
  identifier: Identifier;
  /** The ones whose keys are fetched, with their place in `jwt.issuers`. */
  remote: readonly (HeldKeys & Readonly<{ name: string; index: number }>)[];
  /** Gives up the keys, where nobody else holds them. */
  close(): void;
}>;

const CACHED_TOKENS = 10_000;

const createKeys = (issuer: IssuerConfig, keySources: KeySources): { keys: KeySource; remote?: HeldKeys } => {
  if (issuer.secret instanceof Secret) return { keys: secretKey(issuer.secret) };
  if (typeof issuer.public_key === 'string') return { keys: publicKey(issuer.public_key) };
  const remote = keySources.take(issuer);
  return { keys: remote.keys, remote };
};

const toIssuer = (issuer: IssuerConfig, keys: KeySource): Issuer => ({
  name: issuer.name,
  issuer: issuer.issuer,
  audiences: issuer.audience,
  algorithms: issuer.algorithms,
  keys,
  clockSkewMs: issuer.clock_skew,
  requiredClaims: issuer.required_claims,
  rolesClaim: issuer.roles_claim,
  typ: issuer.typ,
});

export const assembleIssuers = ({ jwt }: Config, parts: IssuerParts): Issuers => {
  const { keySources } = parts;
  const created = jwt.issuers.map((issuer) => ({ issuer, ...createKeys(issuer, keySources) }));
  const verify = createVerifier(created.map(({ issuer, keys }) => toIssuer(issuer, keys)));
  const { throttle, digest, now, onLookup } = parts;
  return {
    identifier: createJwtIdentifier({ verify, throttle, digest, now, cacheSize: CACHED_TOKENS, onLookup }),
    remote: created.flatMap(({ issuer, remote }, index) => (remote ? [{ name: issuer.name, index, ...remote }] : [])),

    close() {
      for (const { remote } of created) if (remote) keySources.release(remote.keys);
    },
  };
};
