/** From the issuers of the configuration to issuers whose keys are known. */
import type { Config, IssuerConfig } from './config/config.ts';
import { Secret } from './core/secret.ts';
import type { Issuer, KeySource } from './identify/jwt/issuer.ts';
import { publicKey, secretKey } from './identify/jwt/static-keys.ts';
import { createRemoteKeySource, type RemoteKeySource } from './stores/jwks/remote-key-source.ts';
import type { Outbound } from './stores/outbound/exchange.ts';

export type RefreshOutcome = 'changed' | 'unchanged' | 'failed';

export type IssuerParts = Readonly<{
  outbound: Outbound;
  now: () => number;
  onRefresh(issuer: string, outcome: RefreshOutcome, error: unknown): void;
}>;

export type Issuers = Readonly<{
  all: readonly Issuer[];
  remote: readonly Readonly<{ name: string; keys: RemoteKeySource }>[];
}>;

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

export const assembleIssuers = ({ jwt }: Config, parts: IssuerParts): Issuers => {
  const created = jwt.issuers.map((issuer) => ({ issuer, ...createKeys(issuer, parts) }));
  return {
    all: created.map(({ issuer, keys }) => ({
      name: issuer.name,
      issuer: issuer.issuer,
      audiences: issuer.audience,
      algorithms: issuer.algorithms,
      keys,
      clockSkewMs: issuer.clock_skew,
      requiredClaims: issuer.required_claims,
      rolesClaim: issuer.roles_claim,
      typ: issuer.typ,
    })),
    remote: created.flatMap(({ issuer, remote }) => (remote ? [{ name: issuer.name, keys: remote }] : [])),
  };
};
