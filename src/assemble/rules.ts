/** From the rules of the configuration to rules that decide. */

import { createAllowance } from '../checks/allowance.ts';
import { createAllowedClientsCheck } from '../checks/allowed-clients.ts';
import { createPolicyCheck } from '../checks/policy.ts';
import type { PolicyEngine } from '../checks/policy-engine.ts';
import { createRateLimitCheck, type RateLimiter } from '../checks/rate-limit.ts';
import { createRequirementsCheck } from '../checks/requirements.ts';
import type { Config, RuleConfig } from '../config/config.ts';
import { commonNameOf } from '../core/client-certificate.ts';
import type { House } from '../core/decide.ts';
import {
  type CertificateDresser,
  createDress,
  createImitationTest,
  type Dresser,
  paymentHeaders,
} from '../core/dress.ts';
import { createGate, type Gate } from '../core/gate.ts';
import type { Identity, RateLimit } from '../core/identity.ts';
import { parsePathPattern } from '../core/path-pattern.ts';
import { bearerChallenge, refuse } from '../core/refusal.ts';
import type { Route } from '../core/routes.ts';
import type { AcceptedKind, Charge, Check, Identifier, Rule } from '../core/rule.ts';
import { identifyByCertificate } from '../identify/certificate.ts';
import { claimAt, claimText } from '../identify/jwt/claim-path.ts';
import type { CreditCharge } from '../keys/credit-charge.ts';
import { podHeaders } from '../pods/provisioner.ts';

/** What a rule with a price adds to it. */
export type Paywall = Pick<Rule, 'invite'> & Readonly<{ charge: Charge }>;

export type RuleParts = Readonly<{
  identifiers: Readonly<Partial<Record<AcceptedKind, Identifier>>>;
  limiter: RateLimiter;
  /** Left out where no policy is configured. */
  policy?: PolicyEngine | undefined;
  /** Takes what a request of a key with credits costs. */
  chargeKey: CreditCharge;
  paywallFor(rule: RuleConfig): Paywall | undefined;
}>;

const textClaim = (path: string) => (identity: Identity) => claimText(claimAt(identity.claims, path));

/** What every rule tells the application, unless it says otherwise. */
const standardDressers: readonly Dresser[] = [
  { header: 'X-User-ID', value: ({ subject }) => subject },
  { header: 'X-Auth-Method', value: ({ method }) => method },
  { header: 'X-API-Key-ID', value: (identity) => (identity.method === 'api_key' ? identity.keyId : undefined) },
  { header: 'X-User-Email', value: textClaim('email') },
  { header: 'X-User-Roles', value: ({ roles }) => roles },
];

/** Of whoever is on the other end, by whatever credential the caller is known. */
export const certificateDressers: readonly CertificateDresser[] = [{ header: 'X-Client-CN', value: commonNameOf }];

/** Set or left empty in every allow, whatever a rule says. */
export const houseHeaders: readonly string[] = [...certificateDressers.map(({ header }) => header), ...paymentHeaders];

/** `headers` of a rule, or of the reverse proxy. */
type InjectedHeaders = Pick<RuleConfig['headers'], 'inject_claims' | 'inject_user_id'>;

export const dressersOf = ({ headers }: Readonly<{ headers: InjectedHeaders }>): Dresser[] => {
  const own: Dresser[] = [
    ...Object.entries(headers.inject_claims).map(([path, header]) => ({ header, value: textClaim(path) })),
    ...(headers.inject_user_id === undefined
      ? []
      : [{ header: headers.inject_user_id, value: ({ subject }: Identity) => subject }]),
  ];
  const replaced = new Set(own.map(({ header }) => header.toLowerCase()));
  return [...standardDressers.filter(({ header }) => !replaced.has(header.toLowerCase())), ...own];
};

/** One spelling for each header, whichever rule writes it; by lower-case name. */
const managedHeaders = (config: Config): ReadonlyMap<string, string> => {
  const headers = [
    ...standardDressers.map(({ header }) => header),
    ...houseHeaders,
    ...(config.pods?.enabled ? config.pods.tell.map((word) => podHeaders[word]) : []),
    ...config.rules.flatMap((rule) => dressersOf(rule).map(({ header }) => header)),
  ];
  const bySpelling = new Map<string, string>();
  for (const header of headers) {
    if (!bySpelling.has(header.toLowerCase())) bySpelling.set(header.toLowerCase(), header);
  }
  return bySpelling;
};

const respell = (managed: ReadonlyMap<string, string>, dressers: readonly Dresser[]): Dresser[] =>
  dressers.map(({ header, value }) => ({ header: managed.get(header.toLowerCase()) ?? header, value }));

const windows = [
  ['per_second', 1_000],
  ['per_minute', 60_000],
  ['per_hour', 3_600_000],
  ['per_day', 86_400_000],
] as const;

export const limitsOf = ({ limits }: Pick<RuleConfig, 'limits'>): RateLimit[] =>
  windows.flatMap(([name, windowMs]) => {
    const limit = limits?.[name];
    return limit === undefined ? [] : [{ limit, windowMs }];
  });

/** What callers without a credential have for nothing. */
export const freeOf = ({ free }: RuleConfig): RateLimit | undefined =>
  free && { limit: free.requests, windowMs: free.per };

/** What a policy of the configuration is asked. `extract` are the headers that it sees. */
export const policyCheck = (
  query: string,
  extract: readonly string[],
  { policy }: Pick<Config, 'policy'>,
  engine: PolicyEngine | undefined,
  target?: string,
): Check => {
  if (!policy || !engine) throw new Error(`${query}: no policy is loaded`);
  const { expose_reasons: exposeReasons, max_input_size: maxInputBytes } = policy;
  return createPolicyCheck(query, engine, { extract, exposeReasons, target, maxInputBytes });
};

const checksOf = (rule: RuleConfig, config: Config, { limiter, policy }: RuleParts): Check[] => {
  const { issuer, scopes, roles, claims, certificates } = rule.require;
  const accepted = Object.entries(claims).map(
    ([path, value]) => [path, Array.isArray(value) ? value : [value]] as const,
  );
  const requirements = { issuers: issuer, scopes, roles, claims: Object.fromEntries(accepted) };
  const asks = issuer.length + scopes.length + roles.length + accepted.length > 0;
  // What only reads comes before what counts.
  return [
    ...(certificates ? [createAllowedClientsCheck(certificates)] : []),
    ...(asks ? [createRequirementsCheck(requirements, claimAt)] : []),
    ...(rule.policy === undefined ? [] : [policyCheck(rule.policy, rule.headers.extract, config, policy)]),
    createRateLimitCheck(rule.name, limitsOf(rule), limiter),
  ];
};

const credentialNames = { api_key: 'an API key', jwt: 'a JWT', cashu: 'a Cashu token' } as const;

type NamedKind = keyof typeof credentialNames;

/** A name of no registered scheme, for TLS asks for certificates and HTTP cannot; but a 401 must have a challenge (RFC 9110). */
const certificateChallenge = { 'WWW-Authenticate': 'Certificate realm="sallyport"' };

const usual = { header: 'Authorization', scheme: 'Bearer' } as const;

type Invitation = Readonly<{ header: string; scheme: string; takesCertificates?: boolean }>;

/** `header` and `scheme` where it is not `Authorization: Bearer …`. */
export const inviteOf = (
  kinds: readonly NamedKind[],
  { header, scheme, takesCertificates = false }: Invitation = usual,
): Rule['invite'] => {
  const names = kinds.map((kind) => credentialNames[kind]).join(' or ');
  const ways = [
    ...(kinds.length > 0 ? [`Send ${names} as ${header}: ${scheme} ….`] : []),
    ...(takesCertificates ? [`${kinds.length > 0 ? 'Or connect' : 'Connect'} with a client certificate.`] : []),
  ];
  const invite = refuse('credential_required', ways.join(' '), {
    headers: takesCertificates && kinds.length === 0 ? certificateChallenge : bearerChallenge(),
  });
  return () => invite;
};

const isCredential = (kind: string): kind is NamedKind => kind in credentialNames;

/** Whoever comes with a key pays with the key's credits, whatever others pay. */
export const chargeOf = (accepted: readonly AcceptedKind[], paywall: Paywall | undefined, chargeKey: CreditCharge) => {
  if (!accepted.includes('api_key')) return paywall && { charge: paywall.charge };
  const charge: Charge = (request, identity, intent) =>
    identity.method === 'api_key' ? chargeKey(identity, intent, request) : paywall?.charge(request, identity, intent);
  return { charge };
};

const toRule = (rule: RuleConfig, config: Config, managed: ReadonlyMap<string, string>, parts: RuleParts): Rule => {
  const kinds = rule.accept.filter(isCredential);
  const paywall = parts.paywallFor(rule);
  const free = freeOf(rule);
  const accepted: AcceptedKind[] = paywall ? [...kinds, 'session'] : kinds;
  const takesCertificates = rule.accept.includes('certificate');
  return {
    name: rule.name,
    identifiers: Object.fromEntries(accepted.map((kind) => [kind, parts.identifiers[kind]])),
    ...(takesCertificates && { identifyByCertificate }),
    acceptsAnonymous: rule.accept.includes('anonymous'),
    invite: paywall?.invite ?? inviteOf(kinds, { ...usual, takesCertificates }),
    ...(free && { allowance: createAllowance(rule.name, free, parts.limiter) }),
    checks: checksOf(rule, config, parts),
    dress: createDress([...managed.values()], respell(managed, dressersOf(rule)), certificateDressers),
    passToken: rule.headers.pass_token,
    ...chargeOf(accepted, paywall, parts.chargeKey),
  };
};

/** A rule that says nothing of host, path and method is reached by its name in the auth URL alone. */
const routeOf = <T>({ match }: RuleConfig, target: T): Route<T>[] => {
  const { host, path, methods } = match;
  if (host === undefined && path === undefined && methods === undefined) return [];
  const pattern = parsePathPattern(path ?? '/**');
  if (typeof pattern === 'string') throw new TypeError(`${path}: ${pattern}`);
  return [{ path: pattern, target, ...(host === undefined ? {} : { host }), ...(methods ? { methods } : {}) }];
};

export const assembleGate = (config: Config, parts: RuleParts): Gate => {
  const managed = managedHeaders(config);
  const { prefix, imported } = config.api_keys;
  const house: House = {
    apiKeyPrefix: prefix,
    importedPrefixes: imported.flatMap((form) => form.prefix ?? []),
    imitates: createImitationTest([...managed.values()]),
  };
  const rules = config.rules.map((rule) => toRule(rule, config, managed, parts));
  const routes = config.rules.flatMap((rule, index) => {
    const target = rules[index];
    return target ? routeOf(rule, target) : [];
  });
  return createGate(house, rules, routes);
};
