/** What AWS makes of a path and a query that it receives, in the form in which Smithy's signer takes them. */
import { CredentialForbidden } from '../../credential.ts';

const ambiguous = (what: string, where: string): CredentialForbidden =>
  new CredentialForbidden(`${what} in the ${where} reads in two ways, and would be signed in one: send it escaped`);

const unreserved = /^[A-Za-z0-9\-._~]$/;

const escaped = (byte: number): string => `%${byte.toString(16).padStart(2, '0').toUpperCase()}`;

/**
 * S3 decodes the path and escapes it once; everybody else escapes what was sent, which Smithy does by itself. S3 reads `+`
 * as a space and `%2F` as a slash.
 */
export const s3Path = (path: string): string => {
  if (/\+|%2f/i.test(path)) throw ambiguous('a plus or an escaped slash', 'path');
  return path.replace(/%[0-9a-f]{2}|[^A-Za-z0-9\-._~/]/gi, (found) => {
    if (found === '%') throw ambiguous('a lone percent sign', 'path');
    if (!found.startsWith('%')) return Array.from(Buffer.from(found), escaped).join('');
    const byte = Number.parseInt(found.slice(1), 16);
    const character = String.fromCharCode(byte);
    return unreserved.test(character) ? character : escaped(byte);
  });
};

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    throw ambiguous('an escape that is no UTF-8', 'query');
  }
};

/** Decoded; a name that comes again has the list of its values. A plus is a space in forms and a plus everywhere else. */
export const queryOf = (raw: string): Record<string, string | string[]> => {
  if (raw.includes('+')) throw ambiguous('a plus', 'query');
  const values = new Map<string, string[]>();
  for (const pair of raw.split('&')) {
    if (pair === '') continue;
    const mark = pair.indexOf('=');
    const name = decoded(mark < 0 ? pair : pair.slice(0, mark));
    values.set(name, [...(values.get(name) ?? []), mark < 0 ? '' : decoded(pair.slice(mark + 1))]);
  }
  return Object.fromEntries(values);
};
