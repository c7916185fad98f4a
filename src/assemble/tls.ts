/** TLS of a listener, with certificates whose files are watched. */
import { watchCertificates } from '../certificates.ts';
import type { Config } from '../config/config.ts';
import type { Listening } from '../http/server.ts';
import type { ListenerTls } from '../http/tls.ts';
import type { TlsEvents } from './tls-events.ts';

export type TlsConfig = Config['http']['tls'];

const watch = (key: string, tls: NonNullable<TlsConfig>, { onKept }: TlsEvents, lookEveryMs: number | undefined) => {
  try {
    return watchCertificates(tls, onKept, lookEveryMs);
  } catch (cause) {
    throw new Error(`${key}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
};

/** `key` names the block. Throws where a file cannot be read or used. */
export const openWithTls = async (
  key: string,
  tls: TlsConfig,
  events: TlsEvents,
  open: (tls: ListenerTls | undefined) => Promise<Listening>,
  lookEveryMs?: number,
): Promise<Listening> => {
  if (!tls?.enabled) return open(undefined);
  const watched = watch(key, tls, events, lookEveryMs);
  const listening = await open({
    certificates: watched.current,
    clientAuth: tls.client_auth,
    onHandshakeFailed: events.onHandshakeFailed,
    http2: tls.http2,
    minVersion: tls.min_version === '1.3' ? 'TLSv1.3' : 'TLSv1.2',
  });
  events.onUsed('start', watched.current.endsAt);
  watched.onChange((certificates) => {
    listening.renew(certificates);
    events.onUsed('renewed', certificates.endsAt);
  });
  return {
    ...listening,
    async close(graceMs) {
      watched.close();
      await listening.close(graceMs);
    },
  };
};
