/** Which credentials a request presents. Recognised by shape alone; whether they are good is for the identifiers. */
import { isRefusal, type Refusal, refuse } from './refusal.ts';
import type { AuthRequest } from './request.ts';
import { sessionsIn } from './session-cookie.ts';

/** Headers that can carry a credential of ours. */
export const credentialHeaders = ['authorization', 'x-api-key', 'x-cashu', 'x-payment-session', 'cookie'] as const;
export type CredentialHeader = (typeof credentialHeaders)[number];

/** `unknown`: a bearer credential that has the shape of none of ours; perhaps the application's own. */
export type CredentialKind = 'api_key' | 'jwt' | 'cashu' | 'session' | 'unknown';

export type Credential = Readonly<{ kind: CredentialKind; value: string; header: CredentialHeader }>;

type Presenting = Pick<AuthRequest, 'header' | 'scheme'>;

const LONGEST_CREDENTIAL = 65_536;

const isJwt = (value: string): boolean => {
  const first = value.indexOf('.');
  const second = value.indexOf('.', first + 1);
  return first > 0 && second > first && value.indexOf('.', second + 1) < 0;
};

const cashuToken = /^(?:cashu:(?:\/\/)?)?(cashu[A-Z].*)$/i;

/** RFC 6750 `Bearer` and NUT-24's `Cashu`; other schemes are the application's own affair. */
const parseAuthorization = (header: string, prefixes: KeyPrefixes): Credential | Refusal | undefined => {
  const space = header.search(/[ \t]/);
  const scheme = (space < 0 ? header : header.slice(0, space)).toLowerCase();
  const ours = scheme === 'bearer' || scheme === 'cashu';
  if (!ours) {
    return /,\s*(?:bearer|cashu)\s/i.test(header) ? ambiguous('Authorization') : undefined;
  }
  const value = space < 0 ? '' : header.slice(space).trim();
  if (value.includes(',')) return ambiguous('Authorization');
  if (scheme === 'cashu') return { kind: 'cashu', value, header: 'authorization' };
  return { kind: kindOf(value, prefixes), value, header: 'authorization' };
};

/** Ours, and those of keys that were made elsewhere. */
type KeyPrefixes = readonly [own: string, imported: readonly string[]];

const kindOf = (value: string, [own, imported]: KeyPrefixes): CredentialKind => {
  if (value.startsWith(own)) return 'api_key';
  if (imported.some((prefix) => value.startsWith(prefix))) return 'api_key';
  if (cashuToken.test(value)) return 'cashu';
  if (isJwt(value)) return 'jwt';
  return 'unknown';
};

const ambiguous = (header: string): Refusal =>
  refuse('ambiguous_credentials', `The ${header} header has more than one value. Send one credential.`);

/** The headers that carry one kind of credential alone. */
const singleKinds = { 'x-api-key': 'api_key', 'x-cashu': 'cashu', 'x-payment-session': 'session' } as const;

const spelling = { 'x-api-key': 'X-API-Key', 'x-cashu': 'X-Cashu', 'x-payment-session': 'X-Payment-Session' } as const;

const parseSingle = (request: Presenting, header: keyof typeof singleKinds): Credential | Refusal | undefined => {
  const value = request.header(header)?.trim();
  if (value === undefined || value === '') return undefined;
  if (value.includes(',')) return ambiguous(spelling[header]);
  return { kind: singleKinds[header], value, header };
};

const parseCookie = (request: Presenting): Credential[] =>
  sessionsIn(request.header('cookie'), request.scheme).map((value) => ({ kind: 'session', value, header: 'cookie' }));

/** Every credential that a request presents. Two headers with one and the same value are two entries. */
export const readCredentials = (
  request: Presenting,
  apiKeyPrefix: string,
  importedPrefixes: readonly string[] = [],
): readonly Credential[] | Refusal => {
  const authorization = request.header('authorization');
  const found = [
    authorization === undefined ? undefined : parseAuthorization(authorization, [apiKeyPrefix, importedPrefixes]),
    parseSingle(request, 'x-api-key'),
    parseSingle(request, 'x-cashu'),
    parseSingle(request, 'x-payment-session'),
    ...parseCookie(request),
  ];
  const credentials: Credential[] = [];
  for (const entry of found) {
    if (!entry) continue;
    if (isRefusal(entry)) return entry;
    if (entry.value.length > LONGEST_CREDENTIAL) {
      return refuse('ambiguous_credentials', `The credential is longer than ${LONGEST_CREDENTIAL} characters.`);
    }
    credentials.push(entry);
  }
  return credentials;
};
