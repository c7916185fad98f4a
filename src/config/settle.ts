import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { Secret } from '../core/secret.ts';
import type { Finding } from './finding.ts';
import type { Path } from './path.ts';
import { standIn } from './read/variable.ts';
import type { VaultValues } from './recording.ts';
import { DocumentReference, DocumentText, FileReference, VaultReference } from './reference.ts';
import { secretProblem } from './schema/secret.ts';

/** A configuration without file references, frozen all the way down. */
export type Settled<T> = T extends FileReference | DocumentReference
  ? never
  : T extends Secret | VaultReference | DocumentText | string | number | boolean | undefined | null
    ? T
    : T extends readonly (infer Item)[]
      ? readonly Settled<Item>[]
      : { readonly [Key in keyof T]: Settled<T[Key]> };

export type Settling = Readonly<{
  /** Relative paths start here. */
  folder: string;
  /** Accept files that are not there: for checking a file on a machine that has none of its secrets. */
  allowMissing: boolean;
  report: (finding: Finding) => void;
  /** The text of a file; `readFileText` unless it was read before. */
  readText: (file: string) => string;
  /** What Vault gave. Without it references to it stay. */
  vault: VaultValues | undefined;
}>;

/** Larger than any key or token; a slip such as `file:/dev/zero` must not fill the memory. */
const largestFile = 64 * 1024;

/** Throws where it is not there, or no text. */
export const readFileText = (path: string): string => {
  const status = statSync(path);
  if (!status.isFile()) throw new Error('not a regular file');
  if (status.size > largestFile) throw new Error(`larger than ${largestFile} bytes`);
  return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path)).replace(/\r?\n$/, '');
};

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  EACCES: 'not allowed to read the file',
  ENOTDIR: 'no such file',
  ERR_ENCODING_INVALID_ENCODED_DATA: 'not UTF-8 text',
};

const reasonOf = (error: unknown): string => {
  if (!(error instanceof Error)) return 'cannot be read';
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return reasons[code] ?? (code === '' ? error.message : `cannot be read (${code})`);
};

const readIfThere = (file: string, path: Path, { allowMissing, report, readText }: Settling): string | undefined => {
  try {
    return readText(file);
  } catch (error) {
    const reason = reasonOf(error);
    if (!allowMissing) report({ path, message: `${file}: ${reason}`, expected: 'a file that holds the value' });
    return undefined;
  }
};

const settleFile = (reference: FileReference, path: Path, settling: Settling): Secret | string => {
  const file = resolve(settling.folder, reference.path);
  const text = readIfThere(file, path, settling) ?? standIn;
  const problem = secretProblem(text);
  if (problem !== undefined && reference.secret) settling.report({ path, message: `the text of ${file}: ${problem}` });
  return reference.secret ? new Secret(text) : text;
};

const settleDocument = (reference: DocumentReference, path: Path, settling: Settling): DocumentText => {
  const file = resolve(settling.folder, reference.path);
  return Object.freeze(new DocumentText(file, readIfThere(file, path, settling)));
};

export const nameOf = ({ path, key }: Readonly<{ path: string; key: string }>): string => `${path}#${key}`;

const settleVault = (reference: VaultReference, path: Path, { vault, report }: Settling): Secret | VaultReference => {
  if (!vault) return reference;
  const name = nameOf(reference);
  const given = vault[name] ?? { problem: 'was not asked for' };
  const problem = 'problem' in given ? given.problem : secretProblem(given.value);
  if (problem !== undefined) report({ path, message: `vault:${name}: ${problem}` });
  const secret = new Secret('value' in given ? given.value : standIn);
  Object.freeze(secret);
  return secret;
};

/** Reads what `file:` names and freezes the result. */
export const settle = <T>(value: T, settling: Settling, path: Path = []): Settled<T> =>
  settled(value, settling, path) as Settled<T>;

const settled = (value: unknown, settling: Settling, path: Path): unknown => {
  if (value instanceof FileReference) return settleFile(value, path, settling);
  if (value instanceof DocumentReference) return settleDocument(value, path, settling);
  if (value instanceof VaultReference) return settleVault(value, path, settling);
  if (value instanceof Secret) return Object.freeze(value);
  if (Array.isArray(value)) return Object.freeze(value.map((item, index) => settled(item, settling, [...path, index])));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, inner]) => [key, settled(inner, settling, [...path, key])] as const);
  return Object.freeze(Object.fromEntries(entries));
};
