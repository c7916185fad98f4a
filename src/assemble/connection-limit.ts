/** How many connections a listener takes at once, and what is told of those that are more. */
import type { Server } from 'node:net';
import type { Logger } from 'pino';
import type { Metrics } from '../telemetry/metrics.ts';

declare module 'net' {
  interface Server {
    /** Node 22.12; not in its types yet. */
    dropMaxConnection?: boolean;
  }
}

/** To be set on a server before it listens. */
export type ConnectionLimit = (server: Server) => void;

/** Anybody may come as often as they like. */
const TELL_AGAIN_MS = 60_000;

export const createConnectionLimit =
  (metrics: Metrics, logger: Logger, now: () => number) =>
  /** `listener` is the block of the configuration. */
  (listener: string, limit: number): ConnectionLimit => {
    let toldAt = Number.NEGATIVE_INFINITY;
    return (server) => {
      server.maxConnections = limit;
      // One of several workers that is full would give the connection back, and get it again without end.
      server.dropMaxConnection = true;
      server.on('drop', (dropped) => {
        metrics.connectionsDropped.count({ listener });
        if (now() - toldAt < TELL_AGAIN_MS) return;
        toldAt = now();
        const line = { event: 'connections_dropped', listener, limit, peer_ip: dropped?.remoteAddress };
        logger.warn(line, 'more connections than http.max_connections: they are ended');
      });
    };
  };
