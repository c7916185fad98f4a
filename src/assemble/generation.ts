/** One generation: everything that a reload may change, made of one configuration. */

import type { Config } from '../config/config.ts';
import type { Path } from '../config/path.ts';
import type { DecisionEvent } from '../core/decision-event.ts';
import type { Gate } from '../core/gate.ts';
import { Secret } from '../core/secret.ts';
import type { Generation } from '../generations.ts';
import type { Endpoint } from '../http/admin/endpoint.ts';
import { createPeers } from '../http/peers.ts';
import type { Listener } from '../http/server.ts';
import type { CreditCharge } from '../keys/credit-charge.ts';
import { type Reason, ReloadRefused } from '../reload/refused.ts';
import type { Outbound } from '../stores/outbound/exchange.ts';
import type { AdminParts } from './admin.ts';
import type { Issuers } from './issuers.ts';
import type { HeldKeys, KeySources } from './key-sources.ts';
import { assembleVerify, identifyKeys } from './keys.ts';
import type { LoadEgress } from './load-egress.ts';
import { loadProxy } from './load-proxy.ts';
import type { Payments } from './payments.ts';
import type { AssembledProxy } from './proxy.ts';
import { type Remote, remoteParts } from './readiness.ts';
import type { Resolver } from './resolver.ts';
import { assembleGate } from './rules.ts';
import type { Shared } from './shared.ts';
import type { Telemetry } from './telemetry.ts';

/** What outlives a reload. */
export type LastingParts = Pick<AdminParts, 'keys' | 'pods' | 'usage' | 'billing' | 'now' | 'reloads'> &
  Readonly<{
    keySources: KeySources;
    loadEgress: LoadEgress;
    shared: Pick<Shared, 'limiter' | 'throttle'>;
    payments: Payments | undefined;
    chargeKey: CreditCharge;
    digest: (token: string) => string;
    outbound: Outbound;
    telemetry: Pick<
      Telemetry,
      'countLookup' | 'adminChanged' | 'failed' | 'resolverEvents' | 'egress' | 'proxied' | 'tls'
    >;
    /** Told of every decision of the reverse proxy. */
    decided(event: DecisionEvent): void;
  }>;

type Closed = Readonly<{ close(): void | Promise<void> }>;

/** What an operator may have explained. */
type ExplainedParts = Readonly<{ gate: Gate; proxy: AssembledProxy | undefined }>;

/** Keys that are fetched, and the key of the configuration that says from where. */
type Fetched = HeldKeys & Readonly<{ name: string; path: Path }>;

const assembleAdmin = async (config: Config, parts: LastingParts & ExplainedParts): Promise<Listener | undefined> => {
  if (!config.admin) return undefined;
  const { keys, shared, chargeKey, telemetry, now, gate, proxy } = parts;
  const { token, usage_token } = config.admin;
  const { adminEndpoints } = await import('./admin.ts');
  const { createAdminApp } = await import('../http/admin/admin-app.ts');
  const verify = assembleVerify(keys, shared.limiter, chargeKey, now);
  const endpoints: readonly Endpoint[] = adminEndpoints({
    ...parts,
    config,
    verify,
    explain: async (question) => (await import('./explain.ts')).createExplain({ config, gate, proxy })(question),
  });
  const app = createAdminApp({
    token: token instanceof Secret ? token : undefined,
    usageToken: usage_token instanceof Secret ? usage_token : undefined,
    throttle: shared.throttle,
    endpoints,
    onChange: telemetry.adminChanged,
    onError: telemetry.failed,
  });
  return app.callback();
};

const fetchedBy = (issuers: Issuers | undefined, resolver: Resolver | undefined): readonly Fetched[] => [
  ...(issuers?.remote ?? []).map((held) => ({
    ...held,
    name: `issuer ${held.name}`,
    path: ['jwt', 'issuers', held.index],
  })),
  ...(resolver?.remote
    ? [{ ...resolver.remote, name: 'issuer of sandbox tokens', path: ['resolver', 'jwks_url'] }]
    : []),
];

/** A call is tried again within its timeout, and not after it. */
const longestCallMs = ({ egress, proxy }: Config): number => {
  const { defaults, targets = {}, routes = [] } = egress ?? {};
  const proxied = proxy?.enabled ? [proxy, ...proxy.routes] : [];
  const own = [...Object.values(targets), ...routes, ...proxied].map(({ timeout }) => timeout ?? 0);
  return own.reduce((longest, timeout) => Math.max(longest, timeout), defaults?.timeout ?? 0);
};

export const assembleGeneration = async (config: Config, parts: LastingParts): Promise<Generation> => {
  const { keySources, shared, payments, chargeKey, keys, digest, telemetry, now } = parts;
  const { limiter, throttle } = shared;
  await using building = new AsyncDisposableStack();
  const keep = <T extends Closed | undefined>(part: T): T => {
    if (part) building.defer(async () => part.close());
    return part;
  };

  const assembleIssuers = config.jwt.issuers.length > 0 && (await import('./issuers.ts')).assembleIssuers;
  const issuers = keep(
    assembleIssuers
      ? assembleIssuers(config, { keySources, throttle, digest, now, onLookup: telemetry.countLookup('jwt') })
      : undefined,
  );

  const assemblePolicy = config.policy && (await import('./policy.ts')).assemblePolicy;
  const policy = keep(await assemblePolicy?.(config, now));

  const identifiers = {
    api_key: identifyKeys(keys, throttle, now),
    ...(issuers && { jwt: issuers.identifier }),
  };
  const gate = assembleGate(config, {
    identifiers: { ...identifiers, ...payments?.identifiers },
    limiter,
    policy,
    chargeKey,
    paywallFor: (rule) => payments?.paywallFor(rule),
  });
  const { forwarded_certificates: told } = config;
  const toldCertificates =
    told && (await import('../http/told-certificates.ts')).createToldCertificates(told.format, told.hosts);
  const peers = createPeers(config.trusted_proxies, toldCertificates);
  const assembleResolver = config.resolver?.enabled && (await import('./resolver.ts')).assembleResolver;
  const resolver = keep(
    assembleResolver && config.resolver ? assembleResolver(config.resolver, { ...parts, throttle, peers }) : undefined,
  );
  const egress = keep(
    await parts.loadEgress(config, {
      identifiers,
      limiter,
      policy,
      onReported: (target, caller, refusal) => telemetry.egress().callerReported(target, caller, refusal),
      peers,
      now,
    }),
  );
  const proxy = keep(
    await loadProxy(config, telemetry, {
      identifiers,
      limiter,
      chargeKey,
      policy,
      peers,
      egress,
      decided: parts.decided,
    }),
  );

  const fetched = fetchedBy(issuers, resolver);
  const remotes: readonly Remote[] = fetched.map(({ name, keys: source }) => ({ name, source }));
  const serviceProblem = resolver?.problem;
  const tokenStoreProblem = egress?.problem;
  const policyProblem = policy?.problem;
  const { reloads } = parts;
  const admin = await assembleAdmin(config, { ...parts, gate, proxy });
  const built = building.move();

  return {
    config,
    gate,
    peers,
    admin,
    resolver,
    egress,
    proxy,
    lastsMs: longestCallMs(config),
    readiness: [
      ...remoteParts(remotes),
      ...(config.vault && reloads
        ? [{ name: 'vault', essential: false, check: async () => reloads.own().secretsProblem }]
        : []),
      ...(serviceProblem ? [{ name: 'config_service', essential: false, check: async () => serviceProblem() }] : []),
      ...(policyProblem ? [{ name: 'policy', essential: false, check: policyProblem }] : []),
      ...(tokenStoreProblem ? [{ name: 'token_store', essential: false, check: async () => tokenStoreProblem() }] : []),
    ],

    /** Keys that another generation holds as well are there, or were missing before. */
    async ready() {
      const reasons = await Promise.all(
        fetched.map(async ({ name, path, keys: source, fetched: first, isNew }): Promise<Reason[]> => {
          if (!isNew) return [];
          await first;
          const { available, lastError } = source.status();
          const message = `the keys of the ${name} cannot be fetched: ${lastError}`;
          return available ? [] : [{ path, message }];
        }),
      );
      if (reasons.flat().length > 0) throw new ReloadRefused(reasons.flat());
    },

    close: () => built.disposeAsync(),
  };
};
