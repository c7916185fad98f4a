/** Whom an entry of `callers` means: everything that it names must hold. */
import type { CertificateTest } from '../core/client-certificate.ts';
import type { Identity } from '../core/identity.ts';
import type { ClientCertificate } from '../core/request.ts';

export type CallerEntry = Readonly<{
  certificate?: CertificateTest;
  /** Name of the issuer of a JWT. */
  issuer?: string;
  /** `sub` of that JWT. */
  subject?: string;
  source?: (ip: string) => boolean;
  /** Id of an API key. */
  apiKey?: string;
}>;

/** What is known of a caller. */
export type CallerFacts = Readonly<{
  /** Empty where it is not known. */
  clientIp: string;
  certificate: ClientCertificate | undefined;
  /** By a JWT or an API key that is good. */
  identity: Identity | undefined;
}>;

export type EntryPart = 'certificate' | 'issuer' | 'subject' | 'source' | 'api_key';

/** What the entry names and the caller does not have. */
export const unmetParts = (entry: CallerEntry, { clientIp, certificate, identity }: CallerFacts): EntryPart[] => {
  const jwt = identity?.method === 'jwt' ? identity : undefined;
  const keyId = identity?.method === 'api_key' ? identity.keyId : undefined;
  const unmet: EntryPart[] = [];
  if (entry.certificate && !(certificate && entry.certificate(certificate))) unmet.push('certificate');
  if (entry.issuer !== undefined && jwt?.issuer !== entry.issuer) unmet.push('issuer');
  if (entry.subject !== undefined && jwt?.subject !== entry.subject) unmet.push('subject');
  if (entry.source && !entry.source(clientIp)) unmet.push('source');
  if (entry.apiKey !== undefined && keyId !== entry.apiKey) unmet.push('api_key');
  return unmet;
};

/** Whether the entry asks for something that a caller sends along, rather than for where it is. */
export const wantsProof = ({ certificate, issuer, subject, apiKey }: CallerEntry): boolean =>
  certificate !== undefined || issuer !== undefined || subject !== undefined || apiKey !== undefined;

export const wantsToken = ({ issuer, subject, apiKey }: CallerEntry): boolean =>
  issuer !== undefined || subject !== undefined || apiKey !== undefined;
