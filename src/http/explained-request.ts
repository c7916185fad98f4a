/** A request that somebody only describes, in the canonical form on which everything is decided. */
import { randomUUID, X509Certificate } from 'node:crypto';
import { parseHost, parseMethod, parseTarget } from '../core/canonical.ts';
import { canonicalName, nameAttributes } from '../core/certificate-name.ts';
import { clientCertificateOf } from '../core/client-certificate.ts';
import { isRefusal, type Refusal, refuse } from '../core/refusal.ts';
import type { AuthRequest, ClientCertificate } from '../core/request.ts';
import type { ExplainQuestion } from './admin/explain-shapes.ts';

type Location = Readonly<{ scheme: 'http' | 'https'; host: string | undefined; target: string }>;

/** The target as a client sends it: `URL` would take the dots out of its path. */
const locate = (url: string): Location | undefined => {
  if (url.startsWith('/')) return { scheme: 'https', host: undefined, target: url };
  const [, scheme, host, target = ''] = /^(https?):\/\/([^/?@]+)([/?].*)?$/s.exec(url) ?? [];
  if (host === undefined) return undefined;
  return {
    scheme: scheme === 'http' ? 'http' : 'https',
    host,
    target: target.startsWith('/') ? target : `/${target}`,
  };
};

type Described = Exclude<ExplainQuestion['certificate'], string | undefined>;

const bare = clientCertificateOf({ fingerprint256: '' });

/** RFC 4514 writes the last part first, OpenSSL the first, a line for each. */
const asPrinted = (subject: string): string =>
  subject
    .split(/(?<!\\),/)
    .map((part) => part.trim())
    .reverse()
    .join('\n');

const describedCertificate = (said: Described): ClientCertificate | undefined => {
  const { subject, uris, dns_names, fingerprint = '', serial = '' } = said;
  const canonicalSubject = subject === undefined ? undefined : canonicalName(subject);
  if (subject !== undefined && canonicalSubject === undefined) return undefined;
  return {
    ...bare,
    ...(subject !== undefined && { subject: asPrinted(subject), attributes: nameAttributes(subject) }),
    canonicalSubject,
    uris,
    dnsNames: dns_names.map((name) => name.toLowerCase()),
    fingerprint: fingerprint.replaceAll(':', '').toLowerCase(),
    serial: serial.toUpperCase(),
  };
};

const readPem = (pem: string): ClientCertificate | undefined => {
  try {
    return clientCertificateOf(new X509Certificate(pem));
  } catch {
    return undefined;
  }
};

const wrong = (field: string, message: string): Refusal =>
  refuse('bad_request', `${field}: ${message}`, { members: { errors: [{ field, message }] } });

/** As Node joins the lines of one name. */
const joined = (name: string, value: string | readonly string[]): string =>
  typeof value === 'string' ? value : value.join(name === 'cookie' ? '; ' : ', ');

type Shown = ExplainQuestion['certificate'];

const readCertificate = (shown: Shown): ClientCertificate | Refusal | undefined => {
  if (shown === undefined) return undefined;
  if (typeof shown === 'string') return readPem(shown) ?? wrong('certificate', 'no certificate in PEM');
  return describedCertificate(shown) ?? wrong('certificate', 'the subject is no name by RFC 4514');
};

const readHeaders = (written: ExplainQuestion['headers']): ReadonlyMap<string, string> | Refusal => {
  const headers = new Map<string, string>();
  for (const [name, value] of Object.entries(written)) {
    const lower = name.toLowerCase();
    if (headers.has(lower)) return wrong('headers', `${lower} stands there twice; write one list`);
    headers.set(lower, joined(lower, value));
  }
  return headers;
};

/** What says which request is meant, or why that makes no sense. */
type Understood = Readonly<{
  asked: ExplainQuestion;
  scheme: Location['scheme'];
  host: string;
  target: string;
  certificate: ClientCertificate | undefined;
  headers: ReadonlyMap<string, string>;
}>;

const understand = (asked: ExplainQuestion): Understood | Refusal => {
  const place = locate(asked.url);
  if (!place || asked.url.includes('#')) {
    return wrong('url', 'expected a URL of http or https, or a path, without a fragment');
  }
  const host = asked.host ?? place.host;
  if (host === undefined) return wrong('host', 'missing: the URL has none');
  const certificate = readCertificate(asked.certificate);
  if (isRefusal(certificate)) return certificate;
  const headers = readHeaders(asked.headers);
  if (isRefusal(headers)) return headers;
  return { asked, scheme: place.scheme, host, target: place.target, certificate, headers };
};

const canonical = (understood: Understood): AuthRequest | Refusal => {
  const { asked, scheme, certificate, headers } = understood;
  const method = parseMethod(asked.method);
  if (isRefusal(method)) return method;
  const host = parseHost(understood.host);
  if (isRefusal(host)) return host;
  const target = parseTarget(understood.target);
  if (isRefusal(target)) return target;
  return {
    id: randomUUID(),
    method,
    scheme,
    host,
    ...target,
    clientIp: asked.client_ip ?? '',
    requiredAmount: asked.required_amount,
    certificate,
    header: (name) => headers.get(name),
    findHeaderName: (test) => Object.keys(asked.headers).find(test),
  };
};

/**
 * What was asked is refused where it makes no sense (`question`); a request that a door would refuse to read has a refusal of
 * its own (`request`).
 */
export const explainedRequest = (
  asked: ExplainQuestion,
): Readonly<{ request: AuthRequest | Refusal }> | Readonly<{ question: Refusal }> => {
  const understood = understand(asked);
  return isRefusal(understood) ? { question: understood } : { request: canonical(understood) };
};
