import { isClusterName } from './inner-host.ts';
import { policyQueries } from './policy-queries.ts';
import type { Parsed } from './schema/config.ts';
import { policy } from './schema/proxy.ts';
import { usage } from './schema/services.ts';

/** Where the policies of a sidecar are that asks one without saying where. */
const POLICIES = '/etc/authz/policies';

type Rule = Parsed['rules'][number];

/** Defaults that depend on other blocks. After this every rule that takes cashu has its price, if there is one to have. */
export const complete = (config: Parsed): Parsed => {
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
    rules: config.rules.map((rule) => priced(rule, config.cashu.default_amount)),
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

const priced = (rule: Rule, amount: number | undefined): Rule => {
  if (rule.price || amount === undefined || !rule.accept.includes('cashu')) return rule;
  return { ...rule, price: [{ amount, unit: 'sat', mints: [], buys: { requests: 1 } }] };
};
