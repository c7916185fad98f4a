/** The certificate files of a listener, and their changes. */
import { type WatchedFiles, watchFiles } from './watched-files.ts';

export type Certificates = Readonly<{ cert: Buffer; key: Buffer; clientCas: readonly Buffer[] }>;

type Files = Readonly<{
  cert_file?: string | undefined;
  key_file?: string | undefined;
  client_ca_file: readonly string[];
}>;

export type WatchedCertificates = Readonly<{
  current: Certificates;
  /** `use` throws where certificate and key do not fit, as while only one of them is new: the old ones stay in use. */
  onChange(use: (certificates: Certificates) => void): void;
  close: WatchedFiles['close'];
}>;

const named = ([cert = Buffer.alloc(0), key = Buffer.alloc(0), ...clientCas]: readonly Buffer[]): Certificates => ({
  cert,
  key,
  clientCas,
});

/** Throws where a file cannot be read. */
export const watchCertificates = (
  { cert_file = '', key_file = '', client_ca_file }: Files,
  onKept: (error: unknown) => void,
  lookEveryMs?: number,
): WatchedCertificates => {
  const watched = watchFiles([cert_file, key_file, ...client_ca_file], onKept, lookEveryMs);
  return {
    current: named(watched.current),
    onChange: (use) => watched.onChange((contents) => use(named(contents))),
    close: watched.close,
  };
};
