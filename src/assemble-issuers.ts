/** Everything that takes JWTs. Loaded only where the configuration names an issuer. */
import type { Config, IssuerConfig } from './config/config.ts';
import type { Identifier } from './core/rule.ts';
import { Secret } from './core/secret.ts';
import type { FailureThrottle } from './identify/failure-throttle.ts';
import { createJwtIdentifier } from './identify/jwt/identifier.ts';
import type { Issuer, KeySource } from './identify/jwt/issuer.ts';
import { publicKey, secretKey } from './identify/jwt/static-keys.ts';
import { createVerifier } from './identify/jwt/verify.ts';
import { createRemoteKeySource, type RemoteKeySource } from './stores/jwks/remote-key-source.ts';
import type { Outbound } from './stores/outbound/exchange.ts';

export type RefreshOutcome = 'changed' | 'unchanged' | 'failed';

export type IssuerParts = Readonly<{
  outbound: Outbound;
  throttle: FailureThrottle;
  digest: (token: string) => string;
  now: () => number;
  onLookup(result: 'hit' | 'miss'): void;
  onRefresh(issuer: string, outcome: RefreshOutcome, error: unknown): void;
}>;

export type Issuers = Readonly<{
  identifier: Identifier;
  /** The ones whose keys are fetched. */
  remote: readonly Readonly<{ name: string; keys: RemoteKeySource }>[];
}>;

const CACHED_TOKENS = 10_000;

const createKeys = (issuer: IssuerConfig, parts: IssuerParts): { keys: KeySource; remote?: RemoteKeySource } => {
  if (issuer.secret instanceof Secret) return { keys: secretKey(issuer.secret) };
  if (typeof issuer.public_key === 'string') return { keys: publicKey(issuer.public_key) };
  const remote = createRemoteKeySource({
    url: issuer.jwks_url ?? issuer.issuer,
    discovery: issuer.jwks_url === undefined,
    refreshIntervalMs: issuer.jwks_refresh_interval,
    outbound: parts.outbound,
    now: parts.now,
    onRefresh: (outcome, error) => parts.onRefresh(issuer.name, outcome, error),
  });
  return { keys: remote, remote };
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
  const created = jwt.issuers.map((issuer) => ({ issuer, ...createKeys(issuer, parts) }));
  const verify = createVerifier(created.map(({ issuer, keys }) => toIssuer(issuer, keys)));
  const { throttle, digest, now, onLookup } = parts;
  return {
    identifier: createJwtIdentifier({ verify, throttle, digest, now, cacheSize: CACHED_TOKENS, onLookup }),
    remote: created.flatMap(({ issuer, remote }) => (remote ? [{ name: issuer.name, keys: remote }] : [])),
  };
};
