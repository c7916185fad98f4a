/** What is read of a client certificate, and whether it is the one that the configuration means. */
import { canonicalName, canonicalPrintedName, printedNameAttributes } from './certificate-name.ts';
import type { ClientCertificate } from './request.ts';

/** What Node tells of a certificate. */
export type Described = Readonly<{
  subject?: string;
  issuer?: string;
  fingerprint256: string;
  subjectAltName?: string | undefined;
  serialNumber?: string;
}>;

/** Node quotes as JSON what could be taken for the beginning of another name (CVE-2021-44532). */
const alternative = /([A-Za-z][A-Za-z0-9 ]*):(?:("(?:[^"\\]|\\.)*")|([^,"]*))(?:, |$)/y;

const unquote = (quoted: string): string | undefined => {
  try {
    const text: unknown = JSON.parse(quoted);
    return typeof text === 'string' ? text : undefined;
  } catch {
    return undefined;
  }
};

/** None of them where one cannot be read: half a list may be another certificate's. */
const alternativesOf = (text: string): readonly (readonly [type: string, name: string])[] => {
  const found: [string, string][] = [];
  alternative.lastIndex = 0;
  while (alternative.lastIndex < text.length) {
    const [, type = '', quoted, plain = ''] = alternative.exec(text) ?? [];
    const name = quoted === undefined ? plain : unquote(quoted);
    if (type === '' || name === undefined) return [];
    found.push([type, name]);
  }
  return found;
};

export const clientCertificateOf = (described: Described): ClientCertificate => {
  const { subject = '', issuer = '', fingerprint256, subjectAltName = '', serialNumber = '' } = described;
  const alternatives = alternativesOf(subjectAltName);
  const named = (wanted: string) => alternatives.filter(([type]) => type === wanted).map(([, name]) => name);
  return {
    subject,
    issuer,
    fingerprint: fingerprint256.replaceAll(':', '').toLowerCase(),
    canonicalSubject: canonicalPrintedName(subject),
    uris: named('URI'),
    dnsNames: named('DNS').map((name) => name.toLowerCase()),
    serial: serialNumber,
    attributes: printedNameAttributes(subject),
  };
};

export type CertificateTest = (certificate: ClientCertificate) => boolean;

/** Reads `uri:…`, `dns:…`, `sha256:…` or a subject, all of whose attributes must be the same. Undefined for anything else. */
export const certificateTest = (text: string): CertificateTest | undefined => {
  const [, kind, value = ''] = /^(uri|dns|sha256):(.+)$/s.exec(text) ?? [];
  switch (kind) {
    case 'uri':
      return ({ uris }) => uris.includes(value);
    case 'dns':
      return ({ dnsNames }) => dnsNames.includes(value.toLowerCase());
    case 'sha256': {
      const wanted = value.replaceAll(':', '').toLowerCase();
      return /^[0-9a-f]{64}$/.test(wanted) ? ({ fingerprint }) => fingerprint === wanted : undefined;
    }
    default: {
      const wanted = canonicalName(text);
      return wanted === undefined ? undefined : ({ canonicalSubject }) => canonicalSubject === wanted;
    }
  }
};

/** The one `CN` of the subject; undefined where it has none, or several, of which nobody can say which is meant. */
export const commonNameOf = ({ attributes }: ClientCertificate): string | undefined => {
  const [name, ...more] = attributes['CN'] ?? [];
  return more.length === 0 ? name : undefined;
};

/** What a certificate is called in logs: its first URI, else its subject. */
export const certificateLabel = ({ uris: [uri], subject, dnsNames: [dns], fingerprint }: ClientCertificate): string =>
  uri ?? (subject === '' ? (dns ?? `sha256=${fingerprint}`) : subject.split('\n').reverse().join(','));
