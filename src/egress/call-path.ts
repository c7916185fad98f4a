/**
 * The path of a call, read once. Routes are found by the decoded segments; what is forwarded is the caller's own spelling. What
 * two readers could take for different paths is refused (core/canonical.ts), but for one thing, by choice of the route: a `%2F`
 * inside a segment, without which objects of GCS and projects of GitLab have no address.
 */
import { parseTarget } from '../core/canonical.ts';
import { isRefusal, type Refusal, refuse } from '../core/refusal.ts';

export type CallPath = Readonly<{
  /** As the caller wrote it, without the query. */
  raw: string;
  /** Decoded, for finding the route. An escaped slash stands as a character that no route can name. */
  path: string;
  /** As it came, without the question mark. */
  query: string;
  /** Whether a segment holds an escaped slash, and why that is refused where the route does not allow it. */
  escapedSlash: Refusal | undefined;
}>;

const slashEscape = /%2f/gi;

/** An interlinear mark, of which Unicode says that it never stands in text that is exchanged. */
const MARK = '\uFFFB';
const ESCAPED_MARK = encodeURIComponent(MARK);

const strange = refuse('ambiguous_path', 'The path has a character that no text has (U+FFFB).');

/** A request target without its query. */
export const rawPath = (target: string): string => {
  const mark = target.indexOf('?');
  return mark < 0 ? target : target.slice(0, mark);
};

/** `target` is the request target as it came. */
export const readCallPath = (target: string): CallPath | Refusal => {
  const read = parseTarget(target);
  const raw = rawPath(target);
  if (!isRefusal(read)) {
    if (read.path.includes(MARK)) return strange;
    return { raw, path: read.path, query: read.query, escapedSlash: undefined };
  }
  const rest = target.slice(raw.length);
  const marked = raw.replace(slashEscape, ESCAPED_MARK);
  if (marked === raw || raw.toUpperCase().includes(ESCAPED_MARK)) return read;
  // Whoever decodes the slashes must find no empty and no dot segments either.
  const decoded = parseTarget(raw.replace(slashEscape, '/') + rest);
  if (isRefusal(decoded)) return decoded;
  const kept = parseTarget(marked + rest);
  return isRefusal(kept) ? kept : { raw, path: kept.path, query: kept.query, escapedSlash: read };
};

/** Where the first `count` segments end in a path that begins with a slash. */
const endOfSegments = (path: string, count: number): number => {
  let end = 0;
  for (let left = count; left > 0; left--) {
    const slash = path.indexOf('/', end + 1);
    if (slash < 0) return path.length;
    end = slash;
  }
  return end;
};

/** The decoded path with an escaped slash as `%2F`: no other text reads so, for an escaped percent sign is refused. */
export const spelledPath = ({ path }: CallPath): string => path.replaceAll(MARK, '%2F');

const countSegments = (prefix: string): number => prefix.split('/').length - 1;

/** On a segment boundary; the prefix has no slash at its end. */
export const isBelow = (path: string, prefix: string): boolean =>
  path.startsWith(prefix) && (path.length === prefix.length || path.charCodeAt(prefix.length) === 0x2f);

/** What is left of the caller's own spelling; a prefix that is not there is not taken off. */
export const stripPrefix = ({ raw, path }: CallPath, prefix: string): string => {
  if (!isBelow(path, prefix)) return raw;
  return raw.slice(raw === path ? prefix.length : endOfSegments(raw, countSegments(prefix)));
};

/** A prefix of the configuration without the slash at its end; empty for the root. */
export const trimPrefix = (prefix: string): string => prefix.replace(/\/+$/, '');
