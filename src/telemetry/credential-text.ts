/** Keeps credentials out of lines that show what callers wrote: those of the request itself, and whatever looks like one. */
import { credentialHeaders } from '../core/credential.ts';
import type { AuthRequest } from '../core/request.ts';

const REDACTED = '[redacted]';
/** Shorter ones would be found in any text. */
const SHORTEST = 8;

/** Of a JWT, a Cashu token, and what follows a scheme of authentication. */
const shapes: readonly RegExp[] = [
  /eyJ[\w-]{6,}\.[\w-]+(?:\.[\w-]*)*/g,
  /cashu[A-Z][\w-]{20,}=*/gi,
  /\b(?:Bearer|Basic|Cashu)\s+[\w.~+/=-]{8,}/gi,
];

/** A line without any of these has no credential of a known shape. One look for all of them is the cheapest. */
const JWT_SIGN = 'eyJ';
const signs = [JWT_SIGN, '[Cc][Aa][Ss][Hh][Uu]', '[Bb][Ee][Aa][Rr][Ee][Rr]', '[Bb][Aa][Ss][Ii][Cc]'];

const escaped = (text: string): string => text.replaceAll(/\W/g, '\\$&');

const cookieValues = (cookie: string): string[] =>
  cookie.split(';').map((pair) => pair.slice(pair.indexOf('=') + 1).trim());

/** What a request presents, without the word before it. */
const presentedBy = (request: Pick<AuthRequest, 'header'> | undefined): readonly string[] => {
  const found: string[] = [];
  for (const name of request ? credentialHeaders : []) {
    const value = request?.header(name);
    if (value === undefined) continue;
    for (const part of name === 'cookie' ? cookieValues(value) : [value.trim()]) {
      const secret = part.slice(part.indexOf(' ') + 1).trim();
      if (secret.length >= SHORTEST) found.push(secret);
    }
  }
  return found;
};

const keyShape = (prefix: string): RegExp => new RegExp(`(?<![A-Za-z0-9])${escaped(prefix)}[A-Za-z0-9_-]{16,}`, 'g');

const withoutIn = (value: unknown, clean: (text: string) => string): unknown => {
  if (typeof value === 'string') return clean(value);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((entry) => withoutIn(entry, clean));
  return Object.fromEntries(Object.entries(value).map(([name, entry]) => [clean(name), withoutIn(entry, clean)]));
};

const inJson = (text: string): string => JSON.stringify(text).slice(1, -1);

/**
 * The JSON of an object without credentials. Most lines have none, which one look at the text shows; only the others are taken
 * apart, value by value, so that what a caller sends as a token cannot change what else the line says.
 */
export const createCredentialFreeJson = (keyPrefixes: readonly string[]) => {
  const prefixes = keyPrefixes.filter((prefix) => prefix !== '');
  const allShapes = [...shapes, ...prefixes.map(keyShape)];
  const sign = new RegExp([...signs, ...prefixes.map((prefix) => escaped(inJson(prefix)))].join('|'));

  return (text: string, request: Pick<AuthRequest, 'header'> | undefined): string => {
    const presented = presentedBy(request);
    // Where the beginning of a secret is not, the secret is not; that of a JWT is among the signs.
    const shows = (secret: string): boolean =>
      !secret.startsWith(JWT_SIGN) && text.includes(inJson(secret.slice(0, SHORTEST)));
    if (!sign.test(text) && !presented.some(shows)) return text;
    const clean = (written: string): string => {
      const known = presented.reduce((left, secret) => left.replaceAll(secret, REDACTED), written);
      return allShapes.reduce((left, shape) => left.replace(shape, REDACTED), known);
    };
    const line: object = JSON.parse(text);
    return JSON.stringify(
      Object.fromEntries(Object.entries(line).map(([name, value]) => [name, withoutIn(value, clean)])),
    );
  };
};
