/** The files of the policy, as they are when the configuration is read: they belong to it, and change with it alone. */
import { hash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { extname, join } from 'node:path';

/**
 * The text of each file by its name: `policy.path` and what follows. Of a compiled policy only the digest: who runs it reads it.
 */
export type PolicyFiles = Readonly<Record<string, string>>;

export type PolicyFileProblem = Readonly<{ file: string; message: string; hint?: string }>;

export type ReadPolicies = Readonly<{ files: PolicyFiles }> | Readonly<{ problems: readonly PolicyFileProblem[] }>;

const DEEPEST = 32;
const MOST_FILES = 10_000;
const MOST_BYTES = 64 * 1024 * 1024;

/** Where OPA looks for data in a bundle: nothing else of these kinds is read. */
const dataNames: readonly string[] = ['data.json', 'data.yaml', 'data.yml'];

export const compiledPolicy = /\.(?:tar\.gz|tgz|wasm)$/;

class Unreadable extends Error {
  readonly problem: PolicyFileProblem;

  constructor(file: string, message: string, hint?: string) {
    super(message);
    this.problem = { file, message, ...(hint !== undefined && { hint }) };
  }
}

const cannotRead = (file: string, error: unknown): Unreadable => {
  if (error instanceof Unreadable) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
  return code === 'ENOENT' || code === 'ENOTDIR'
    ? new Unreadable(file, 'there is no such file or directory', 'policy.path says where the policies are')
    : new Unreadable(file, `cannot be read (${code})`);
};

const attempt = <T>(file: string, act: () => T): T => {
  try {
    return act();
  } catch (error) {
    throw cannotRead(file, error);
  }
};

/** Names that begin with a dot are left out: in a mounted ConfigMap they are the folders behind the links. */
const find = (folder: string, depth = 0): string[] => {
  if (depth > DEEPEST) throw new Unreadable(folder, `lies deeper than ${DEEPEST} folders`);
  const names = attempt(folder, () => readdirSync(folder)).filter((name) => !name.startsWith('.'));
  return names.sort().flatMap((name) => {
    const inner = join(folder, name);
    if (attempt(inner, () => statSync(inner)).isDirectory()) return find(inner, depth + 1);
    return extname(name) === '.rego' || dataNames.includes(name) ? [inner] : [];
  });
};

const utf8 = new TextDecoder('utf-8', { fatal: true });

const decode = (file: string, bytes: Uint8Array): string => {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new Unreadable(file, 'is not text in UTF-8', 'save it as UTF-8');
  }
};

const readAll = (names: readonly string[]): ReadPolicies => {
  const files: Record<string, string> = {};
  const problems: PolicyFileProblem[] = [];
  let bytes = 0;
  for (const file of names) {
    try {
      bytes += attempt(file, () => statSync(file)).size;
      if (bytes > MOST_BYTES) throw new Unreadable(file, `with those before it is larger than ${MOST_BYTES} bytes`);
      const content = attempt(file, () => readFileSync(file));
      files[file] = compiledPolicy.test(file) ? `sha256:${hash('sha256', content)}` : decode(file, content);
    } catch (error) {
      problems.push(cannotRead(file, error).problem);
      if (bytes > MOST_BYTES) break;
    }
  }
  return problems.length > 0 ? { problems } : { files };
};

/** A directory of `.rego` and data files, one `.rego` file, or a compiled policy. */
export const readPolicyFiles = (path: string): ReadPolicies => {
  try {
    if (!attempt(path, () => statSync(path)).isDirectory()) return readAll([path]);
    const names = find(path);
    if (names.length > MOST_FILES) throw new Unreadable(path, `holds more than ${MOST_FILES} files`);
    if (names.some((name) => extname(name) === '.rego')) return readAll(names);
    throw new Unreadable(path, 'holds no policy', 'policies are files whose name ends in .rego');
  } catch (error) {
    return { problems: [cannotRead(path, error).problem] };
  }
};
