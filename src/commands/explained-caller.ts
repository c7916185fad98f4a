/** Whom `--as` means. Written as the audit log writes callers, and as `callers` of the configuration does. */
import { canonicalName } from '../core/certificate-name.ts';
import { certificateTest, clientCertificateOf } from '../core/client-certificate.ts';
import type { Identity } from '../core/identity.ts';
import type { ClientCertificate } from '../core/request.ts';
import type { CallerFacts } from '../egress/caller-entry.ts';
import { parseIpRange } from '../keys/ip-range.ts';

const none = { scopes: [], roles: [], claims: {} } as const;

const jwtOf = (text: string): Identity | undefined => {
  const slash = text.indexOf('/');
  if (slash <= 0) return undefined;
  return { method: 'jwt', issuer: text.slice(0, slash), subject: text.slice(slash + 1), ...none };
};

const keyOf = (keyId: string): Identity | undefined =>
  keyId === '' ? undefined : { method: 'api_key', keyId, subject: '', limits: [], ...none };

const bare = clientCertificateOf({ fingerprint256: '' });

/** A certificate of which no more is known than this. */
const certificateOf = (text: string): ClientCertificate | undefined => {
  const entry = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? `uri:${text}` : text;
  if (!certificateTest(entry)) return undefined;
  const [, kind, value = ''] = /^(uri|dns|sha256):(.*)$/s.exec(entry) ?? [];
  switch (kind) {
    case 'uri':
      return { ...bare, uris: [value] };
    case 'dns':
      return { ...bare, dnsNames: [value.toLowerCase()] };
    case 'sha256':
      return { ...bare, fingerprint: value.replaceAll(':', '').toLowerCase() };
    default:
      return { ...bare, subject: entry, canonicalSubject: canonicalName(entry) };
  }
};

export const expectedCaller = 'certificate:…, jwt:ISSUER/SUBJECT, api_key:ID or an address';

type Known = Partial<CallerFacts>;

const readFact = (text: string): Known | undefined => {
  const [, kind, value = ''] = /^(certificate|jwt|api_key):(.*)$/s.exec(text) ?? [];
  if (kind === undefined) return !text.includes('/') && parseIpRange(text) ? { clientIp: text } : undefined;
  const certificate = kind === 'certificate' ? certificateOf(value) : undefined;
  if (certificate) return { certificate };
  const identity = kind === 'jwt' ? jwtOf(value) : kind === 'api_key' ? keyOf(value) : undefined;
  return identity && { identity };
};

/** The facts together, or the text that is none of them, or the second of its kind. */
export const readCaller = (texts: readonly string[]): CallerFacts | string => {
  let known: Known = {};
  for (const text of texts) {
    const fact = readFact(text);
    if (!fact || Object.keys(fact).some((name) => name in known)) return text;
    known = { ...known, ...fact };
  }
  return { clientIp: '', certificate: undefined, identity: undefined, ...known };
};
