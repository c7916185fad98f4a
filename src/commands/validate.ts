import type { Config } from '../config/config.ts';
import { environment } from '../config/environment.ts';
import { type LoadedConfig, loadConfig } from '../config/load.ts';
import { ConfigError, formatProblems, type Problem } from '../config/problem.ts';
import type { Environment } from '../config/read/interpolate.ts';
import { unavailable } from '../config/unavailable.ts';

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

const good = ({ config, source, notices, place }: LoadedConfig, json: boolean): Verdict => {
  const file = source ?? 'embedded defaults';
  const missing = unavailable(config, place);
  if (json) {
    const report = { valid: true, file, rules: config.rules.length, notices, unavailable: missing, problems: [] };
    return { exitCode: 0, output: JSON.stringify(report) };
  }
  const blocks = [...new Set(missing.map(({ path }) => path))];
  const caveat = blocks.length > 0 ? `; not available yet: ${blocks.join(', ')}` : '';
  return { exitCode: 0, output: `${file}: valid, ${contents(config)}${caveat}` };
};

const bad = (problems: readonly Problem[], json: boolean): Verdict => ({
  exitCode: 1,
  output: json ? JSON.stringify({ valid: false, problems }) : formatProblems(problems),
});

/** Checks a configuration without starting anything. */
export const validate = (file: string | undefined, options: ValidateOptions): Verdict => {
  const { env, cwd, json = false, withoutEnv, insecure } = options;
  try {
    return good(loadConfig({ path: file, env, cwd, insecure, allowMissingVariables: withoutEnv }), json);
  } catch (error) {
    if (error instanceof ConfigError) return bad(error.problems, json);
    throw error;
  }
};

type Flags = Readonly<{ json?: unknown; withoutEnv?: unknown; insecure?: ReadonlySet<string> }>;

/** `sallyport validate`: gives the exit code. JSON always goes to standard output, for it is the answer. */
export const runValidate = (file: string | undefined, { json, withoutEnv, insecure }: Flags): number => {
  const options = { env: environment, json: json === true, withoutEnv: withoutEnv === true, insecure };
  const { exitCode, output } = validate(file, options);
  process[exitCode === 0 || options.json ? 'stdout' : 'stderr'].write(`${output}\n`);
  return exitCode;
};
