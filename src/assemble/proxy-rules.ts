/** What a route of the reverse proxy demands, as a rule of the gate. */

import { createAllowedClientsCheck } from '../checks/allowed-clients.ts';
import type { PolicyEngine } from '../checks/policy-engine.ts';
import { createRateLimitCheck, type RateLimiter } from '../checks/rate-limit.ts';
import type { Config } from '../config/config.ts';
import { createDress } from '../core/dress.ts';
import type { AcceptedKind, Check, Identifier, Rule } from '../core/rule.ts';
import { identifyByCertificate } from '../identify/certificate.ts';
import type { CreditCharge } from '../keys/credit-charge.ts';
import { certificateDressers, chargeOf, dressersOf, houseHeaders, inviteOf, policyCheck } from './rules.ts';

type ProxyConfig = NonNullable<Config['proxy']>;
type RouteConfig = ProxyConfig['routes'][number];

export type ProxyRuleParts = Readonly<{
  identifiers: Readonly<Partial<Record<AcceptedKind, Identifier>>>;
  limiter: RateLimiter;
  chargeKey: CreditCharge;
  /** Left out where no policy is configured. */
  policy: PolicyEngine | undefined;
  config: Pick<Config, 'policy'>;
}>;

/** Every header that only Sallyport sets, whether a route sets it or not. */
export const managedByProxy = ({ headers }: ProxyConfig): readonly string[] => [
  ...dressersOf({ headers }).map(({ header }) => header),
  ...houseHeaders,
];

const queryOf = ({ policy_query }: RouteConfig, { authz }: ProxyConfig): string | undefined =>
  authz?.enabled === false ? undefined : (policy_query ?? authz?.policy_query);

/** What only reads comes before what counts, and what costs least comes first. */
const checksOf = (
  name: string,
  accepted: readonly AcceptedKind[],
  route: RouteConfig,
  proxy: ProxyConfig,
  { config, policy, limiter }: ProxyRuleParts,
): Check[] => {
  const { mtls, headers } = proxy;
  const query = queryOf(route, proxy);
  return [
    ...(mtls?.enabled ? [createAllowedClientsCheck(mtls.allowed_clients ?? [])] : []),
    ...(query === undefined ? [] : [policyCheck(query, headers.extract, config, policy)]),
    ...(accepted.includes('api_key') ? [createRateLimitCheck(name, [], limiter)] : []),
  ];
};

export const proxyRule = (name: string, route: RouteConfig, proxy: ProxyConfig, parts: ProxyRuleParts): Rule => {
  const { auth, headers, mtls } = proxy;
  const kinds = auth.enabled ? auth.accept : [];
  const accepted = kinds.filter((kind) => kind !== 'certificate');
  const takesCertificates = accepted.length < kinds.length;
  const isOpen = !auth.enabled || !route.auth_required;
  return {
    name,
    identifiers: Object.fromEntries(accepted.map((kind) => [kind, parts.identifiers[kind]])),
    // Where no token is asked for, a certificate says who calls.
    ...((takesCertificates || (mtls?.enabled && isOpen)) && { identifyByCertificate }),
    acceptsAnonymous: isOpen,
    invite: inviteOf(accepted, { ...auth, takesCertificates }),
    checks: checksOf(name, accepted, route, proxy, parts),
    dress: createDress([], dressersOf({ headers }), certificateDressers),
    passToken: headers.pass_token,
    // Nobody asks for somebody else here: what comes twice is served twice.
    ...chargeOf(accepted, undefined, (identity, intent) => parts.chargeKey(identity, intent)),
  };
};
