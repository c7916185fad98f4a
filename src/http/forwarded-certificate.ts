/** `X-Forwarded-Client-Cert` as Envoy writes it: the certificate that a proxy in front of us has verified. */
import { canonicalName, nameAttributes } from '../core/certificate-name.ts';
import type { ClientCertificate } from '../core/request.ts';
import { readEscapedPem } from '../identify/encoded-certificate.ts';

type Pair = readonly [key: string, value: string];

/** One `key=value`, with what follows it. In quotation marks a backslash keeps the next character from ending the value. */
const pairForm = /[ \t]*([A-Za-z]+)=(?:"((?:[^"\\]|\\.)*)"[ \t]*|([^",;]*))(;|,|$)/y;

/** The pairs of the last element, which the nearest proxy wrote. Undefined where anything cannot be read. */
const lastElement = (header: string): readonly Pair[] | undefined => {
  let pairs: Pair[] = [];
  let follows = ',';
  pairForm.lastIndex = 0;
  while (follows !== '') {
    const [, key, quoted, plain = '', next] = pairForm.exec(header) ?? [];
    if (key === undefined || next === undefined) return undefined;
    if (follows === ',') pairs = [];
    pairs.push([key.toLowerCase(), quoted ?? plain.trim()]);
    follows = next;
  }
  return pairs;
};

const LONGEST = 16_384;

const fingerprintForm = /^[0-9a-f]{64}$/;

/** Where Envoy sends the certificate itself, it says more than what else Envoy tells of it. */
const wholeCertificate = ([pem = '', ...more]: readonly string[], hash: string): ClientCertificate | undefined => {
  const certificate = more.length === 0 ? readEscapedPem(pem) : undefined;
  return hash === '' || certificate?.fingerprint === hash ? certificate : undefined;
};

/** Undefined where it names nobody, or cannot be read: whoever is not known has fewer rights, never more. */
export const readForwardedCertificate = (header: string): ClientCertificate | undefined => {
  const pairs = header.length <= LONGEST ? lastElement(header) : undefined;
  if (!pairs) return undefined;
  const valuesOf = (wanted: string) => pairs.flatMap(([key, value]) => (key === wanted && value !== '' ? [value] : []));
  const subjects = valuesOf('subject');
  const [subject = ''] = subjects;
  const [fingerprint = ''] = valuesOf('hash').map((hash) => hash.toLowerCase());
  const certs = valuesOf('cert');
  if (certs.length > 0) return wholeCertificate(certs, fingerprint);
  const uris = valuesOf('uri');
  const dnsNames = valuesOf('dns').map((name) => name.toLowerCase());
  const isNobody = subject === '' && fingerprint === '' && uris.length === 0 && dnsNames.length === 0;
  if (isNobody || subjects.length > 1) return undefined;
  return {
    subject,
    issuer: '',
    fingerprint: fingerprintForm.test(fingerprint) ? fingerprint : '',
    canonicalSubject: canonicalName(subject),
    uris,
    dnsNames,
    serial: '',
    attributes: nameAttributes(subject),
  };
};
