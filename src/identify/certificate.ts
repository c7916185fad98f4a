/** Client certificates as identities. Whether one is good was decided by whoever shook hands. */
import { certificateLabel, commonNameOf } from '../core/client-certificate.ts';
import type { Identity } from '../core/identity.ts';
import { perObject } from '../core/per-object.ts';
import type { ClientCertificate } from '../core/request.ts';

/**
 * Who a certificate is, for `X-User-ID`: its SPIFFE id, else its first URI, else the one `CN` of its subject, else the whole
 * subject as RFC 4514 writes it; where it has no subject, its first DNS name or its fingerprint.
 */
export const certificateSubject = (certificate: ClientCertificate): string => {
  const { uris } = certificate;
  const uri = uris.find((one) => one.startsWith('spiffe://')) ?? uris[0];
  return uri ?? commonNameOf(certificate) ?? certificateLabel(certificate);
};

/** A certificate says who, and nothing of what they may: it has no scopes, no roles and no claims. */
export const identifyByCertificate = perObject(
  (certificate: ClientCertificate): Identity => ({
    method: 'certificate',
    subject: certificateSubject(certificate),
    scopes: [],
    roles: [],
    claims: {},
    certificate,
  }),
);
