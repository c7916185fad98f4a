import { type Refusal, refuse } from '../../core/refusal.ts';
import type { Incoming } from '../http-request.ts';

const queryOf = (target: string): string | undefined => {
  const mark = target.indexOf('?');
  return mark < 0 ? undefined : target.slice(mark + 1);
};

/**
 * `?rule=NAME` as the operator wrote it into the auth URL. `described` is the target of the request that is asked about: a
 * proxy may hand its query on to us (Caddy does, unless told otherwise), and then it is the client who names a rule.
 */
export const ruleParameter = ({ target }: Incoming, described: string): Readonly<{ ruleName?: string }> | Refusal => {
  const query = queryOf(target);
  if (query === undefined) return {};
  const [name, ...more] = new URLSearchParams(query).getAll('rule');
  if (more.length > 0) return refuse('ambiguous_rule', 'The auth URL names more than one rule.');
  if (name === undefined) return {};
  if (query === queryOf(described)) {
    return refuse('ambiguous_rule', 'The rule is named by the query of the request itself, which the proxy must drop.');
  }
  return { ruleName: name };
};
