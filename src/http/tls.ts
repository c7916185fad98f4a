/** TLS on a listener of ours, and the certificates that callers show on it. */
import { constants } from 'node:crypto';
import type { Socket } from 'node:net';
import type { TLSSocket, TlsOptions } from 'node:tls';
import { clientCertificateOf } from '../core/client-certificate.ts';
import { perObject } from '../core/per-object.ts';
import type { ClientCertificate } from '../core/request.ts';

export type Certificates = Readonly<{
  cert: Buffer;
  key: Buffer;
  clientCas: readonly Buffer[];
  /** Revoked client certificates. */
  crl: Buffer | undefined;
}>;

export type ListenerTls = Readonly<{
  certificates: Certificates;
  /** `request`: who shows none is served all the same. One that cannot be verified is never overlooked. */
  clientAuth: 'none' | 'request' | 'require';
  minVersion: 'TLSv1.2' | 'TLSv1.3';
}>;

const HANDSHAKE_TIMEOUT_MS = 10_000;

const asksFor = ({ clientAuth }: ListenerTls): boolean => clientAuth !== 'none';

/** For a server, and for its next certificates. Throws where certificate and key do not fit. */
export const tlsOptions = (tls: ListenerTls, { cert, key, clientCas, crl } = tls.certificates): TlsOptions => ({
  cert,
  key,
  minVersion: tls.minVersion,
  handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
  requestCert: asksFor(tls),
  rejectUnauthorized: tls.clientAuth === 'require',
  ...(asksFor(tls) && {
    ca: [...clientCas],
    ...(crl && { crl }),
    // A resumed session shows no certificate again: one that was revoked meanwhile would go on.
    secureOptions: constants.SSL_OP_NO_TICKET,
  }),
});

export const isTls = (socket: Socket): socket is TLSSocket => 'encrypted' in socket && socket.encrypted === true;

/** Whether the caller showed a certificate that could not be verified, where it need not have shown any. */
export const showsBadCertificate = (socket: TLSSocket): boolean =>
  !socket.authorized && socket.getPeerX509Certificate() !== undefined;

type Shown = Readonly<{ certificate: ClientCertificate | undefined }>;

/** Looked at once for each connection. */
const shownOn = perObject((socket: Socket): Shown => {
  const verified = isTls(socket) && socket.authorized ? socket.getPeerX509Certificate() : undefined;
  return { certificate: verified && clientCertificateOf(verified) };
});

/** The certificate by which the other end of a connection is known: its chain was verified by our own handshake. */
export const certificateOf = (socket: Socket): ClientCertificate | undefined => shownOn(socket).certificate;

/** Nobody is told why a handshake failed, but by TLS itself. */
export const isHandshakeError = ({ code = '' }: NodeJS.ErrnoException): boolean => /^ERR_(SSL|TLS|OSSL)_/.test(code);
