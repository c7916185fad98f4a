import type { Config } from '../config/config.ts';
import { environment } from '../config/environment.ts';
import { type LoadedConfig, loadConfig } from '../config/load.ts';
import { ConfigError, formatProblems, type Problem } from '../config/problem.ts';
import type { Recording } from '../config/recording.ts';
import { unavailable } from '../config/unavailable.ts';

export type CommandOptions = Readonly<{ config?: string; json?: boolean; insecure: ReadonlySet<string> }>;

export const fail = (text: string): void => {
  process.stderr.write(`${text}\n`);
};

export const say = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

const report = (problems: readonly Problem[], json: boolean | undefined): undefined => {
  fail(json ? JSON.stringify({ problems }) : formatProblems(problems));
  return undefined;
};

/** As the service does: throws `ConfigError` with what is wrong, or cannot be done yet, which is never ignored. */
export const loadAgain = ({ config, insecure }: CommandOptions, recording?: Recording): LoadedConfig => {
  const loaded = loadConfig({ path: config, env: environment, insecure, recording });
  const missing = unavailable(loaded.config, loaded.place);
  if (missing.length > 0) throw new ConfigError(missing);
  return loaded;
};

/** Loads the configuration as the service would, or says what is wrong with it and gives undefined. */
export const load = ({ config, json, insecure }: CommandOptions): LoadedConfig | undefined => {
  try {
    return loadConfig({ path: config, env: environment, insecure });
  } catch (error) {
    if (error instanceof ConfigError) return report(error.problems, json);
    throw error;
  }
};

/** As `load`, and what this version cannot do yet is wrong as well: it is never ignored. */
export const loadToServe = (options: CommandOptions): (LoadedConfig & { config: Config }) | undefined => {
  const loaded = load(options);
  const missing = loaded ? unavailable(loaded.config, loaded.place) : [];
  return missing.length > 0 ? report(missing, options.json) : loaded;
};
