/** The one place where every door asks. */
import { decide, type House } from './decide.ts';
import { type Decision, deny } from './decision.ts';
import { type Eventually, whenReady } from './eventually.ts';
import { isRefusal, type Refusal, refuse } from './refusal.ts';
import type { AuthRequest } from './request.ts';
import { compileRoutes, type Route } from './routes.ts';
import type { Intent, Rule } from './rule.ts';

export type Question = Readonly<{
  request: AuthRequest;
  /** The rule that the operator wrote into the auth URL; left out where host, path and method choose. */
  ruleName?: string;
  /**
   * Set where a client could have written `ruleName` itself: the path as it would read if it had. A rule that matches this
   * path makes the question ambiguous.
   */
  pathIfForged?: string;
}>;

export type Answer = Readonly<{
  decision: Decision;
  /** Name of the rule that decided; empty where none did. */
  rule: string;
}>;

export type Gate = Readonly<{ decide(question: Question, intent: Intent): Eventually<Answer> }>;

export const createGate = (house: House, rules: readonly Rule[], routes: readonly Route<Rule>[]): Gate => {
  const byName = new Map(rules.map((rule) => [rule.name, rule]));
  const compiled = compileRoutes(routes);

  const ruleNamed = (name: string, { request, pathIfForged }: Question): Rule | Refusal => {
    const rule = byName.get(name);
    if (!rule) return refuse('unknown_rule', `The auth URL names the rule ${name}, which does not exist.`);
    const forged = pathIfForged === undefined ? undefined : compiled.find(request.host, pathIfForged, request.method);
    if (!forged || forged === rule) return rule;
    return refuse('ambiguous_rule', `Either the rule ${name} was named, or ${forged.name} matches ${pathIfForged}.`);
  };

  const ruleFor = (question: Question): Rule | Refusal => {
    if (question.ruleName !== undefined) return ruleNamed(question.ruleName, question);
    const { host, path, method } = question.request;
    return compiled.find(host, path, method) ?? refuse('no_rule', `No rule allows ${method} on this path.`);
  };

  return {
    decide(question, intent) {
      const rule = ruleFor(question);
      if (isRefusal(rule)) return { decision: deny(rule), rule: '' };
      return whenReady(decide(house, rule, question.request, intent), (decision) => ({ decision, rule: rule.name }));
    },
  };
};
