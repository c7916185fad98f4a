import { BundleError } from './bundle-error.ts';

/** Kept as they are written: 1.50 is not 1.5, and no number is too large. */
class Written {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** Go's encoder escapes two line ends that JSON lets stand. */
const quoted = (text: string): string =>
  JSON.stringify(text).replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029');

const byBytes = (one: string, other: string): number => Buffer.compare(Buffer.from(one), Buffer.from(other));

const write = (value: unknown): string => {
  if (value instanceof Written) return value.text;
  if (typeof value === 'string') return quoted(value);
  if (Array.isArray(value)) return `[${value.map(write).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).sort(([one], [other]) => byBytes(one, other));
    return `{${entries.map(([key, entry]) => `${quoted(key)}:${write(entry)}`).join(',')}}`;
  }
  return String(value);
};

/** As OPA's `bundle/hash.go` writes it before it is hashed: keys in order of their bytes, nothing between. Throws `BundleError`. */
export const canonicalJson = (text: string): string => {
  try {
    const value: unknown = JSON.parse(text, (_key, entry: unknown, context?: Readonly<{ source?: string }>) =>
      typeof entry === 'number' ? new Written(context?.source ?? String(entry)) : entry,
    );
    return write(value);
  } catch {
    throw new BundleError('a file that should hold JSON does not');
  }
};
