/** The certificate of a client, as the proxy tells that shook hands with it. */
import { LRUCache } from 'lru-cache';
import { canonicalName, nameAttributes } from '../core/certificate-name.ts';
import { type Refusal, refuse } from '../core/refusal.ts';
import type { ClientCertificate } from '../core/request.ts';
import { readDerCertificate, readEscapedPem } from '../identify/encoded-certificate.ts';
import { readForwardedCertificate } from './forwarded-certificate.ts';

/** In which headers, and in which form, a proxy tells. */
export type CertificateFormat = 'nginx' | 'nginx_subject' | 'envoy' | 'traefik' | 'rfc9440';

/** A header by its lower-case name. */
export type HeaderOf = (name: string) => string | undefined;

type Told = ClientCertificate | Refusal | undefined;

/** Undefined where the proxy tells of none. `host` is the one that the client asked for. */
export type ToldCertificates = Readonly<{ format: CertificateFormat; read(host: string, header: HeaderOf): Told }>;

const unreadable = refuse('certificate_refused', 'What the proxy tells of the client certificate cannot be read.');
const unverified = refuse('certificate_refused', 'The client certificate could not be verified.');
const notTold = refuse(
  'certificate_refused',
  'The proxy verified a client certificate, and does not tell which: it must send ssl-client-cert.',
);

const LONGEST = 32_768;
const REMEMBERED = 1_000;
const MOST_CHARACTERS = 8_000_000;

type Read = (text: string) => ClientCertificate | undefined;

/** The same text is one certificate, and one object. What cannot be read is not remembered, for anybody can make that up. */
const remembering = (read: Read): ((text: string) => ClientCertificate | Refusal) => {
  const known = new LRUCache<string, ClientCertificate>({ max: REMEMBERED, maxSize: MOST_CHARACTERS });
  return (text) => {
    const found = known.get(text);
    if (found) return found;
    const certificate = text.length <= LONGEST ? read(text) : undefined;
    if (!certificate) return unreadable;
    known.set(text, certificate, { size: text.length });
    return certificate;
  };
};

/** For what Envoy tells over gRPC of the certificate on its connection; empty where there is none. */
export const createEscapedPemReader = (): ((text: string) => Told) => {
  const read = remembering(readEscapedPem);
  return (text) => (text === '' ? undefined : read(text));
};

/** A name alone, as OpenSSL writes it by RFC 2253. */
const readSubject: Read = (subject) => {
  const canonicalSubject = canonicalName(subject);
  if (canonicalSubject === undefined) return undefined;
  return {
    subject,
    issuer: '',
    fingerprint: '',
    canonicalSubject,
    uris: [],
    dnsNames: [],
    serial: '',
    attributes: nameAttributes(subject),
  };
};

/**
 * Traefik sends base64, which earlier versions escaped. The client's own certificate is the first of its chain. Two lines of the
 * header, which come joined with a space, are two clients.
 */
const readChain: Read = (text) => {
  if (text.includes(' ')) return undefined;
  const [first = ''] = text.split(',');
  return readDerCertificate(first.replaceAll('%2B', '+').replaceAll('%2F', '/').replaceAll('%3D', '='));
};

/** RFC 9440 section 2.2: a byte sequence of RFC 9651. */
const readByteSequence: Read = (text) => (/^:.+:$/s.test(text) ? readDerCertificate(text.slice(1, -1)) : undefined);

const said = (text: string | undefined): string | undefined => (text === '' ? undefined : text);

/** `$ssl_client_verify` is `NONE`, `SUCCESS` or `FAILED:reason`. */
const verifiedByNginx =
  (read: (header: HeaderOf) => Told) =>
  (header: HeaderOf): Told => {
    const verdict = said(header('ssl-client-verify'));
    if (verdict === undefined || verdict === 'NONE') return undefined;
    return verdict === 'SUCCESS' ? read(header) : unverified;
  };

/** Where the proxy tells both, both must mean one certificate: else one of them is the client's own. */
const agreesWith = ({ canonicalSubject }: ClientCertificate, subject: string | undefined): boolean =>
  subject === undefined || canonicalName(subject) === canonicalSubject;

const createReader = (format: CertificateFormat): ((header: HeaderOf) => Told) => {
  switch (format) {
    case 'nginx': {
      const read = remembering(readEscapedPem);
      return verifiedByNginx((header) => {
        const text = said(header('ssl-client-cert'));
        const certificate = text === undefined ? notTold : read(text);
        if ('refused' in certificate) return certificate;
        return agreesWith(certificate, said(header('ssl-client-subject-dn'))) ? certificate : unreadable;
      });
    }
    case 'nginx_subject': {
      const read = remembering(readSubject);
      return verifiedByNginx((header) => read(header('ssl-client-subject-dn') ?? ''));
    }
    case 'envoy':
      return readingOne('x-forwarded-client-cert', readForwardedCertificate);
    case 'traefik':
      return readingOne('x-forwarded-tls-client-cert', readChain);
    case 'rfc9440': {
      const read = readingOne('client-cert', readByteSequence);
      // HAProxy writes an empty sequence where there is no certificate.
      return (header) => (header('client-cert') === '::' ? undefined : read(header));
    }
  }
};

const readingOne = (name: string, readText: Read) => {
  const read = remembering(readText);
  return (header: HeaderOf): Told => {
    const text = said(header(name));
    return text === undefined ? undefined : read(text);
  };
};

const isOneOf = (host: string, patterns: readonly string[]): boolean =>
  patterns.some((pattern) => (pattern.startsWith('*.') ? host.endsWith(pattern.slice(1)) : host === pattern));

/** `hosts`: where the proxy verifies certificates; without them, on every host. */
export const createToldCertificates = (
  format: CertificateFormat,
  hosts: readonly string[] | undefined,
): ToldCertificates => {
  const read = createReader(format);
  return {
    format,
    read: (host, header) => (hosts === undefined || isOneOf(host, hosts) ? read(header) : undefined),
  };
};
