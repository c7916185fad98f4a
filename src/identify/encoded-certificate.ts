/** Certificates as proxies write them into headers. */
import { X509Certificate } from 'node:crypto';
import { clientCertificateOf } from '../core/client-certificate.ts';
import type { ClientCertificate } from '../core/request.ts';

const base64 = /^[A-Za-z0-9+/]+={0,2}$/;

/** One certificate in DER, as base64 without line breaks. Undefined for anything else, and for more than one. */
export const readDerCertificate = (text: string): ClientCertificate | undefined => {
  if (!base64.test(text)) return undefined;
  const der = Buffer.from(text, 'base64');
  try {
    const certificate = new X509Certificate(der);
    // What follows the certificate would be read by nobody.
    return certificate.raw.equals(der) ? clientCertificateOf(certificate) : undefined;
  } catch {
    return undefined;
  }
};

const oneBlock = /^-----BEGIN CERTIFICATE-----\r?\n([A-Za-z0-9+/=\r\n]+)-----END CERTIFICATE-----\s*$/;

const unescaped = (text: string): string | undefined => {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
};

/** One certificate in PEM, escaped as in a URL. Undefined for anything else: of two, nobody can say which is meant. */
export const readEscapedPem = (text: string): ClientCertificate | undefined => {
  const [, body] = oneBlock.exec(unescaped(text) ?? '') ?? [];
  return body === undefined ? undefined : readDerCertificate(body.replace(/[\r\n]/g, ''));
};
