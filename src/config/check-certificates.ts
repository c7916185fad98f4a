import type { Config } from './config.ts';
import type { Finding } from './finding.ts';

const asksForCertificates = ({ tls }: Config['http']): boolean => tls?.enabled === true && tls.client_auth !== 'none';

/** What no client could ever show is no more than a way to lock everybody out. */
const checkProxy = ({ http, proxy }: Config): Finding[] => {
  if (!proxy?.enabled || !proxy.mtls?.enabled || asksForCertificates(http)) return [];
  return [
    {
      path: ['proxy', 'mtls'],
      message: 'no certificate is ever seen',
      expected: 'http.tls with client_ca_file, and client_auth request or require',
      reads: [['http', 'tls']],
    },
  ];
};

/** Whether there is a way for a client to show the certificates that are asked for. */
export const checkCertificates = (config: Config): Finding[] => checkProxy(config);
