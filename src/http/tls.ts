/** TLS on a listener of ours, and the certificates that callers show on it. */
import { constants, type X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import type { Server, TLSSocket, TlsOptions } from 'node:tls';
import { LRUCache } from 'lru-cache';
import { clientCertificateOf } from '../core/client-certificate.ts';
import { perObject } from '../core/per-object.ts';
import type { ClientCertificate } from '../core/request.ts';
import { type HandshakeFailure, handshakeFailure } from './handshake-failure.ts';

export type Certificates = Readonly<{
  cert: Buffer;
  key: Buffer;
  clientCas: readonly Buffer[];
  /** Lists of revoked client certificates, one of each authority. */
  crls: readonly Buffer[];
  /** When our own certificate ends, in milliseconds since 1970. */
  endsAt: number;
}>;

export type ListenerTls = Readonly<{
  certificates: Certificates;
  /** `request`: who shows none is served all the same. One that cannot be verified is never overlooked. */
  clientAuth: 'none' | 'request' | 'require';
  minVersion: 'TLSv1.2' | 'TLSv1.3';
  /** Whether HTTP/2 is offered besides HTTP/1.1. */
  http2: boolean;
  /** Told of every connection that did not come about, or was ended for its certificate. */
  onHandshakeFailed?: (reason: HandshakeFailure, peerIp: string | undefined) => void;
}>;

const HANDSHAKE_TIMEOUT_MS = 10_000;

/** `patienceMs`: for a request. */
export const handshakePatienceMs = (patienceMs: number): number => Math.min(HANDSHAKE_TIMEOUT_MS, patienceMs);

const asksFor = ({ clientAuth }: ListenerTls): boolean => clientAuth !== 'none';

/** For a server, and for its next certificates. Throws where certificate and key do not fit. `patienceMs`: for a handshake at most. */
export const tlsOptions = (
  tls: ListenerTls,
  patienceMs: number,
  { cert, key, clientCas, crls } = tls.certificates,
): TlsOptions => ({
  cert,
  key,
  minVersion: tls.minVersion,
  ALPNProtocols: tls.http2 ? ['h2', 'http/1.1'] : ['http/1.1'],
  handshakeTimeout: handshakePatienceMs(patienceMs),
  requestCert: asksFor(tls),
  rejectUnauthorized: tls.clientAuth === 'require',
  // Who calls is looked at once for each connection, and must not change in its middle.
  secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
  ...(asksFor(tls) && {
    ca: [...clientCas],
    ...(crls.length > 0 && { crl: [...crls] }),
    // A resumed session shows no certificate again: one that was revoked meanwhile would go on.
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION | constants.SSL_OP_NO_TICKET,
  }),
});

export const isTls = (socket: Socket): socket is TLSSocket => 'encrypted' in socket && socket.encrypted === true;

/** Whether the caller showed a certificate that could not be verified, where it need not have shown any. */
const showsBadCertificate = (socket: TLSSocket): boolean =>
  !socket.authorized && socket.getPeerX509Certificate() !== undefined;

/** A client shows the same on all of its connections: it is one object, and so is what is made for each. */
const known = new LRUCache<string, ClientCertificate>({ max: 1_000, maxSize: 8_000_000 });

const read = (certificate: X509Certificate): ClientCertificate => {
  const { fingerprint256 } = certificate;
  const before = known.get(fingerprint256);
  if (before) return before;
  const found = clientCertificateOf(certificate);
  known.set(fingerprint256, found, { size: certificate.raw.length });
  return found;
};

type Shown = Readonly<{ certificate: ClientCertificate | undefined }>;

/** Looked at once for each connection. */
const shownOn = perObject((socket: Socket): Shown => {
  const verified = isTls(socket) && socket.authorized ? socket.getPeerX509Certificate() : undefined;
  return { certificate: verified && read(verified) };
});

/** The certificate by which the other end of a connection is known: its chain was verified by our own handshake. */
export const certificateOf = (socket: Socket): ClientCertificate | undefined => shownOn(socket).certificate;

/** Connections with a bad certificate end before a byte of HTTP is read; `speakHttp2` takes those that agreed on it. */
export const guardConnections = (
  server: Server,
  { onHandshakeFailed }: ListenerTls,
  speakHttp2: (socket: TLSSocket) => void,
): void => {
  const [speak] = server.listeners('secureConnection');
  server.removeAllListeners('secureConnection');
  server.on('secureConnection', (socket) => {
    if (!showsBadCertificate(socket)) {
      if (socket.alpnProtocol === 'h2') speakHttp2(socket);
      else if (speak) Reflect.apply(speak, server, [socket]);
      return;
    }
    onHandshakeFailed?.(handshakeFailure(socket), socket.remoteAddress);
    socket.destroy();
  });
  server.on('tlsClientError', (error, socket) =>
    onHandshakeFailed?.(handshakeFailure(socket, error), socket.remoteAddress),
  );
};

/** Nobody is told why a handshake failed, but by TLS itself. */
export const isHandshakeError = ({ code = '' }: NodeJS.ErrnoException): boolean => /^ERR_(SSL|TLS|OSSL)_/.test(code);
