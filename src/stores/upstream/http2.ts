/**
 * Kept connections to one target by HTTP/2, where it offers that in TLS. By Node's own client: undici's sends calls again by
 * itself, and ends an upload that is given up as if it were whole.
 */
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { isIP } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import type { Upstream } from '../../egress/upstream.ts';
import { faultOf } from './fault.ts';
import { Http2Attempt } from './http2-attempt.ts';
import type { UpstreamOptions } from './pool.ts';

const CONNECT_TIMEOUT_MS = 10_000;
const IDLE_MS = 30_000;
/** Of one connection; targets commonly let 100 or 128 be. */
const MOST_STREAMS = 100;
const STREAM_WINDOW_BYTES = 256 * 1024;
const CONNECTION_WINDOW_BYTES = 1024 * 1024;
const MAX_ANSWER_HEADER_BYTES = 64 * 1024;

type Connection = {
  readonly session: ClientHttp2Session;
  streams: number;
  isRetired: boolean;
  idle: NodeJS.Timeout | undefined;
};

/** Takes no more calls, and ends with those that it has. Node's `close` says so first, and a call just begun is not heard. */
const retire = (connection: Connection): void => {
  connection.isRetired = true;
  if (connection.streams === 0) connection.session.close();
};

/** `http1` takes all calls where the target does not speak HTTP/2, and those that ask for another protocol. */
export const createHttp2Upstream = ({ origin, lookup, tls }: UpstreamOptions, http1: Upstream): Upstream => {
  const { host: authority, hostname, port } = new URL(origin);
  const host = hostname.replace(/^\[|\]$/g, '');
  const connections = new Set<Connection>();
  let waiting: Http2Attempt[] = [];
  let isConnecting = false;
  let connected = Promise.resolve();
  let speaksHttp1 = false;

  const isFree = ({ session, streams, isRetired }: Connection): boolean =>
    streams < MOST_STREAMS && !isRetired && !session.closed && !session.destroyed;

  const start = (attempt: Http2Attempt, connection: Connection): void => {
    const { session } = connection;
    clearTimeout(connection.idle);
    // Whoever does not answer on this connection may answer on another.
    attempt.onStill = () => retire(connection);
    const stream = attempt.start(session, authority);
    if (!stream) return;
    connection.streams += 1;
    stream.once('close', () => {
      connection.streams -= 1;
      if (connection.streams > 0) return;
      if (connection.isRetired) retire(connection);
      else connection.idle = setTimeout(() => session.close(), IDLE_MS).unref();
    });
  };

  const flush = (): void => {
    waiting = waiting.filter(({ isOver }) => !isOver);
    for (const connection of connections) {
      while (waiting.length > 0 && isFree(connection)) {
        const attempt = waiting.shift();
        if (attempt) start(attempt, connection);
      }
    }
    if (waiting.length > 0 && !isConnecting) connect();
  };

  const adopt = (socket: TLSSocket, onReady: () => void): void => {
    const session = connectHttp2(origin, {
      createConnection: () => socket,
      settings: {
        enablePush: false,
        initialWindowSize: STREAM_WINDOW_BYTES,
        maxHeaderListSize: MAX_ANSWER_HEADER_BYTES,
      },
    });
    const connection: Connection = { session, streams: 0, isRetired: false, idle: undefined };
    // Its streams are told.
    session.on('error', () => undefined);
    session.on('goaway', () => session.close());
    session.on('close', () => {
      clearTimeout(connection.idle);
      connections.delete(connection);
    });
    session.once('connect', () => {
      session.setLocalWindowSize(CONNECTION_WINDOW_BYTES);
      connections.add(connection);
      onReady();
      flush();
    });
  };

  const connect = (): void => {
    isConnecting = true;
    const { promise, resolve } = Promise.withResolvers<void>();
    connected = promise;
    const done = (): void => {
      clearTimeout(timer);
      isConnecting = false;
      resolve();
    };
    const socket = connectTls({
      host,
      port: Number(port || 443),
      servername: isIP(host) === 0 ? host : '',
      ...tls,
      lookup,
      ALPNProtocols: ['h2', 'http/1.1'],
      rejectUnauthorized: true,
    });
    const timer = setTimeout(() => socket.destroy(new Error('no connection in time')), CONNECT_TIMEOUT_MS);
    socket.setNoDelay(true);
    let isReady = false;
    const lost = (error: Error): void => {
      if (isReady) return;
      isReady = true;
      done();
      const { failure, message, cause } = faultOf(error, false);
      for (const attempt of waiting.splice(0)) attempt.fail({ failure, message, cause });
    };
    const ready = (): void => {
      isReady = true;
      done();
    };
    socket.on('error', lost);
    socket.once('close', () => lost(new Error('the connection ended as it began')));
    socket.once('secureConnect', () => {
      if (socket.alpnProtocol === 'h2') {
        adopt(socket, ready);
        return;
      }
      ready();
      socket.destroy();
      speaksHttp1 = true;
      for (const attempt of waiting.splice(0)) if (!attempt.isOver) attempt.startElsewhere(http1);
    });
  };

  const ended = (): Promise<unknown> =>
    Promise.all([...connections].map(({ session }) => new Promise<void>((resolve) => session.once('close', resolve))));

  return {
    send(call, receiver) {
      if (speaksHttp1 || call.upgrade !== undefined) return http1.send(call, receiver);
      const attempt = new Http2Attempt(call, receiver);
      for (const connection of connections) {
        if (!isFree(connection)) continue;
        start(attempt, connection);
        return attempt;
      }
      waiting.push(attempt);
      if (!isConnecting) connect();
      return attempt;
    },
    async close() {
      await connected;
      const all = ended();
      for (const connection of connections) retire(connection);
      await Promise.all([all, http1.close()]);
    },
    async destroy() {
      for (const attempt of waiting.splice(0)) attempt.abort();
      await connected;
      const all = ended();
      for (const { session } of connections) session.destroy();
      await Promise.all([all, http1.destroy()]);
    },
  };
};
