/** Rules whose names begin with `test_`, as `opa test` runs them: passed where they are neither undefined nor false. */
import { z } from 'zod';
import type { PolicyProblem } from '../../../checks/policy-engine.ts';
import { explain } from './explain.ts';
import { fill, noInput, readSyntax } from './fill.ts';
import type { Instance, Outcome } from './instance.ts';
import { readTexts } from './policy-texts.ts';
import type { Module } from './syntax.ts';

/** `skipped`: its name begins with `todo_test_`. */
export type TestOutcome = 'pass' | 'fail' | 'error' | 'skipped';

export type TestResult = Readonly<{
  name: string;
  file: string;
  line: number;
  outcome: TestOutcome;
  /** Why it did not pass. */
  message?: string;
  tookMs: number;
}>;

export type TestRun = Readonly<{ results: readonly TestResult[] }> | Readonly<{ problems: readonly PolicyProblem[] }>;

/** That of `opa test`. */
const TIMEOUT_MS = 5_000;

const span = z.object({ line: z.number(), start: z.number(), end: z.number() });

const specified = z.looseObject({ Spec: z.object({ span, head: z.record(z.string(), z.unknown()) }).optional() });

/** Of rules that have one value; a function or a set is no test. */
const head = z.object({ Compr: z.object({ refr: z.object({ Var: z.object({ value: z.string() }) }) }) });

type Test = Pick<TestResult, 'name' | 'file' | 'line'> &
  Readonly<{
    isTodo: boolean;
    /** Where a test of the same name is: together they are one rule, of which one body that holds is enough. */
    first: string | undefined;
  }>;

const testsIn = (modules: readonly Module[]): Test[] => {
  const found: Test[] = [];
  const places = new Map<string, string>();
  for (const { source, ast } of modules) {
    const { start, end } = ast.package.span;
    const path = Buffer.from(source.contents)
      .toString('utf8', start, end)
      .replace(/^package\s+/, '');
    for (const one of ast.rules) {
      const { Spec } = specified.parse(one);
      const rule = head.safeParse(Spec?.head).data?.Compr.refr.Var.value;
      if (!Spec || rule === undefined || !/^(?:todo_)?test_/.test(rule)) continue;
      const name = `data.${path}.${rule}`;
      const { file } = source;
      const { line } = Spec.span;
      found.push({ name, file, line, isTodo: rule.startsWith('todo_'), first: places.get(name) });
      if (!places.has(name)) places.set(name, `${file}:${line}`);
    }
  }
  return found.sort((a, b) => a.file.localeCompare(b.file) || a.line - b.line);
};

const judge = (outcome: Outcome): Pick<TestResult, 'outcome' | 'message'> => {
  switch (outcome.outcome) {
    case 'value':
      return { outcome: 'pass' };
    case 'boolean':
      return outcome.value ? { outcome: 'pass' } : { outcome: 'fail', message: 'it is false' };
    case 'undefined':
      return { outcome: 'fail', message: 'it is undefined' };
    case 'unknown':
      return { outcome: 'error', message: 'it cannot be asked: give its package a name without brackets' };
    case 'timeout':
      return { outcome: 'error', message: `does not end within ${TIMEOUT_MS / 1_000} s` };
    case 'failed': {
      const { file, line, column, message, hint } = explain(outcome.message, '');
      const place = line > 0 ? `${file}:${line}:${column}: ` : '';
      return { outcome: 'error', message: `${place}${message}${hint === undefined ? '' : `; ${hint}`}` };
    }
    case 'lost':
      return {
        outcome: 'error',
        message: outcome.tookTooLong
          ? `does not end within ${TIMEOUT_MS / 1_000} s`
          : 'takes more memory than there is',
      };
  }
};

/** `path` is a directory, or one file. */
export const runTests = (path: string, files: Readonly<Record<string, string>>, now: () => number): TestRun => {
  const texts = readTexts(path, files);
  const read = readSyntax(texts, path);
  if ('problems' in read) return read;
  const tests = testsIn(read.modules);

  const start = (): Instance => {
    const { instance } = fill(texts);
    for (const { name } of tests) instance.addQuery(name);
    return instance;
  };
  let instance = start();
  const run = ({ isTodo, first, ...test }: Test, number: number): TestResult => {
    if (isTodo) return { ...test, outcome: 'skipped', tookMs: 0 };
    if (first !== undefined) {
      return { ...test, outcome: 'error', message: `its name is that of ${first}: give each its own`, tookMs: 0 };
    }
    const startedMs = performance.now();
    const outcome = instance.evaluate(number, noInput, now(), TIMEOUT_MS);
    if (outcome.outcome === 'lost') instance = start();
    return { ...test, ...judge(outcome), tookMs: performance.now() - startedMs };
  };
  return { results: tests.map(run) };
};
