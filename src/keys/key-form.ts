/** Which texts can be keys: ours by prefix, length and checksum, imported ones by what the configuration says of them. */
import { isWellFormed, mayBeKey } from './api-key.ts';

/** At least one of the two is there. `length` is that of the whole key, in characters. */
export type ImportedForm = Readonly<{ prefix?: string | undefined; length?: number | undefined }>;

export type KeyForms = Readonly<{
  /** Whether a text is worth a hash. */
  mayBeKey(text: string): boolean;
  /** Whether it is worth a look-up. */
  isPlausible(text: string): boolean;
}>;

const LONGEST_IMPORTED = 512;

/** What has the form of our keys is one of ours, and its checksum is asked for whatever may be imported. */
export const createKeyForms = (prefix: string, imported: readonly ImportedForm[]): KeyForms => {
  const isImported = (text: string): boolean =>
    text.length <= LONGEST_IMPORTED &&
    imported.some((form) => text.startsWith(form.prefix ?? '') && (form.length ?? text.length) === text.length);
  return {
    mayBeKey: (text) => mayBeKey(text, prefix) || isImported(text),
    isPlausible: (text) => (mayBeKey(text, prefix) ? isWellFormed(text, prefix) : isImported(text)),
  };
};
