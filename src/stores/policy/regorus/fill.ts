/** What is read goes into an instance, and what is wrong with it comes out. */
import type { PolicyProblem } from '../../../checks/policy-engine.ts';
import { explain } from './explain.ts';
import { createInstance, type Instance, type Outcome } from './instance.ts';
import type { PolicyText, PolicyTexts } from './policy-texts.ts';
import { type Module, readModules } from './syntax.ts';
import { unknownFunctions } from './unknown-functions.ts';
import { unknownRule } from './unknown-rule.ts';

/** To load is also to analyse: large policies take longer than an answer may. */
export const LOAD_TIMEOUT_MS = 10_000;

export const noInput = '{}';

const messageOf = (outcome: Outcome): string => {
  switch (outcome.outcome) {
    case 'failed':
      return outcome.message;
    case 'timeout':
      return `does not end within ${LOAD_TIMEOUT_MS / 1_000} s`;
    case 'lost':
      return outcome.tookTooLong
        ? `does not end within ${LOAD_TIMEOUT_MS / 1_000} s`
        : 'takes more memory than an engine has, 256 MiB, or makes it fail';
    case 'value':
    case 'boolean':
    case 'undefined':
    case 'unknown':
      return outcome.outcome;
  }
};

const isWrong = ({ outcome }: Outcome): boolean =>
  outcome !== 'undefined' && outcome !== 'value' && outcome !== 'boolean';

type Filled = Readonly<{ instance: Instance; problems: readonly PolicyProblem[] }>;

/** A trap ends it: nothing after it would be true. */
export const fill = ({ policies, data }: Omit<PolicyTexts, 'problems'>): Filled => {
  const instance = createInstance();
  const problems: PolicyProblem[] = [];
  const adding = [
    ...policies.map(({ file, text }) => ({ file, add: () => instance.addPolicy(file, text) })),
    ...data.map(({ file, text }) => ({ file, add: () => instance.addData(text) })),
  ];
  for (const { file, add } of adding) {
    const outcome = add();
    if (isWrong(outcome)) problems.push(explain(messageOf(outcome), file));
    if (outcome.outcome === 'lost') break;
  }
  return { instance, problems };
};

/**
 * The syntax trees of all policies as JSON, or what is wrong with them without a question. In an instance of its own: what a look at
 * the syntax takes, no other should keep.
 */
export const readSyntax = (
  texts: PolicyTexts,
  path: string,
): Readonly<{ modules: readonly Module[] }> | Readonly<{ problems: readonly PolicyProblem[] }> => {
  if (texts.problems.length > 0) return { problems: texts.problems };
  const { instance, problems } = fill(texts);
  if (problems.length > 0) return { problems };
  const syntax = instance.syntax();
  if (syntax.outcome !== 'value') return { problems: [explain(messageOf(syntax), path)] };
  const modules = readModules(syntax.json);
  const unknown = unknownFunctions(modules);
  return unknown.length > 0 ? { problems: unknown } : { modules };
};

const isSame = (some: PolicyProblem, other: PolicyProblem): boolean =>
  some.file === other.file &&
  some.line === other.line &&
  some.column === other.column &&
  some.message === other.message &&
  some.query === other.query;

/** Asks each of `queries` once, by its number: much that is wrong with a policy shows only then. */
export const problemsAsked = (
  ask: (query: number, input: string, withinMs: number) => Outcome,
  queries: readonly string[],
  policies: readonly PolicyText[],
  path: string,
): readonly PolicyProblem[] => {
  const problems: PolicyProblem[] = [];
  for (const [number, query] of queries.entries()) {
    const outcome = ask(number, noInput, LOAD_TIMEOUT_MS);
    if (!isWrong(outcome)) continue;
    const problem =
      outcome.outcome === 'unknown' ? unknownRule(query, path, policies) : explain(messageOf(outcome), path);
    // What has a place in a policy is wrong whatever is asked.
    const placed = problem.line > 0 ? problem : { ...problem, query };
    if (!problems.some((other) => isSame(other, placed))) problems.push(placed);
    if (outcome.outcome === 'lost') break;
  }
  return problems;
};
