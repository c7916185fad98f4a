/**
 * One canonical reading of host, path and method. Proxies forward the raw path and applications read it in their own way
 * (RFC 3986 section 6 allows several), so what two readers could take for different paths is refused, not repaired.
 */
import { type Refusal, refuse } from './refusal.ts';

export type Target = Readonly<{ path: string; query: string }>;

const LONGEST_TARGET = 16_384;

/** Anything but visible ASCII; and what would end the path or is read as a separator by some application. */
const rawAmbiguity = /[^\u0021-\u007e]|[\\;#<>"{}|^`]/u;

/** Escaped dot, slash, backslash, semicolon, percent sign or control character: another reader may decode it once more. */
const escapedAmbiguity = /%(?:2e|2f|5c|3b|25|[01][0-9a-f]|7f)/i;

const ambiguous = (what: string, where: string): Refusal =>
  refuse('ambiguous_path', `The path ${what} (${where}). Send it in its plain form.`);

const describe = (character: string): string =>
  `U+${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0').toUpperCase()}`;

/**
 * Splits an origin-form request target once, at its first `?`, and decodes the path.
 * `path` is percent-decoded, so that `/%61` and `/a` are one path; `query` is as it came.
 */
export const parseTarget = (raw: string): Target | Refusal => {
  if (raw.length > LONGEST_TARGET) return ambiguous('is too long', `${raw.length} characters`);
  const mark = raw.indexOf('?');
  const rawPath = mark < 0 ? raw : raw.slice(0, mark);
  const query = mark < 0 ? '' : raw.slice(mark + 1);
  if (rawPath.charCodeAt(0) !== 0x2f)
    return ambiguous('does not begin with a slash', 'absolute-form targets are refused');
  const odd = rawAmbiguity.exec(rawPath);
  if (odd) return ambiguous('has a character that must be escaped or is read in several ways', describe(odd[0]));
  if (query.includes('#')) return ambiguous('has a fragment', '#');
  if (rawPath.includes('//')) return ambiguous('has an empty segment', '//');
  if (rawPath.includes('/.') && hasDotSegment(rawPath)) return ambiguous('has a dot segment', '. or ..');
  if (!rawPath.includes('%')) return { path: rawPath, query };
  const escaped = escapedAmbiguity.exec(rawPath);
  if (escaped) return ambiguous('has an escape that may be decoded twice', escaped[0]);
  try {
    return { path: decodeURIComponent(rawPath), query };
  } catch {
    return ambiguous('has a broken percent escape', 'not UTF-8, or not two hexadecimal digits');
  }
};

/** As a request target again, for a browser to ask: `parseTarget` reads the same of it. */
export const writeTarget = ({ path, query }: Target): string => {
  const written = encodeURI(path).replaceAll('?', '%3F').replaceAll('#', '%23');
  return query === '' ? written : `${written}?${query}`;
};

const hasDotSegment = (path: string): boolean => path.split('/').some((segment) => segment === '.' || segment === '..');

const hostName = /^[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*$/;
const ipv6Literal = /^\[[0-9a-f:.]{2,45}\]$/;
const portSuffix = /:\d{1,5}$/;
const LONGEST_HOST = 253;

/** Lower case, without port and without the root's trailing dot. */
export const parseHost = (raw: string | undefined): string | Refusal => {
  if (raw === undefined || raw === '') return refuse('ambiguous_host', 'The request names no host.');
  const lower = raw.toLowerCase();
  const name = lower.includes(':') ? lower.replace(portSuffix, '') : lower;
  const host = name.endsWith('.') ? name.slice(0, -1) : name;
  if (host.length <= LONGEST_HOST && (hostName.test(host) || ipv6Literal.test(host))) return host;
  return refuse('ambiguous_host', 'The host is malformed. Expected a name or an address, with an optional port.');
};

const methodToken = /^[A-Z][A-Z-]{0,31}$/;

/** Methods are case-sensitive (RFC 9110 section 9.1); one that an application might read as another is refused. */
export const parseMethod = (raw: string | undefined): string | Refusal => {
  if (raw !== undefined && methodToken.test(raw)) return raw;
  return refuse('ambiguous_method', 'The method is missing or malformed. Expected upper-case letters, as in GET.');
};
