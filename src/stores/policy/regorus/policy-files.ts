/** A directory of policies as OPA reads one: every `.rego`, and `data.json` or `data.yaml` at the path of its folder. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { parse as parseYaml, YAMLParseError } from 'yaml';
import type { PolicyProblem } from '../../../checks/policy-engine.ts';

/** `text` of a policy is Rego; of data a JSON object that is merged into `data`. */
export type PolicyFile = Readonly<{ file: string; text: string }>;

export type PolicyFiles = Readonly<{
  policies: readonly PolicyFile[];
  data: readonly PolicyFile[];
  problems: readonly PolicyProblem[];
}>;

type Found = Readonly<{ file: string; folders: readonly string[] }>;

const DEEPEST = 32;
const MOST_FILES = 10_000;
const MOST_BYTES = 64 * 1024 * 1024;

const dataNames: readonly string[] = ['data.json', 'data.yaml', 'data.yml'];

class Unreadable extends Error {
  readonly problem: PolicyProblem;

  constructor(file: string, message: string, hint?: string, line = 0, column = 0) {
    super(message);
    this.problem = { file, line, column, message, ...(hint !== undefined && { hint }) };
  }
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : String(error);

const cannotRead = (file: string, error: unknown): Unreadable => {
  const code = codeOf(error);
  const noSuch = code === 'ENOENT' || code === 'ENOTDIR';
  return noSuch
    ? new Unreadable(file, 'there is no such file or directory', 'policy.path says where the policies are')
    : new Unreadable(file, `cannot be read (${code})`);
};

/** Names that begin with a dot are left out: in a mounted ConfigMap they are the folders behind the links. */
const find = async (file: string, folders: readonly string[]): Promise<Found[]> => {
  if (folders.length > DEEPEST) throw new Unreadable(file, `lies deeper than ${DEEPEST} folders`);
  const entries = (await readdir(file)).filter((name) => !name.startsWith('.')).sort();
  const found = await Promise.all(
    entries.map(async (name): Promise<Found[]> => {
      const inner = join(file, name);
      if ((await stat(inner)).isDirectory()) return find(inner, [...folders, name]);
      return extname(name) === '.rego' || dataNames.includes(name) ? [{ file: inner, folders }] : [];
    }),
  );
  return found.flat();
};

const utf8 = new TextDecoder('utf-8', { fatal: true });

const decode = (file: string, bytes: Uint8Array): string => {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new Unreadable(file, 'is not text in UTF-8', 'save it as UTF-8');
  }
};

const jsonText = (file: string, text: string): string => {
  try {
    JSON.parse(text);
    return text;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const [, line, column] = /line (\d+) column (\d+)/.exec(message) ?? [];
    throw new Unreadable(file, `is not JSON: ${message}`, undefined, Number(line ?? 0), Number(column ?? 0));
  }
};

const yamlText = (file: string, text: string): string => {
  try {
    return JSON.stringify(parseYaml(text) ?? {});
  } catch (error) {
    const place = error instanceof YAMLParseError ? error.linePos?.[0] : undefined;
    const message = error instanceof Error ? error.message.replace(/(?: at line |\n)[\s\S]*/, '') : String(error);
    throw new Unreadable(file, `is not YAML: ${message}`, undefined, place?.line, place?.col);
  }
};

/** The text itself goes into the engine, so that no number loses a digit. */
const dataText = ({ file, folders }: Found, text: string): string => {
  const json = extname(file) === '.json' ? jsonText(file, text) : yamlText(file, text);
  if (folders.length === 0 && !/^\s*\{/.test(json)) {
    throw new Unreadable(file, 'holds no object', 'what lies at the root of data has keys');
  }
  return folders.reduceRight((inner, folder) => `{${JSON.stringify(folder)}:${inner}}`, json);
};

const readAll = async (found: readonly Found[]): Promise<PolicyFiles> => {
  const policies: PolicyFile[] = [];
  const data: PolicyFile[] = [];
  const problems: PolicyProblem[] = [];
  let bytes = 0;
  for (const one of found) {
    const { file } = one;
    try {
      const content = await readFile(file).catch((error: unknown) => Promise.reject(cannotRead(file, error)));
      bytes += content.length;
      if (bytes > MOST_BYTES) throw new Unreadable(file, `with those before it is larger than ${MOST_BYTES} bytes`);
      const text = decode(file, content);
      if (dataNames.includes(basename(file))) data.push({ file, text: dataText(one, text) });
      else policies.push({ file, text });
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      problems.push(error.problem);
      if (bytes > MOST_BYTES) break;
    }
  }
  return { policies, data, problems };
};

/** `path` may also be one `.rego` file. Files have the names that a person finds them by: `path` and what follows. */
export const readPolicyFiles = async (path: string): Promise<PolicyFiles> => {
  const nothing = { policies: [], data: [] };
  try {
    const found = (await stat(path)).isDirectory() ? await find(path, []) : [{ file: path, folders: [] }];
    if (found.length > MOST_FILES) throw new Unreadable(path, `holds more than ${MOST_FILES} files`);
    const files = await readAll(found);
    if (files.policies.length > 0 || files.problems.length > 0) return files;
    throw new Unreadable(path, 'holds no policy', 'policies are files whose name ends in .rego');
  } catch (error) {
    return { ...nothing, problems: [(error instanceof Unreadable ? error : cannotRead(path, error)).problem] };
  }
};
