/**
 * Calls of functions that are neither a policy's nor built in. The interpreter notices one only when it gets there, which may be at
 * the first request of a kind; OPA refuses to compile them, and so do we.
 */
import { z } from 'zod';
import type { PolicyProblem } from '../../../checks/policy-engine.ts';
import { createInstance } from './instance.ts';
import { type Module, walk } from './syntax.ts';

const variable = z.object({ Var: z.object({ value: z.string() }) });
const member = z.object({ RefDot: z.object({ refr: z.unknown(), field: z.tuple([z.unknown(), z.string()]) }) });
const call = z.object({ fcn: z.unknown(), span: z.object({ line: z.number(), col: z.number() }) });

/** `a.b.c`; undefined for anything else. */
const pathOf = (reference: unknown): string | undefined => {
  const root = variable.safeParse(reference);
  if (root.success) return root.data.Var.value;
  const inner = member.safeParse(reference);
  if (!inner.success) return undefined;
  const path = pathOf(inner.data.RefDot.refr);
  return path && `${path}.${inner.data.RefDot.field[1]}`;
};

type Called = Readonly<{ name: string; file: string; line: number; column: number }>;

const callsIn = ({ source, ast }: Module): Called[] => {
  const called: Called[] = [];
  walk(ast.rules, (value) => {
    const { data } = call.safeParse('Call' in value ? value.Call : undefined);
    const name = data && pathOf(data.fcn);
    if (data && name !== undefined)
      called.push({ name, file: source.file, line: data.span.line, column: data.span.col });
    return Object.values(value);
  });
  return called;
};

const named = z.object({ refr: z.unknown() });
const heads = z.union([
  z.object({ Spec: z.object({ head: z.record(z.string(), named) }) }),
  z.object({ Default: named }),
]);

/** What the heads of its rules define, each as a path within the package. */
const definedIn = ({ ast }: Module): string[] =>
  ast.rules
    .map((rule) => heads.parse(rule))
    .flatMap((rule) => ('Spec' in rule ? Object.values(rule.Spec.head) : [rule.Default]))
    .flatMap(({ refr }) => pathOf(refr) ?? []);

const importedBy = ({ source, ast }: Module): string[] =>
  ast.imports.flatMap(({ refr, as }) => {
    if (as) return [Buffer.from(source.contents).toString('utf8', as.start, as.end)];
    return pathOf(refr)?.split('.').at(-1) ?? [];
  });

/** An engine knows its own functions: each is called in a policy of its own. */
const notBuiltIn = (names: readonly string[]): ReadonlySet<string> => {
  const instance = createInstance();
  const calls = names.map((name, index) => `r${index} := ${name}()`);
  instance.addPolicy('names', ['package names', ...calls].join('\n'));
  for (const index of names.keys()) instance.addQuery(`data.names.r${index}`);
  return new Set(
    names.filter((_, index) => {
      const outcome = instance.evaluate(index, '{}', 0, 1_000);
      return outcome.outcome === 'failed' && outcome.message.includes('could not find function');
    }),
  );
};

export const unknownFunctions = (all: readonly Module[]): PolicyProblem[] => {
  const packages = new Map<string, Set<string>>();
  for (const module of all) {
    const name = pathOf(module.ast.package.refr) ?? '';
    packages.set(name, new Set([...(packages.get(name) ?? []), ...definedIn(module)]));
  }
  const foreign = all.flatMap((module) => {
    const defined = packages.get(pathOf(module.ast.package.refr) ?? '');
    const roots = new Set(['data', 'input', ...importedBy(module)]);
    return callsIn(module).filter(({ name }) => !defined?.has(name) && !roots.has(name.split('.', 1)[0] ?? ''));
  });
  const unknown = notBuiltIn([...new Set(foreign.map(({ name }) => name))]);
  return foreign
    .filter(({ name }) => unknown.has(name))
    .sort((a, b) => a.file.localeCompare(b.file) || a.line - b.line || a.column - b.column)
    .map(({ name, file, line, column }) => ({
      file,
      line,
      column,
      message: `there is no function ${name}`,
      hint: 'define it, or ask OPA: docs/policies.md says which built-in functions each engine has',
    }));
};
