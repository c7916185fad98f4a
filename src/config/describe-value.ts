import { Variable } from './read/variable.ts';
import { isMapping } from './schema/forms.ts';

const longest = 60;

const quoted = (text: string): string => {
  // A password with a slash in it is what makes a URL none. Keys stand in queries.
  const masked = text.replace(/\/\/\S*@/, '//…@').replace(/(:\/\/[^?]*\?).*/s, '$1…');
  return JSON.stringify(masked.length > longest ? `${masked.slice(0, longest)}…` : masked);
};

/** What kind of value stands in the file, saying nothing of the value itself. */
export const kindOf = (raw: unknown): string => {
  if (raw === undefined || raw === null) return 'nothing';
  if (Array.isArray(raw)) return 'a list';
  if (isMapping(raw)) return 'a mapping';
  if (typeof raw === 'number') return 'a number';
  return typeof raw === 'boolean' ? String(raw) : 'text';
};

/** A value as the file writes it. Where variables were replaced, `source` is shown: what they held may be secret. */
export const valueText = (raw: unknown, source: string | undefined): string => {
  if (source !== undefined) return quoted(source);
  if (raw instanceof Variable) return quoted(`\${${raw.name}}`);
  if (typeof raw === 'number') return String(raw);
  return typeof raw === 'string' ? quoted(raw) : kindOf(raw);
};
