/** Why a handshake failed, in few words: a metric and a line in our log. The other end is told by TLS itself, and by nothing else. */
import type { TLSSocket } from 'node:tls';

const reasons = {
  ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE: 'no_certificate',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'unknown_authority',
  UNABLE_TO_GET_ISSUER_CERT: 'unknown_authority',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'unknown_authority',
  SELF_SIGNED_CERT_IN_CHAIN: 'unknown_authority',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'unknown_authority',
  CERT_SIGNATURE_FAILURE: 'unknown_authority',
  CERT_HAS_EXPIRED: 'expired',
  CERT_NOT_YET_VALID: 'not_yet_valid',
  CERT_REVOKED: 'revoked',
  CRL_HAS_EXPIRED: 'crl_expired',
  CRL_NOT_YET_VALID: 'crl_expired',
  UNABLE_TO_GET_CRL: 'crl_missing',
  CRL_SIGNATURE_FAILURE: 'crl_missing',
  INVALID_PURPOSE: 'wrong_purpose',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'old_version',
  ERR_SSL_HTTP_REQUEST: 'plain_text',
  ERR_SSL_WRONG_VERSION_NUMBER: 'plain_text',
  ERR_TLS_HANDSHAKE_TIMEOUT: 'timeout',
  ECONNRESET: 'ended_by_client',
} as const;

export type HandshakeFailure = (typeof reasons)[keyof typeof reasons] | 'other';

const isKnown = (code: string): code is keyof typeof reasons => Object.hasOwn(reasons, code);

/** What Node says of the certificate, although it types it as an error. */
const verdictOn = ({ authorizationError }: TLSSocket): string => (authorizationError ? String(authorizationError) : '');

/** `error` is that of the connection, if it had one. */
export const handshakeFailure = (socket: TLSSocket, error?: NodeJS.ErrnoException): HandshakeFailure => {
  const code = verdictOn(socket) || (error?.code ?? '');
  return isKnown(code) ? reasons[code] : 'other';
};
