import type { Config } from './config.ts';
import type { Finding } from './finding.ts';

const asksForCertificates = ({ tls }: Config['http']): boolean => tls?.enabled === true && tls.client_auth !== 'none';

/** What no client could ever show is no more than a way to lock everybody out. */
const checkProxy = ({ http, proxy, forwarded_certificates: told }: Config): Finding[] => {
  if (!proxy?.enabled || asksForCertificates(http) || told !== undefined) return [];
  const message = 'no certificate is ever seen';
  const expected = 'http.tls with client_ca_file, and client_auth request or require; or forwarded_certificates';
  const reads = [['http', 'tls'], ['forwarded_certificates']];
  const { auth, mtls } = proxy;
  return [
    ...(mtls?.enabled ? [{ path: ['proxy', 'mtls'], message, expected, reads }] : []),
    ...(auth.enabled && auth.accept.includes('certificate')
      ? [{ path: ['proxy', 'auth', 'accept'], message, expected, reads }]
      : []),
  ];
};

const checkFormat = ({ forwarded_certificates: told }: Config): Finding[] => {
  if (told === undefined || !told.format.startsWith('nginx') || told.hosts !== undefined) return [];
  return [
    {
      path: ['forwarded_certificates'],
      message: 'does not say on which hosts nginx verifies certificates',
      expected: 'hosts beside format',
      hint: 'of any other host nginx may pass on what clients write themselves',
      reads: [['forwarded_certificates']],
    },
  ];
};

/** Over gRPC Envoy tells of the certificates on its connections by itself. */
const canBeSeen = (config: Config): boolean =>
  asksForCertificates(config.http) || config.forwarded_certificates !== undefined || config.grpc?.ext_authz === true;

const checkRules = (config: Config): Finding[] => {
  if (canBeSeen(config)) return [];
  const expected = 'forwarded_certificates, or http.tls with client_ca_file and client_auth request or require';
  const reads = [['http', 'tls'], ['forwarded_certificates'], ['grpc']];
  return config.rules.flatMap(({ accept, require }, index): Finding[] => {
    const at = ['rules', index];
    const message = 'no certificate is ever seen';
    return [
      ...(accept.includes('certificate') ? [{ path: [...at, 'accept'], message, expected, reads }] : []),
      ...(require.certificates ? [{ path: [...at, 'require', 'certificates'], message, expected, reads }] : []),
    ];
  });
};

/** Whether there is a way for a client to show the certificates that are asked for. */
export const checkCertificates = (config: Config): Finding[] => [
  ...checkProxy(config),
  ...checkFormat(config),
  ...checkRules(config),
];
