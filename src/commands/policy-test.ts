/** `sallyport policy test`: exits 0 where every test passed, 1 where one did not or there are none, 2 where it was used wrongly. */
import { readPolicyFiles } from '../config/policy-files.ts';
import { runTests, type TestOutcome, type TestResult, type TestRun } from '../stores/policy/regorus/test-rules.ts';
import { type CommandOptions, fail, loadToServe, say } from './load.ts';

const words: Readonly<Record<TestOutcome, string>> = { pass: 'PASS', fail: 'FAIL', error: 'ERROR', skipped: 'SKIPPED' };

const asText = ({ file, line, name, outcome, message, tookMs }: TestResult): string => {
  const took = outcome === 'skipped' ? '' : ` (${tookMs.toFixed(1)} ms)`;
  return `${file}:${line}: ${name}: ${words[outcome]}${took}${message === undefined ? '' : `: ${message}`}`;
};

const countsOf = (results: readonly TestResult[]): Readonly<Record<TestOutcome, number>> => {
  const counts = { pass: 0, fail: 0, error: 0, skipped: 0 };
  for (const { outcome } of results) counts[outcome] += 1;
  return counts;
};

const report = (results: readonly TestResult[], json: boolean | undefined): number => {
  const counts = countsOf(results);
  if (json) say(JSON.stringify({ tests: results, ...counts }));
  else {
    for (const result of results) say(asText(result));
    const told = Object.entries(counts).filter(([, count]) => count > 0);
    say(told.map(([outcome, count]) => `${outcome}: ${count}/${results.length}`).join(', '));
  }
  return counts.fail + counts.error > 0 ? 1 : 0;
};

const refused = (problems: readonly object[], lines: readonly string[], json: boolean | undefined): number => {
  fail(json ? JSON.stringify({ problems }) : lines.join('\n'));
  return 1;
};

const pathOf = async (options: CommandOptions): Promise<string | number> => {
  const loaded = await loadToServe(options);
  if (!loaded) return 1;
  const { engine, path } = loaded.config.policy ?? {};
  if (engine === 'opa_embedded' && path !== undefined) return path;
  fail('say where the policies are: sallyport policy test DIR, or policy.path in the configuration');
  return 2;
};

export const testPolicies = async (given: string | undefined, options: CommandOptions): Promise<number> => {
  const path = given ?? (await pathOf(options));
  if (typeof path === 'number') return path;
  if (/\.(?:tar\.gz|tgz|wasm)$/.test(path)) {
    fail(`${path} is compiled: give the directory of .rego files that it was made of`);
    return 2;
  }
  const read = readPolicyFiles(path);
  const run: TestRun =
    'files' in read
      ? runTests(path, read.files, Date.now)
      : { problems: read.problems.map((problem) => ({ ...problem, line: 0, column: 0 })) };
  if ('problems' in run) {
    const lines = run.problems.map(({ file, line, column, message, hint }) => {
      const place = line > 0 ? `${file}:${line}:${column}` : file;
      return `${place}: ${message}${hint === undefined ? '' : `; ${hint}`}`;
    });
    return refused(run.problems, lines, options.json);
  }
  if (run.results.length === 0) {
    const message = `${path} holds no rule whose name begins with test_`;
    return refused([{ file: path, message }], [message], options.json);
  }
  return report(run.results, options.json);
};
