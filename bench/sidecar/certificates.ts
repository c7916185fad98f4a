/** The certificates of one zone, and a listener that speaks TLS with them. */
import { createAuthority } from '../../test/servers/certificates.ts';

export type Closing = { defer(close: () => unknown): void };

export type Certificates = ReturnType<typeof makeCertificates>;

export const makeCertificates = (closing: Closing) => {
  const zone = createAuthority({ after: closing.defer });
  const client = zone.issue('client', undefined, { subject: '/CN=api-gateway-client/O=MyOrg' });
  return { ca: zone.ca, server: zone.issue('server'), client };
};

export const tlsOf = ({ ca, server }: Certificates) =>
  `tls: { cert_file: "${server.cert}", key_file: "${server.key}", client_ca_file: "${ca}", client_auth: require }`;
