/** What rules start for payments, without anything that starts it. */
import type { Config, RuleConfig } from '../config/config.ts';
import type { PodTerms, Provision } from '../core/pod.ts';

/** Undefined for a rule that starts no pods. */
export type ProvisionFor = (rule: RuleConfig) => Provision | undefined;

export const podTermsOf = ({ provision }: RuleConfig, { pods }: Pick<Config, 'pods'>): PodTerms | undefined =>
  provision === undefined || !pods?.enabled
    ? undefined
    : {
        template: provision,
        mostOfAccount: pods.max_per_payer,
        mostInAll: pods.max_total,
        longestMs: pods.max_lifetime,
      };

/** For whoever only wants to know what would be: nobody is asked, and nothing is made. */
export const rehearseProvision =
  (config: Pick<Config, 'pods'>): ProvisionFor =>
  (rule) => {
    const terms = podTermsOf(rule, config);
    return terms && { terms, problem: () => undefined, bring: ({ name }) => ({ name, headers: {} }) };
  };
