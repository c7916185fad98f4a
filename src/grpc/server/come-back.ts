/** How a caller is asked to come back on another connection, with nothing lost that it sent on this one. */
import type { ServerHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';

/** GOAWAY that refuses nothing: no error, and a last stream that is never reached (RFC 9113 section 6.8). */
const shutdownNotice = Buffer.from('0000080700000000007fffffff00000000', 'hex');

/** By then a caller has acknowledged what it was told. */
const LEAVE_MS = 5_000;

/**
 * On a connection without TLS: past node:http2, which would not answer calls that are on their way when it sends a GOAWAY,
 * whatever this says. It writes whole frames, so that this one stands between two of them.
 */
export const askBySocket = (socket: Socket): void => {
  if (socket.writable) socket.write(shutdownNotice);
};

/**
 * With TLS, where two writes at once end the process: whoever has acknowledged that no more calls are taken has sent the last
 * one before, and a GOAWAY after that leaves out none.
 */
export const askBySettings = (session: ServerHttp2Session): void => {
  if (session.closed || session.destroyed) return;
  const timer = setTimeout(() => session.close(), LEAVE_MS).unref();
  session.once('close', () => clearTimeout(timer));
  session.settings({ maxConcurrentStreams: 0 }, () => {
    if (!session.closed && !session.destroyed) session.close();
  });
};
