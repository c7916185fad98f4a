/** TLS of a listener, with certificates whose files are watched. */
import { watchCertificates } from '../certificates.ts';
import type { Config } from '../config/config.ts';
import type { Listening } from '../http/server.ts';
import type { ListenerTls } from '../http/tls.ts';

export type TlsConfig = Config['http']['tls'];

const watch = (key: string, tls: NonNullable<TlsConfig>, onKept: (error: unknown) => void) => {
  try {
    return watchCertificates(tls, onKept);
  } catch (cause) {
    throw new Error(`${key}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
};

/** `key` names the block; `onKept` is told of changed files that cannot be used. Throws where a file cannot be read. */
export const openWithTls = async (
  key: string,
  tls: TlsConfig,
  onKept: (error: unknown) => void,
  open: (tls: ListenerTls | undefined) => Promise<Listening>,
): Promise<Listening> => {
  if (!tls?.enabled) return open(undefined);
  const watched = watch(key, tls, onKept);
  const listening = await open({
    certificates: watched.current,
    clientAuth: tls.client_auth,
    minVersion: tls.min_version === '1.3' ? 'TLSv1.3' : 'TLSv1.2',
  });
  watched.onChange(listening.renew);
  return {
    ...listening,
    async close(graceMs) {
      watched.close();
      await listening.close(graceMs);
    },
  };
};
