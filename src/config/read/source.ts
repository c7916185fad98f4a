import { existsSync, readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Problem } from '../problem.ts';
import { type Environment, variableIn } from './interpolate.ts';

export type Search = Readonly<{ path?: string | undefined; env: Environment; cwd: string }>;

/** Looked for in this order when nobody names a file. */
export const defaultFiles = ['sallyport.yaml', '/etc/sallyport/config.yaml', '/etc/authz/config.yaml'] as const;

/** The file to load, as it was named; undefined when there is none and nobody asked for one. */
export const findFile = ({ path, env, cwd }: Search): string | undefined =>
  path ?? variableIn(env, 'AUTHZ_CONFIG_PATH') ?? defaultFiles.find((candidate) => existsSync(resolve(cwd, candidate)));

const largest = 1024 * 1024;

const refusal = (file: string, message: string, hint?: string): { problem: Problem } => ({
  problem: { file, line: 0, column: 0, path: '', message, ...(hint !== undefined && { hint }) },
});

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown reason';

/** The text of a configuration file, or why it cannot be had. */
export const readSource = (file: string, cwd: string): { text: string } | { problem: Problem } => {
  try {
    const path = resolve(cwd, file);
    const status = statSync(path);
    if (status.isDirectory()) return refusal(file, 'a directory, not a file');
    const bytes = status.size > largest ? undefined : readFileSync(path);
    if (!bytes || bytes.length > largest) return refusal(file, 'larger than 1 MiB, which no configuration is');
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR')
      return refusal(file, 'no such file', 'check --config or AUTHZ_CONFIG_PATH, or make one with: sallyport init');
    if (code === 'EACCES') return refusal(file, 'not allowed to read the file');
    if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA') return refusal(file, 'not UTF-8 text');
    return refusal(file, `cannot be read (${code})`);
  }
};
