import type { Completed, Offer, PricedRule, Rule } from './completed.ts';
import { isClusterName } from './inner-host.ts';
import { policyQueries } from './policy-queries.ts';
import type { Parsed } from './schema/config.ts';
import { policy } from './schema/proxy.ts';
import { usage } from './schema/services.ts';

/** Where the policies of a sidecar are that asks one without saying where. */
const POLICIES = '/etc/authz/policies';

/** Where there is no `pods` to say so; then the rule is refused. */
const HOUR_MS = 3_600_000;

/** Defaults that depend on other blocks. After this every rule that takes cashu has its price, if there is one to have. */
export const complete = (config: Parsed): Completed => {
  const { http, proxy } = config;
  const egress = config.egress && reachable(config.egress);
  const certificates = http.tls?.enabled === true && http.tls.client_auth !== 'none';
  const probesApart = certificates || proxy?.enabled === true;
  const inPath = proxy?.enabled === true && egress !== undefined && egress.routes.length > 0;
  return {
    ...config,
    endpoints: probesApart
      ? { ...config.endpoints, addr: config.endpoints.addr ?? '127.0.0.1:9090' }
      : config.endpoints,
    rules: completeRules(config),
    // What is billed is recorded first.
    ...(config.billing && { usage: config.usage ?? usage.parse({}) }),
    ...(asksPolicy(config) && { policy: config.policy ?? policy.parse({ path: POLICIES }) }),
    ...(egress && { egress }),
    ...(inPath && { egress: { ...egress, addr: egress.addr ?? '127.0.0.1:8080' } }),
  };
};

const asksPolicy = ({ proxy }: Parsed): boolean => policyQueries({ rules: [], proxy }).length > 0;

/** After this `allow_private` is there. A name of the cluster can have no other address. */
const reachable = (egress: NonNullable<Parsed['egress']>): NonNullable<Parsed['egress']> => ({
  ...egress,
  targets: Object.fromEntries(
    Object.entries(egress.targets).map(([name, target]) => [
      name,
      { ...target, allow_private: target.allow_private ?? isClusterName(new URL(target.url).hostname) },
    ]),
  ),
});

const offersOf = (rule: Rule, amount: number | undefined): Offer[] | undefined => {
  if (rule.price || amount === undefined || !rule.accept.includes('cashu')) return rule.price;
  return [{ amount, unit: 'sat', mints: [] }];
};

/** The name that keeps a rule from starting pods. */
export const noTemplate = 'none';

const sellsTime = ({ buys }: Offer): boolean => buys?.requests === undefined && buys?.units === undefined;

/** What the seed's ENABLE_POD_PROVISIONING means: payments start pods, without a word about it in the rules. */
const startsByDefault = ({ provision, accept }: Rule, offers: readonly Offer[]): boolean =>
  provision === undefined && accept.includes('cashu') && offers.every(sellsTime);

const completeRules = ({ rules, cashu, pods }: Parsed): PricedRule[] => {
  const isChosen = rules.some(({ provision }) => provision !== undefined && provision !== noTemplate);
  return rules.map((rule) => {
    const offers = offersOf(rule, cashu.default_amount);
    const { price: _price, provision: named, ...rest } = rule;
    const isImplied = pods?.enabled === true && !isChosen && offers !== undefined && startsByDefault(rule, offers);
    const provision = isImplied ? 'default' : named === noTemplate ? undefined : named;
    const standard = provision === undefined ? { requests: 1 } : { time: pods?.ttl ?? HOUR_MS };
    return {
      ...rest,
      ...(provision !== undefined && { provision }),
      ...(offers && { price: offers.map((offer) => ({ ...offer, buys: offer.buys ?? standard })) }),
    };
  });
};
