/** The certificate files of a listener, and their changes. */
import type { Certificates } from './http/tls.ts';
import { certificatesIn, checkPair, type PemFile, revocationListsIn } from './pem.ts';
import { type WatchedFiles, watchFiles } from './watched-files.ts';

type Files = Readonly<{
  cert_file?: string | undefined;
  key_file?: string | undefined;
  client_ca_file: readonly string[];
  crl_file?: readonly string[] | undefined;
}>;

export type WatchedCertificates = Readonly<{
  current: Certificates;
  /** `use` throws where it cannot take them. What does not fit together, or is cut off, never gets there: the old ones stay in use. */
  onChange(use: (certificates: Certificates) => void): void;
  close: WatchedFiles['close'];
}>;

/** Throws where the files cannot be read or used. `onKept` is told of changed ones that cannot. */
export const watchCertificates = (
  { cert_file = '', key_file = '', client_ca_file, crl_file = [] }: Files,
  onKept: (error: unknown) => void,
  lookEveryMs?: number,
): WatchedCertificates => {
  const paths = [cert_file, key_file, ...client_ca_file, ...crl_file];
  const watched = watchFiles(paths, onKept, lookEveryMs);

  const read = (contents: readonly Buffer[]): Certificates => {
    const files = paths.map((path, index): PemFile => ({ path, content: contents[index] ?? Buffer.alloc(0) }));
    const [cert, key, ...others] = files;
    if (!cert || !key) throw new Error('unreachable: two files are always watched');
    const authorities = others.slice(0, client_ca_file.length);
    const { validToDate } = checkPair(cert, key);
    for (const file of authorities) certificatesIn(file);
    return {
      cert: cert.content,
      key: key.content,
      clientCas: authorities.map(({ content }) => content),
      crls: others.slice(client_ca_file.length).flatMap(revocationListsIn),
      endsAt: validToDate.getTime(),
    };
  };

  try {
    return {
      current: read(watched.current),
      onChange: (use) => watched.onChange((contents) => use(read(contents))),
      close: watched.close,
    };
  } catch (error) {
    watched.close();
    throw error;
  }
};
