/** What is told of TLS on our listeners: lines in the log, and counts. */
import type { Logger } from 'pino';
import type { HandshakeFailure } from '../http/handshake-failure.ts';
import type { Metrics } from '../telemetry/metrics.ts';

/** Anybody may fail at a handshake as often as they like. */
const TELL_AGAIN_MS = 60_000;

export type TlsEvents = Readonly<{
  onHandshakeFailed(reason: HandshakeFailure, peerIp: string | undefined): void;
  /** Files are in use, from the start or after a change; `endsAt` is of our own certificate. */
  onUsed(change: 'start' | 'renewed', endsAt: number): void;
  /** Changed files cannot be used. */
  onKept(error: unknown): void;
}>;

export const createTlsEvents = (metrics: Metrics, logger: Logger, now: () => number) => {
  const toldAt = new Map<string, number>();

  const tellOnce = (key: string, tell: () => void): void => {
    if (now() - (toldAt.get(key) ?? Number.NEGATIVE_INFINITY) < TELL_AGAIN_MS) return;
    toldAt.set(key, now());
    tell();
  };

  /** `listener` is the block of the configuration. */
  return (listener: string): TlsEvents => ({
    onHandshakeFailed(reason, peerIp) {
      metrics.handshakeFailures.count({ listener, reason });
      tellOnce(`${listener} ${reason}`, () =>
        logger.warn({ event: 'handshake_failed', listener, reason, peer_ip: peerIp }, 'a TLS handshake failed'),
      );
    },

    onUsed(change, endsAt) {
      metrics.certificateEnds.set({ listener }, endsAt / 1_000);
      // From nothing to something is no increase: an alert on the first would not fire.
      for (const outcome of ['renewed', 'kept'] as const)
        metrics.certificateChanges.count({ listener, outcome }, outcome === change ? 1 : 0);
      if (change === 'start') return;
      logger.info(
        { event: 'certificates_renewed', listener, ends_at: new Date(endsAt) },
        'changed certificates are used',
      );
    },

    onKept(error) {
      metrics.certificateChanges.count({ listener, outcome: 'kept' });
      logger.error(
        { event: 'certificates_kept', listener, err: error },
        'changed certificates cannot be used: the old ones stay',
      );
    },
  });
};
