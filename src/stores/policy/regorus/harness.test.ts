/** Policies in a folder of their own, and the engine that is loaded with them. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after } from 'node:test';
import type { LoadedPolicy, PolicyAnswer, PolicyEngine } from '../../../checks/policy-engine.ts';
import { readPolicyFiles } from '../../../config/policy-files.ts';
import { loadRegorus } from './regorus.ts';

export type Files = Readonly<Record<string, string | Uint8Array>>;

/** A folder that is gone after the test file. */
export const folderOf = async (files: Files): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-policies-'));
  after(() => rm(folder, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
  return folder;
};

type Options = Readonly<{ timeoutMs?: number; now?: () => number }>;

export const loadFolder = async (
  path: string,
  queries: readonly string[],
  { timeoutMs = 5_000, now = Date.now }: Options = {},
): Promise<LoadedPolicy> => {
  const read = readPolicyFiles(path);
  if ('problems' in read) return { problems: read.problems.map((problem) => ({ ...problem, line: 0, column: 0 })) };
  return loadRegorus({ path, files: read.files, queries, timeoutMs, now });
};

export const engineOf = async (files: Files, queries: readonly string[], options?: Options): Promise<PolicyEngine> => {
  const loaded = await loadFolder(await folderOf(files), queries, options);
  assert.ok('engine' in loaded, JSON.stringify(loaded));
  return loaded.engine;
};

/** Each as the lines that a person sees, with `DIR` for the folder. */
export const problemsOf = async (files: Files, queries: readonly string[]): Promise<string[]> => {
  const folder = await folderOf(files);
  const loaded = await loadFolder(folder, queries);
  assert.ok('problems' in loaded, 'it loads');
  return loaded.problems.map(({ file, line, column, message, hint, query }) =>
    [`${file.replace(folder, 'DIR')}:${line}:${column}`, ...(query === undefined ? [] : [query]), message, hint].join(
      ' | ',
    ),
  );
};

/** The answer to `data.a.allow` of one policy, of package `a`. */
export const answerOf = async (rego: string, input: unknown = {}, options?: Options): Promise<PolicyAnswer> => {
  const engine = await engineOf({ 'a.rego': `package a\n\n${rego}\n` }, ['data.a.allow'], options);
  return engine.evaluate('data.a.allow', JSON.stringify(input));
};
