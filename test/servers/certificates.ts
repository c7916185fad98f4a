/** Certificates for an hour's use, by openssl. */
import { execFileSync } from 'node:child_process';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Owner } from './last-resort.ts';
import { locate } from './programs.ts';
import { createWorkdir } from './workdir.ts';

export type Pair = Readonly<{ cert: string; key: string }>;

export type Authority = Readonly<{
  /** Path of the authority's own certificate. */
  ca: string;
  /** A certificate for 127.0.0.1 and `localhost`, and for the URI if there is one, by this authority; paths of its files. */
  issue(name: string, uri?: string, options?: Readonly<{ host?: string; isExpired?: boolean }>): Pair;
  /** Path of a new list of revoked certificates, with this one on it. */
  revoke(certificate: string): string;
}>;

const openssl = (...args: string[]) => execFileSync(locate('openssl'), args, { stdio: 'pipe' });

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

export const createAuthority = (owner: Owner): Authority => {
  const { path } = createWorkdir('certificates', owner);
  const ca = join(path, 'ca.pem');
  const caKey = join(path, 'ca.key');
  openssl('req', '-x509', ...newKey, '-days', '1', '-subj', '/CN=test authority', '-keyout', caKey, '-out', ca);
  return {
    ca,
    revoke(certificate) {
      const [config, database, list] = [join(path, 'ca.cnf'), join(path, 'index.txt'), join(path, 'revoked.pem')];
      writeFileSync(
        config,
        `[ca]\ndefault_ca=own\n[own]\ndatabase=${database}\ndefault_md=sha256\ndefault_crl_days=1\n`,
      );
      appendFileSync(database, '');
      const own = ['ca', '-config', config, '-cert', ca, '-keyfile', caKey];
      openssl(...own, '-revoke', certificate);
      openssl(...own, '-gencrl', '-out', list);
      return list;
    },

    issue(name, uri, { host = 'IP:127.0.0.1,DNS:localhost', isExpired = false } = {}) {
      const [key, request, cert, extensions] = ['key', 'csr', 'pem', 'ext'].map((end) => join(path, `${name}.${end}`));
      if (!key || !request || !cert || !extensions) throw new Error('unreachable: four names make four paths');
      writeFileSync(extensions, `subjectAltName=${host}${uri === undefined ? '' : `,URI:${uri}`}\n`);
      openssl('req', ...newKey, '-subj', `/CN=${name}`, '-keyout', key, '-out', request);
      openssl(
        ...['x509', '-req', '-in', request, '-CA', ca, '-CAkey', caKey, '-CAcreateserial'],
        ...['-days', isExpired ? '-1' : '1', '-extfile', extensions, '-out', cert],
      );
      return { cert, key };
    },
  };
};

export const readPair = ({ cert, key }: Pair) => ({ cert: readFileSync(cert), key: readFileSync(key) });
