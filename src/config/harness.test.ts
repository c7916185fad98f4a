// Holds no tests: what the other tests of this folder share. Its name keeps it out of the package.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LoadedConfig, type LoadOptions, loadConfig } from './load.ts';
import { ConfigError, type Problem } from './problem.ts';

type Files = Readonly<Record<string, string | Uint8Array>>;

/** Runs with a folder of its own, which is gone afterwards. */
export const withFolder = <T>(files: Files, run: (folder: string) => T): T => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-config-'));
  try {
    for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
    return run(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
};

type Options = Partial<Omit<LoadOptions, 'cwd'>> & Readonly<{ files?: Files }>;

/** Loads a text as `sallyport.yaml` in a folder of its own. */
export const load = (yaml: string | Uint8Array, { files = {}, env = {}, ...options }: Options = {}): LoadedConfig =>
  withFolder({ 'sallyport.yaml': yaml, ...files }, (cwd) => loadConfig({ ...options, env, cwd }));

/** What loading finds wrong; nothing when it loads. Anything but a `ConfigError` goes through. */
export const problemsOf = (yaml: string | Uint8Array, options: Options = {}): readonly Problem[] => {
  try {
    load(yaml, options);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
};
