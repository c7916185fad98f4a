/**
 * A scalar that is wholly one `${VAR}`. It stays apart from plain text until its key is known, because only the key
 * says whether the text is to be read as a number, a switch or a word.
 */
export class Variable {
  readonly name: string;
  /** The value, or the default of `${VAR:-default}`, or a stand-in when missing. */
  readonly text: string;
  /** Nothing sets it and it has no default. */
  readonly missing: boolean;
  /** Written without quotes (or given by the environment itself), so that it may fill a key that is not text. */
  readonly plain: boolean;

  constructor(name: string, text: string, { missing = false, plain = true } = {}) {
    this.name = name;
    this.text = text;
    this.missing = missing;
    this.plain = plain;
  }
}

/** What a missing variable or file is taken for when a file is checked without them; long enough for any secret. */
export const standIn = 'placeholder-for-a-value-that-is-not-here';

/** The text of a scalar, whichever way it came; undefined for anything that is not text. */
export const textOf = (raw: unknown): string | undefined => {
  if (typeof raw === 'string') return raw;
  return raw instanceof Variable ? raw.text : undefined;
};
