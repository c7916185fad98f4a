/** The one place where every door asks. */
import { decide, type House } from './decide.ts';
import { type Decision, deny } from './decision.ts';
import { type Eventually, whenReady } from './eventually.ts';
import { isRefusal, type Refusal, refuse } from './refusal.ts';
import type { AuthRequest } from './request.ts';
import { compileRoutes, type Route } from './routes.ts';
import type { Intent, Rule } from './rule.ts';
import { type Trace, traced } from './trace.ts';

export type Question = Readonly<{
  request: AuthRequest;
  /** The rule that the operator wrote into the auth URL; left out where host, path and method choose. */
  ruleName?: string;
  /**
   * Set where a client could have written `ruleName` itself: the path as it would read if it had. Another rule that matches
   * this path makes the question ambiguous, and the named rule must match the request by itself.
   */
  pathIfForged?: string;
}>;

export type Answer = Readonly<{
  decision: Decision;
  /** Name of the rule that decided; empty where none did. */
  rule: string;
}>;

export type Gate = Readonly<{
  /** `trace` is told of every step. */
  decide(question: Question, intent: Intent, trace?: Trace): Eventually<Answer>;
  /** What callers without a credential are told, also where they have free requests left. */
  invite(question: Question): Refusal;
}>;

export const createGate = (house: House, rules: readonly Rule[], routes: readonly Route<Rule>[]): Gate => {
  const byName = new Map(rules.map((rule) => [rule.name, rule]));
  const compiled = compileRoutes(routes);
  const ownRoutes = new Map(routes.map((route) => [route.target, compileRoutes([route])]));

  const matches = (rule: Rule, { host, path, method }: AuthRequest): boolean => {
    const own = ownRoutes.get(rule);
    return own === undefined || own.find(host, path, method) !== undefined;
  };

  /** A name that a client could have written chooses nothing that the client could not have had without it. */
  const forgery = (rule: Rule, request: AuthRequest, pathIfForged: string): Refusal | undefined => {
    const other = compiled.find(request.host, pathIfForged, request.method);
    if (other && other !== rule) {
      return refuse(
        'ambiguous_rule',
        `Either the rule ${rule.name} was named, or ${other.name} matches ${pathIfForged}.`,
      );
    }
    if (matches(rule, request)) return undefined;
    return refuse(
      'ambiguous_rule',
      `The rule ${rule.name} was named, perhaps by the client, and does not match this request.`,
    );
  };

  const ruleNamed = (name: string, { request, pathIfForged }: Question): Rule | Refusal => {
    const rule = byName.get(name);
    if (!rule) return refuse('unknown_rule', `The auth URL names the rule ${name}, which does not exist.`);
    return (pathIfForged === undefined ? undefined : forgery(rule, request, pathIfForged)) ?? rule;
  };

  const ruleFor = (question: Question): Rule | Refusal => {
    if (question.ruleName !== undefined) return ruleNamed(question.ruleName, question);
    const { host, path, method } = question.request;
    return compiled.find(host, path, method) ?? refuse('no_rule', `No rule allows ${method} on this path.`);
  };

  return {
    decide(question, intent, trace) {
      const rule = ruleFor(question);
      if (isRefusal(rule)) return { decision: deny(rule), rule: '' };
      trace?.({ part: 'rule', rule });
      const asked = trace ? traced(rule, trace) : rule;
      return whenReady(decide(house, asked, question.request, intent), (decision) => ({ decision, rule: rule.name }));
    },

    invite(question) {
      const rule = ruleFor(question);
      return isRefusal(rule) ? rule : rule.invite(question.request);
    },
  };
};
