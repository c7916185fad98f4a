import { type Refusal, refuse } from '../../core/refusal.ts';
import type { Incoming } from '../http-request.ts';

/**
 * `?rule=NAME` as the operator wrote it into the auth URL. Proxies that describe the request in headers send this URL
 * unchanged, so that a client cannot forge it.
 */
export const ruleParameter = ({ target }: Incoming): Readonly<{ ruleName?: string }> | Refusal => {
  const mark = target.indexOf('?');
  if (mark < 0) return {};
  const [name, ...more] = new URLSearchParams(target.slice(mark + 1)).getAll('rule');
  if (more.length > 0) return refuse('ambiguous_rule', 'The auth URL names more than one rule.');
  return name === undefined ? {} : { ruleName: name };
};
