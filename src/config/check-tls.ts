import type { Config } from './config.ts';
import type { Finding } from './finding.ts';
import type { Path } from './path.ts';

type TlsFiles = Readonly<{ cert_file?: string | undefined; key_file?: string | undefined }>;

export const checkCertificate = ({ cert_file, key_file }: TlsFiles, path: Path): Finding[] =>
  cert_file === undefined || key_file === undefined
    ? [{ path, message: 'TLS without a certificate', expected: 'both cert_file and key_file', reads: [path] }]
    : [];

type ListenerTls = NonNullable<Config['http']['tls']>;

const checkListenerTls = (tls: ListenerTls | undefined, path: Path): Finding[] => {
  if (!tls?.enabled) return [];
  const findings = checkCertificate(tls, path);
  if (tls.client_auth !== 'none' && tls.client_ca_file.length === 0)
    findings.push({
      path,
      message: 'asks for client certificates, but trusts no authority',
      expected: 'client_ca_file',
      reads: [path],
    });
  if (tls.client_auth === 'none' && (tls.client_ca_file.length > 0 || tls.crl_file.length > 0))
    findings.push({
      path,
      message: 'trusts an authority, but asks for no certificates',
      expected: 'client_auth request or require',
      reads: [path],
    });
  return findings;
};

export const checkTls = ({ http, egress, resolver }: Config): Finding[] => [
  ...checkListenerTls(http.tls, ['http', 'tls']),
  ...checkListenerTls(egress?.tls, ['egress', 'tls']),
  ...checkListenerTls(resolver?.tls, ['resolver', 'tls']),
];
