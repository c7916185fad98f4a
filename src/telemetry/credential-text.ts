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

/** A line without any of these has no credential of a known shape. */
const signs = ['eyJ', 'ashu', 'ASHU', 'earer', 'EARER', 'asic', 'ASIC'];

/** What a request presents, without the word before it. */
const presentedBy = (request: Pick<AuthRequest, 'header'> | undefined): string[] =>
  credentialHeaders.flatMap((name) => {
    const value = request?.header(name);
    if (value === undefined) return [];
    const parts = name === 'cookie' ? value.split(';').map((pair) => pair.slice(pair.indexOf('=') + 1)) : [value];
    return parts
      .map((part) => part.trim())
      .map((part) => part.slice(part.indexOf(' ') + 1).trim())
      .filter((part) => part.length >= SHORTEST);
  });

const keyShape = (prefix: string): RegExp =>
  new RegExp(`(?<![A-Za-z0-9])${prefix.replaceAll(/\W/g, '\\$&')}[A-Za-z0-9_-]{16,}`, 'g');

const withoutIn = (value: unknown, clean: (text: string) => string): unknown => {
  if (typeof value === 'string') return clean(value);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((entry) => withoutIn(entry, clean));
  return Object.fromEntries(Object.entries(value).map(([name, entry]) => [clean(name), withoutIn(entry, clean)]));
};

const inJson = (text: string): string => JSON.stringify(text).slice(1, -1);

/**
 * Writes an object as JSON without credentials. Most lines have none, which one look at the text shows; only the others are
 * taken apart, value by value, so that what a caller sends as a token cannot change what else the line says.
 */
export const createCredentialFreeJson = (keyPrefixes: readonly string[]) => {
  const keyShapes = keyPrefixes.filter((prefix) => prefix !== '').map(keyShape);
  const allShapes = [...shapes, ...keyShapes];
  const allSigns = [...signs, ...keyPrefixes.filter((prefix) => prefix !== '').map(inJson)];

  return (line: Readonly<Record<string, unknown>>, request: Pick<AuthRequest, 'header'> | undefined): string => {
    const text = JSON.stringify(line);
    const presented = presentedBy(request);
    const isClean =
      !allSigns.some((sign) => text.includes(sign)) && !presented.some((secret) => text.includes(inJson(secret)));
    if (isClean) return text;
    const clean = (written: string): string => {
      const known = presented.reduce((left, secret) => left.replaceAll(secret, REDACTED), written);
      return allShapes.reduce((left, shape) => left.replace(shape, REDACTED), known);
    };
    return JSON.stringify(
      Object.fromEntries(Object.entries(line).map(([name, value]) => [name, withoutIn(value, clean)])),
    );
  };
};
