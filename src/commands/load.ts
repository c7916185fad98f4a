import { createSecretLoader, type SecretLoader } from '../assemble/vault.ts';
import { environment } from '../config/environment.ts';
import { type LoadedConfig, loadConfig } from '../config/load.ts';
import { ConfigError, formatProblems, type Problem } from '../config/problem.ts';
import type { Recording } from '../config/recording.ts';

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

/** As the service does: throws `ConfigError` with what is wrong. */
export const loadAgain = (
  { config, insecure }: CommandOptions,
  recording?: Recording,
  withPolicies = false,
): LoadedConfig => loadConfig({ path: config, env: environment, insecure, recording, withPolicies });

/** Loads again and again, with the secrets that are in Vault. */
export const createLoader = (options: CommandOptions, withPolicies = false): SecretLoader =>
  createSecretLoader((recording) => loadAgain(options, recording, withPolicies), Date.now);

/** As the service would load it, secrets of Vault and all; undefined where it says what is wrong. */
export const loadBy = async (loader: SecretLoader, { json }: CommandOptions): Promise<LoadedConfig | undefined> => {
  try {
    return await loader.load();
  } catch (error) {
    if (error instanceof ConfigError) return report(error.problems, json);
    throw error;
  }
};

/** Once, for a command that ends soon. */
export const loadToServe = async (options: CommandOptions): Promise<LoadedConfig | undefined> => {
  const loader = createLoader(options);
  const loaded = await loadBy(loader, options);
  await loader.close();
  return loaded;
};
