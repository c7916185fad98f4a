/** Certificates for an hour's use, by openssl. */
import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Owner } from './last-resort.ts';
import { locate } from './programs.ts';
import { createWorkdir } from './workdir.ts';

export type Pair = Readonly<{ cert: string; key: string }>;

export type IssueOptions = Readonly<{
  host?: string;
  isExpired?: boolean;
  isNotYetValid?: boolean;
  /** As openssl's `-subj`: `/CN=a+O=b/O=c`. Without it the common name is the certificate's. */
  subject?: string;
  keyType?: keyof typeof keyTypes;
  /** Extended key usage: `serverAuth`. Without it the certificate may be used for anything. */
  usage?: string;
}>;

export type Authority = Readonly<{
  /** Path of the authority's own certificate. */
  ca: string;
  /**
   * A certificate for 127.0.0.1 and `localhost`, and for the URI if there is one, by this authority; paths of its files. That
   * of an intermediate authority is followed by the authority's own.
   */
  issue(name: string, uri?: string, options?: IssueOptions): Pair;
  /** Path of a new list of revoked certificates, with this one on it. */
  revoke(certificate: string): string;
  /** Path of a new list with what was revoked until now. */
  revoked(options?: Readonly<{ isExpired?: boolean }>): string;
  /** An authority whose own certificate is by this one. */
  intermediate(name: string): Authority;
}>;

const openssl = (...args: string[]) => execFileSync(locate('openssl'), args, { stdio: 'pipe' });

const keyTypes = {
  ec: ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'],
  rsa: ['-newkey', 'rsa:2048', '-nodes'],
  ed25519: ['-newkey', 'ed25519', '-nodes'],
} as const;

const stamp = (daysFromNow: number): string =>
  new Date(Date.now() + daysFromNow * 86_400_000).toISOString().replace(/[-:T]|\.\d+/g, '');

const daysOf = ({ isExpired, isNotYetValid }: IssueOptions): readonly [from: number, until: number] =>
  isExpired ? [-2, -1] : isNotYetValid ? [1, 2] : [-1 / 24, 1];

const atWork = (path: string, ca: string, caKey: string, chain: readonly string[]): Authority => {
  const [config, database, serial] = ['ca.cnf', 'index.txt', 'serial'].map((end) => join(path, end));
  if (!config || !database || !serial) throw new Error('unreachable: three names make three paths');
  writeFileSync(
    config,
    `[ca]\ndefault_ca=own\n[own]\ndatabase=${database}\nserial=${serial}\nnew_certs_dir=${path}\nunique_subject=no
default_md=sha256\ndefault_crl_days=1\npolicy=any\n[any]\ncommonName=optional\norganizationName=optional
organizationalUnitName=optional\n`,
  );
  appendFileSync(database, '');
  const own = ['ca', '-batch', '-config', config, '-cert', ca, '-keyfile', caKey];
  let lists = 0;

  const sign = (name: string, extensions: string, options: IssueOptions): Pair => {
    const [key, request, cert, file] = ['key', 'csr', 'pem', 'ext'].map((end) => join(path, `${name}.${end}`));
    if (!key || !request || !cert || !file) throw new Error('unreachable: four names make four paths');
    const { subject = `/CN=${name}`, keyType = 'ec' } = options;
    const [from, until] = daysOf(options);
    writeFileSync(file, `${extensions}\n`);
    openssl('req', '-utf8', ...keyTypes[keyType], '-subj', subject, '-keyout', key, '-out', request);
    openssl(
      ...[...own, '-notext', '-md', 'default', '-preserveDN', '-rand_serial', '-extfile', file],
      ...['-startdate', stamp(from), '-enddate', stamp(until), '-in', request, '-out', cert],
    );
    for (const above of chain) appendFileSync(cert, readFileSync(above));
    return { cert, key };
  };

  const revoked: Authority['revoked'] = ({ isExpired = false } = {}) => {
    lists += 1;
    const list = join(path, `revoked-${lists}.pem`);
    const past = isExpired ? ['-crl_lastupdate', stamp(-2), '-crl_nextupdate', stamp(-1)] : [];
    openssl(...own, '-gencrl', ...past, '-out', list);
    return list;
  };

  return {
    ca,
    revoked,

    revoke(certificate) {
      openssl(...own, '-revoke', certificate);
      return revoked();
    },

    issue(name, uri, options = {}) {
      const { host = 'IP:127.0.0.1,DNS:localhost', usage } = options;
      const names = `subjectAltName=${host}${uri === undefined ? '' : `,URI:${uri}`}`;
      return sign(name, usage === undefined ? names : `${names}\nextendedKeyUsage=${usage}`, options);
    },

    intermediate(name) {
      const { cert, key } = sign(name, 'basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign,cRLSign', {});
      const below = join(path, `${name}-issues`);
      mkdirSync(below, { recursive: true });
      return atWork(below, cert, key, [cert, ...chain]);
    },
  };
};

export const createAuthority = (owner: Owner, name = 'test authority'): Authority => {
  const { path } = createWorkdir('certificates', owner);
  const [ca, key] = [join(path, 'ca.pem'), join(path, 'ca.key')];
  openssl('req', '-x509', ...keyTypes.ec, '-days', '1', '-subj', `/CN=${name}`, '-keyout', key, '-out', ca);
  return atWork(path, ca, key, []);
};

export const readPair = ({ cert, key }: Pair) => ({ cert: readFileSync(cert), key: readFileSync(key) });
