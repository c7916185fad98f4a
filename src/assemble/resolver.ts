/** The credential resolver, with everything that it needs. Loaded only where it is configured. */

import type { Config } from '../config/config.ts';
import { integrationsOf } from '../config/integrations.ts';
import { parseHeaderTemplate } from '../core/header-template.ts';
import { parsePathPattern } from '../core/path-pattern.ts';
import { Secret } from '../core/secret.ts';
import { type Credentials, toCredentials } from '../egress/resolver/credential-source.ts';
import type { IntegrationSettings } from '../egress/resolver/integration.ts';
import { createResolve, type Resolve } from '../egress/resolver/resolve.ts';
import type { ResolverEvent } from '../egress/resolver/resolver-event.ts';
import { createSandboxReader } from '../egress/resolver/sandbox.ts';
import type { Door } from '../http/main-app.ts';
import type { Peers } from '../http/peers.ts';
import { createResolverDoor } from '../http/resolver.ts';
import type { FailureThrottle } from '../identify/failure-throttle.ts';
import { claimAt } from '../identify/jwt/claim-path.ts';
import { createTokenIdentifier } from '../identify/jwt/identifier.ts';
import type { KeySource } from '../identify/jwt/issuer.ts';
import { secretKey } from '../identify/jwt/static-keys.ts';
import { createVerifier } from '../identify/jwt/verify.ts';
import { type ConfigService, createConfigService } from '../stores/config-service/config-service.ts';
import type { Outbound } from '../stores/outbound/exchange.ts';
import type { HeldKeys, KeySources } from './key-sources.ts';
import type { Telemetry } from './telemetry.ts';

type ResolverConfig = NonNullable<Config['resolver']>;

export type ResolverParts = Readonly<{
  outbound: Outbound;
  keySources: KeySources;
  throttle: FailureThrottle;
  digest: (token: string) => string;
  peers: Peers;
  now: () => number;
  telemetry: Pick<Telemetry, 'countLookup' | 'resolverEvents'>;
}>;

/** All of it belongs to one configuration: another one makes another resolver, with nothing remembered. */
export type Resolver = Readonly<{
  /** Over HTTP. */
  door: Door;
  resolve: Resolve;
  observe(event: ResolverEvent): void;
  /** Lower-case name of the header, and key of the context extension, that carries the token. */
  tokenHeader: string;
  /** Left out where no keys are fetched. */
  remote?: HeldKeys;
  /** What is wrong with the config service; left out where there is none. */
  problem?: () => string | undefined;
  close(): void;
}>;

const CACHED_TOKENS = 10_000;
const CLOCK_SKEW_MS = 30_000;
const KEYS_REFRESH_MS = 3_600_000;
/** As issuers have one, in the log and in metrics. */
const NAME = 'sandboxes';

const asymmetric = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];

/** Without a key no token is good, which a permissive resolver may be content with. */
const noKeys: KeySource = {
  current: () => ({
    resolve: () => {
      throw new Error('resolver.secret and resolver.jwks_url are not set');
    },
  }),
  refresh: async () => undefined,
};

const createKeys = (config: ResolverConfig, keySources: KeySources): { keys: KeySource; remote?: HeldKeys } => {
  if (config.secret instanceof Secret) return { keys: secretKey(config.secret) };
  const { issuer, jwks_url } = config;
  if (jwks_url === undefined) return { keys: noKeys };
  const remote = keySources.take({ name: NAME, issuer, jwks_url, jwks_refresh_interval: KEYS_REFRESH_MS });
  return { keys: remote.keys, remote };
};

const identifierOf = (config: ResolverConfig, keys: KeySource, parts: ResolverParts) => {
  const verify = createVerifier([
    {
      name: NAME,
      issuer: config.issuer,
      audiences: config.audience,
      algorithms: config.secret ? ['HS256'] : asymmetric,
      keys,
      clockSkewMs: CLOCK_SKEW_MS,
      requiredClaims: [],
      rolesClaim: 'roles',
      typ: undefined,
    },
  ]);
  const { throttle, digest, now } = parts;
  const onLookup = parts.telemetry.countLookup('sandbox_token');
  return createTokenIdentifier({ verify, throttle, digest, now, cacheSize: CACHED_TOKENS, onLookup });
};

/** The configuration was checked: what cannot be read here is a mistake of ours. */
const settingsOf = (config: ResolverConfig): IntegrationSettings[] =>
  integrationsOf(config).map(({ name, hosts, paths, methods, headers, domainFrom }) => ({
    name,
    hosts,
    paths: paths.map((text) => {
      const pattern = parsePathPattern(text);
      if (typeof pattern === 'string') throw new TypeError(`${text}: ${pattern}`);
      return pattern;
    }),
    ...(methods && { methods }),
    headers: Object.entries(headers).map(([header, text]) => {
      const template = parseHeaderTemplate(text);
      if (typeof template === 'string') throw new TypeError(`${header}: ${template}`);
      return { name: header, template };
    }),
    ...(domainFrom !== undefined && { domainFrom }),
  }));

const ownCredentials = ({ credentials }: ResolverConfig): Credentials =>
  toCredentials(
    Object.fromEntries(
      Object.entries(credentials).map(([name, values]) => [
        name,
        Object.fromEntries(
          Object.entries(values).flatMap(([key, value]) => (value instanceof Secret ? [[key, value] as const] : [])),
        ),
      ]),
    ),
  );

const createService = (
  config: ResolverConfig,
  { outbound, now, telemetry }: ResolverParts,
  onFailure: (error: unknown, stale: boolean) => void,
): ConfigService | undefined => {
  if (config.source !== 'config_service' || !config.config_service) return undefined;
  const { url, token, timeout, cache_ttl, stale_for } = config.config_service;
  return createConfigService({
    url,
    token: token instanceof Secret ? token : undefined,
    timeoutMs: timeout,
    cacheTtlMs: cache_ttl,
    staleForMs: stale_for,
    outbound,
    now,
    onLookup: telemetry.countLookup('config_service'),
    onFailure,
  });
};

export const assembleResolver = (config: ResolverConfig, parts: ResolverParts): Resolver => {
  const { keySources, peers, telemetry } = parts;
  const integrations = settingsOf(config);
  const names = integrations.map(({ name }) => name);
  const { resolved: observe, serviceFailed } = telemetry.resolverEvents(config.audit, names);
  const { keys, remote } = createKeys(config, keySources);
  const identify = identifierOf(config, keys, parts);
  const service = createService(config, parts, serviceFailed);
  const own = ownCredentials(config);
  const tokenHeader = config.header.toLowerCase();
  const resolve = createResolve({
    identify: (token, peerIp) => identify(token, peerIp, 'enforce'),
    sandboxOf: createSandboxReader(config.claims, claimAt),
    permissive: config.mode === 'permissive' ? own : undefined,
    source: service?.credentialsOf ?? (() => own),
    integrations,
    sidecarHosts: config.sidecar_hosts,
    unmapped: config.unmapped,
    claims: config.claims,
    tokenHeader,
  });
  const prefix = config.addr === undefined ? config.path_prefix.replace(/\/+$/, '') : '';
  return {
    door: createResolverDoor({ resolve, prefix, tokenHeader, peers, observe }),
    resolve,
    observe,
    tokenHeader,
    ...(remote && { remote }),
    ...(service && { problem: service.problem }),

    close() {
      service?.close();
      if (remote) keySources.release(remote.keys);
    },
  };
};
