/** The certificate files of a listener, and their changes: whoever renews them need not restart us. */
import { readFileSync } from 'node:fs';

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
  close(): void;
}>;

/** Kubernetes swaps a symbolic link, which only a look at the files themselves notices. */
const LOOK_EVERY_MS = 10_000;

const read = ({ cert_file = '', key_file = '', client_ca_file }: Files): Certificates => ({
  cert: readFileSync(cert_file),
  key: readFileSync(key_file),
  clientCas: client_ca_file.map((file) => readFileSync(file)),
});

const textOf = ({ cert, key, clientCas }: Certificates): string => Buffer.concat([cert, key, ...clientCas]).toString();

/** Throws where a file cannot be read. */
export const watchCertificates = (
  files: Files,
  onKept: (error: unknown) => void,
  lookEveryMs: number = LOOK_EVERY_MS,
): WatchedCertificates => {
  const current = read(files);
  let seen = textOf(current);
  let timer: NodeJS.Timeout | undefined;

  const look = (use: (certificates: Certificates) => void): void => {
    try {
      const found = read(files);
      const text = textOf(found);
      if (text === seen) return;
      seen = text;
      use(found);
    } catch (error) {
      onKept(error);
    }
  };

  return {
    current,
    onChange(use) {
      timer = setInterval(look, lookEveryMs, use).unref();
    },
    close: () => clearInterval(timer),
  };
};
