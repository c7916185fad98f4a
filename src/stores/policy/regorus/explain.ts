/** From what regorus says to what a person needs: file, line, what is wrong there, and what to change. */
import type { PolicyProblem } from '../../../checks/policy-engine.ts';

const hints: readonly (readonly [says: RegExp, hint: (...found: string[]) => string])[] = [
  [
    /use of undefined variable `(.+)` is unsafe/,
    (name) => `"${name}" has no value in this rule: give it one here; what another rule binds is not seen`,
  ],
  [/`if` keyword is required/, () => 'policies are Rego v1: write "if" before the body of a rule'],
  [/`contains` keyword is required/, () => 'policies are Rego v1: write "contains" in a rule that builds a set'],
  [
    /unexpected keyword `some`/,
    () => 'in a comprehension what stands before "|" needs brackets: [(n * 2) | some n in …]',
  ],
  [/rule conflicts with rule/, () => 'give the two different names, or bodies of which one alone holds'],
  [/complete rules should not produce multiple outputs/, () => 'let the bodies of the rule exclude each other'],
  [/functions must not produce multiple outputs/, () => 'let the bodies of the function exclude each other'],
  [/recursion detected|cyclic evaluation/, () => 'a rule cannot depend on itself'],
  [/could not find function/, () => 'check its name; docs/policies.md lists the built-in functions of each engine'],
];

const hintFor = (message: string): string | undefined => {
  for (const [says, hint] of hints) {
    const found = says.exec(message);
    if (found) return hint(...found.slice(1));
  }
  return undefined;
};

/**
 * `--> FILE:LINE:COLUMN`, the line itself, then `error: …`, which may go on for lines of the same kind; or, now and then,
 * `FILE:LINE:COLUMN error: …`. `elsewhere` is the file of a message that names none.
 */
export const explain = (message: string, elsewhere: string): PolicyProblem => {
  const [, file = elsewhere, line = '0', column = '0'] =
    /^(?:--> )?(.+):(\d+):(\d+)(?:$| error: )/m.exec(message) ?? [];
  const [, said = message.trim()] = /^(?:.+:\d+:\d+ )?error: ([^\n]*)/m.exec(message) ?? [];
  const hint = hintFor(said);
  return { file, line: Number(line), column: Number(column), message: said, ...(hint !== undefined && { hint }) };
};
