import { existsSync } from 'node:fs';
import type { Config } from '../config/config.ts';
import { environment } from '../config/environment.ts';
import { type LoadedConfig, loadConfig } from '../config/load.ts';
import { policyQueries } from '../config/policy-queries.ts';
import { ConfigError, formatProblem, formatProblems, type Problem } from '../config/problem.ts';
import type { Environment } from '../config/read/interpolate.ts';

export type ValidateOptions = Readonly<{
  env: Environment;
  cwd?: string | undefined;
  json?: boolean | undefined;
  /** Do without variables and secret files that are not there. */
  withoutEnv?: boolean | undefined;
  insecure?: ReadonlySet<string> | undefined;
}>;

export type Verdict = Readonly<{ exitCode: 0 | 1; output: string }>;

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;

/** A reverse proxy without routes passes everything on to one service. */
const contents = ({ rules, proxy }: Config): string => {
  const ruleCount = counted(rules.length, 'rule');
  if (!proxy?.enabled) return ruleCount;
  const proxied = `a reverse proxy with ${counted(Math.max(1, proxy.routes.length), 'route')}`;
  return rules.length > 0 ? `${ruleCount}, ${proxied}` : proxied;
};

const good = ({ config, source, notices }: LoadedConfig, json: boolean): Verdict => {
  const file = source ?? 'embedded defaults';
  if (!json) return { exitCode: 0, output: `${file}: valid, ${contents(config)}` };
  const report = { valid: true, file, rules: config.rules.length, notices, problems: [] };
  return { exitCode: 0, output: JSON.stringify(report) };
};

const bad = (problems: readonly Problem[], json: boolean): Verdict => ({
  exitCode: 1,
  output: json ? JSON.stringify({ valid: false, problems }) : formatProblems(problems),
});

/** Of the policies. A question that shows a problem is named where the configuration asks it. */
const inPolicies = async ({ config, place }: LoadedConfig, withoutEnv: boolean | undefined): Promise<Problem[]> => {
  const { policy } = config;
  if (!policy || (withoutEnv && policy.path !== undefined && !existsSync(policy.path))) return [];
  const { policyProblems } = await import('../assemble/policy.ts');
  const problems = await policyProblems(config, Date.now);
  return problems.flatMap(({ query, ...problem }): Problem[] => {
    const asking = policyQueries(config).filter((asked) => asked.query === query);
    if (asking.length === 0) return [{ ...problem, path: '' }];
    return asking.map(({ path }) => ({ ...place(path), message: formatProblem({ ...problem, path: '' }) }));
  });
};

/** Checks a configuration, and the policies that it names, without starting anything. */
export const validate = async (file: string | undefined, options: ValidateOptions): Promise<Verdict> => {
  const { env, cwd, json = false, withoutEnv, insecure } = options;
  try {
    const loaded = loadConfig({ path: file, env, cwd, insecure, allowMissingVariables: withoutEnv });
    const problems = await inPolicies(loaded, withoutEnv);
    return problems.length > 0 ? bad(problems, json) : good(loaded, json);
  } catch (error) {
    if (error instanceof ConfigError) return bad(error.problems, json);
    throw error;
  }
};

type Flags = Readonly<{ json?: unknown; withoutEnv?: unknown; insecure?: ReadonlySet<string> }>;

/** `sallyport validate`: gives the exit code. JSON always goes to standard output, for it is the answer. */
export const runValidate = async (file: string | undefined, { json, withoutEnv, insecure }: Flags): Promise<number> => {
  const options = { env: environment, json: json === true, withoutEnv: withoutEnv === true, insecure };
  const { exitCode, output } = await validate(file, options);
  process[exitCode === 0 || options.json ? 'stdout' : 'stderr'].write(`${output}\n`);
  return exitCode;
};
