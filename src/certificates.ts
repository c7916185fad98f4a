/** The certificate files of a listener, and their changes. */
import type { Certificates } from './http/tls.ts';
import { type WatchedFiles, watchFiles } from './watched-files.ts';

type Files = Readonly<{
  cert_file?: string | undefined;
  key_file?: string | undefined;
  client_ca_file: readonly string[];
  crl_file?: string | undefined;
}>;

export type WatchedCertificates = Readonly<{
  current: Certificates;
  /** `use` throws where certificate and key do not fit, as while only one of them is new: the old ones stay in use. */
  onChange(use: (certificates: Certificates) => void): void;
  close: WatchedFiles['close'];
}>;

/** The files in the order in which they are watched. */
const named = (contents: readonly Buffer[], hasCrl: boolean): Certificates => {
  const [cert = Buffer.alloc(0), key = Buffer.alloc(0), ...others] = contents;
  return { cert, key, clientCas: hasCrl ? others.slice(0, -1) : others, crl: hasCrl ? others.at(-1) : undefined };
};

/** Throws where a file cannot be read. */
export const watchCertificates = (
  { cert_file = '', key_file = '', client_ca_file, crl_file }: Files,
  onKept: (error: unknown) => void,
  lookEveryMs?: number,
): WatchedCertificates => {
  const crl = crl_file === undefined ? [] : [crl_file];
  const watched = watchFiles([cert_file, key_file, ...client_ca_file, ...crl], onKept, lookEveryMs);
  const current = (contents: readonly Buffer[]) => named(contents, crl.length > 0);
  return {
    current: current(watched.current),
    onChange: (use) => watched.onChange((contents) => use(current(contents))),
    close: watched.close,
  };
};
