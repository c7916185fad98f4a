import type { PolicyProblem } from '../../../checks/policy-engine.ts';
import type { PolicyText } from './policy-texts.ts';

const packageOf = ({ text }: PolicyText): string | undefined => /^\s*package\s+([\w.]+)/m.exec(text)?.[1];

/** A query that names no rule, and what there is instead. */
export const unknownRule = (query: string, path: string, policies: readonly PolicyText[]): PolicyProblem => {
  const asked = query.replace(/^data\./, '');
  const packages = [...new Set(policies.flatMap((policy) => packageOf(policy) ?? []))].sort();
  const own = packages.findLast((name) => asked.startsWith(`${name}.`));
  const message = packages.includes(asked) ? `${query} is a package, and no rule` : `no policy has the rule ${query}`;
  const hint =
    own === undefined
      ? `ask for a rule of one of the packages ${packages.join(', ')}`
      : `package ${own} has no rule ${asked.slice(own.length + 1)}`;
  return { file: path, line: 0, column: 0, message, hint };
};
