/** Environment variables as a plain record, so that tests and reloads can bring their own. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The value of a variable; one that is set to nothing counts as not set. */
export const variableIn = (env: Environment, name: string): string | undefined =>
  (Object.hasOwn(env, name) && env[name]) || undefined;

export type Interpolation = Readonly<{
  text: string;
  /** Variables that nothing sets and that have no default. */
  missing: readonly string[];
  /** Whether some `${` does not begin `${NAME}` or `${NAME:-default}`. */
  malformed: boolean;
  /** The one variable of which the text wholly consists. */
  whole?: string;
  /** Whether anything was replaced; if so, messages show the source text, never the value. */
  changed: boolean;
}>;

/** Stands in for a missing variable inside a longer text, so that the rest of the text can still be checked. */
const placeholder = 'placeholder';

// Alternatives, in order: the escape `$${`, a reference up to its closing brace, a reference that is never closed. No
// braces inside: a text of nothing but `${` must not be searched to its end from each of them.
const reference = /\$\$\{|\$\{([^{}]*)\}|\$\{/g;
const wellFormed = /^([A-Za-z_][A-Za-z0-9_]*)(?::-([\s\S]*))?$/;

/** Replaces `${NAME}` and `${NAME:-default}`; `$${` stands for a literal `${`. */
export const interpolate = (source: string, env: Environment): Interpolation => {
  if (!source.includes('${')) return { text: source, missing: [], malformed: false, changed: false };
  const missing = new Set<string>();
  let malformed = false;
  let whole: string | undefined;
  const text = source.replace(reference, (match: string, body: string | undefined) => {
    if (match === '$${') return '${';
    const [, name, fallback] = wellFormed.exec(body ?? '') ?? [];
    if (name === undefined) {
      malformed = true;
      return match;
    }
    if (match === source) whole = name;
    const value = variableIn(env, name) ?? fallback;
    if (value !== undefined) return value;
    missing.add(name);
    return placeholder;
  });
  return { text, missing: [...missing], malformed, changed: true, ...(whole !== undefined && { whole }) };
};
