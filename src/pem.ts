/** What stands in PEM files (RFC 7468). OpenSSL passes over what it cannot read: half an authority's file would count as a whole one. */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';

const block = /-----BEGIN ([A-Z0-9 ]+)-----[\s\S]*?-----END \1-----/g;
const boundary = /-----(?:BEGIN|END) /g;

/** One file: its path is for errors. */
export type PemFile = Readonly<{ path: string; content: Buffer }>;

const fail = ({ path }: PemFile, problem: string, cause?: unknown): never => {
  throw new Error(`${path}: ${problem}`, { cause });
};

/** Every block with this label, each whole, in the order of the file. Throws where there is none, or where one is cut off. */
const blocksOf = (file: PemFile, label: string, what: string): readonly string[] => {
  const text = file.content.toString('latin1');
  const blocks = [...text.matchAll(block)];
  if ([...text.matchAll(boundary)].length !== 2 * blocks.length)
    return fail(file, 'cut off in the middle; expected whole PEM blocks');
  const found = blocks.filter(([, name]) => name === label).map(([whole]) => whole);
  return found.length > 0 ? found : fail(file, `no ${what} in it; expected PEM with "BEGIN ${label}"`);
};

/** Throws where one of them cannot be read. */
export const certificatesIn = (file: PemFile): readonly X509Certificate[] =>
  blocksOf(file, 'CERTIFICATE', 'certificate').map((text, index) => {
    try {
      return new X509Certificate(text);
    } catch (cause) {
      return fail(file, `certificate ${index + 1} cannot be read`, cause);
    }
  });

/** Each list by itself: OpenSSL takes one at a time, and would overlook the others. */
export const revocationListsIn = (file: PemFile): readonly Buffer[] =>
  blocksOf(file, 'X509 CRL', 'list of revoked certificates').map((text) => Buffer.from(text, 'latin1'));

export const privateKeyIn = (file: PemFile): KeyObject => {
  try {
    return createPrivateKey(file.content);
  } catch (cause) {
    return fail(file, 'no private key that can be read; expected PEM without a passphrase', cause);
  }
};

/** The certificate is the first of its file. Throws where the key is another's. */
export const checkPair = (cert: PemFile, key: PemFile): X509Certificate => {
  const [own] = certificatesIn(cert);
  if (!own?.checkPrivateKey(privateKeyIn(key))) return fail(key, `not the key of the certificate in ${cert.path}`);
  return own;
};
