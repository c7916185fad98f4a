/** A gRPC server over node:http2 (docs/decisions/0014). */
import { constants } from 'node:crypto';
import { once } from 'node:events';
import {
  createSecureServer,
  createServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo, Server, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { askBySettings, askBySocket } from './come-back.ts';
import { createDispatch, type LongCall } from './dispatch.ts';
import { createHandling, type Handling } from './handling.ts';
import { MOST_HEAD_BYTES } from './head.ts';
import type { Methods, Peer } from './method.ts';

export type Certificates = Readonly<{
  cert: Buffer;
  key: Buffer;
  clientCas: readonly Buffer[];
  /** Lists of revoked client certificates, one of each authority. */
  crls: readonly Buffer[];
}>;

export type GrpcOptions = Omit<Handling, 'held' | 'arrivals'> &
  Readonly<{
    host: string | undefined;
    port: number;
    methods: Methods;
    /** Without them the listener speaks plain text. With authorities, callers without a certificate of theirs are refused. */
    certificates: Certificates | undefined;
    minVersion: 'TLSv1.2' | 'TLSv1.3';
    /** Sets how many connections the server takes at once. */
    limit?: (server: Server) => void;
    /** How long a handshake may take. */
    handshakeTimeoutMs: number;
    /** How long the one message of a call may take to arrive; twice as long at most. */
    messageTimeoutMs: number;
    peerOf(socket: Socket): Peer;
    /** Told of every connection that did not come about. */
    onHandshakeFailed?: (socket: TLSSocket, error: Error) => void;
  }>;

export type GrpcListening = Readonly<{
  address: AddressInfo;
  /** For connections from now on; callers on older ones are asked to come back. Throws where certificate and key do not fit. */
  renew(certificates: Certificates): void;
  /** Goes on answering, but asks every caller to come back on a new connection. */
  drain(): void;
  /** Takes no new connections, lets calls finish; after `graceMs` ends everything. */
  close(graceMs: number): Promise<void>;
}>;

/** Envoy sends all that one of its threads asks over one connection, on a new one before it has heard of this: more would be refused. */
const CONCURRENT_CALLS = 1_000;
/** Of one call; the rest waits at the sender. */
const WINDOW_BYTES = 256 * 1024;
const SILENT_MS = 60_000;
const PING_MS = 20_000;

const options = {
  settings: {
    maxConcurrentStreams: CONCURRENT_CALLS,
    maxHeaderListSize: MOST_HEAD_BYTES,
    initialWindowSize: WINDOW_BYTES,
    enablePush: false,
  },
  // A client of Envoy's that goes away cancels a call: nobody must be able to end Envoy's connection by doing so often.
  streamResetBurst: 100_000,
  streamResetRate: 10_000,
};

const tlsOf = ({ cert, key, clientCas, crls }: Certificates) => ({
  cert,
  key,
  secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
  ...(clientCas.length > 0 && {
    ca: [...clientCas],
    ...(crls.length > 0 && { crl: [...crls] }),
    // A resumed session shows no certificate again: one that was revoked meanwhile would go on.
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION | constants.SSL_OP_NO_TICKET,
  }),
});

const createHttp2Server = ({ certificates, minVersion, handshakeTimeoutMs }: GrpcOptions) =>
  certificates
    ? createSecureServer({
        ...options,
        ...tlsOf(certificates),
        requestCert: certificates.clientCas.length > 0,
        rejectUnauthorized: true,
        minVersion,
        handshakeTimeout: handshakeTimeoutMs,
        ALPNProtocols: ['h2'],
      })
    : createServer(options);

/** A peer that vanished without a word would hold its connection, and its calls, for ever. */
const endWhenGone = (session: ServerHttp2Session): void => {
  session.setTimeout(SILENT_MS, () => {
    const gone = setTimeout(() => session.destroy(), PING_MS);
    const isSent = !session.destroyed && session.ping(() => clearTimeout(gone));
    if (!isSent) session.destroy();
    session.once('close', () => clearTimeout(gone));
  });
};

/** By then a new connection has our SETTINGS, which must come first. */
const AFTER_SETTINGS_MS = 100;

export const listenGrpc = async (given: GrpcOptions): Promise<GrpcListening> => {
  const server = createHttp2Server(given);
  const handling = createHandling(given);
  const dispatch = createDispatch(given.methods, handling);
  const rounds = setInterval(() => handling.arrivals.nextRound(), given.messageTimeoutMs).unref();
  const sessions = new Set<ServerHttp2Session>();
  const sockets = new Set<Socket>();
  const longCalls = new Set<LongCall>();
  /** Of connections with certificates that have been renewed since. */
  const retired = new WeakSet<ServerHttp2Session>();
  let draining = false;

  const onStream =
    (session: ServerHttp2Session, peer: Peer) =>
    (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, _flags: number, raw: readonly string[]) => {
      const call = dispatch(stream, headers, raw, peer);
      if (!call) return;
      longCalls.add(call);
      stream.once('close', () => longCalls.delete(call));
      if (retired.has(session) || (draining && call.lastsWhile === 'open')) call.end();
    };

  const askToComeBack = (): void => {
    if (given.certificates) for (const session of sessions) askBySettings(session);
    else for (const socket of sockets) askBySocket(socket);
  };

  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    if (draining && !given.certificates) setTimeout(askBySocket, AFTER_SETTINGS_MS, socket).unref();
  });

  server.on('session', (session: ServerHttp2Session) => {
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
    // A connection that breaks, or speaks something else, takes its own calls with it and nothing more.
    session.on('error', () => undefined);
    session.on('stream', onStream(session, given.peerOf(session.socket)));
    endWhenGone(session);
    if (draining && given.certificates) setTimeout(askBySettings, AFTER_SETTINGS_MS, session).unref();
  });
  server.on('sessionError', () => undefined);
  server.on('tlsClientError', (error: Error, socket: TLSSocket) => given.onHandshakeFailed?.(socket, error));

  given.limit?.(server);
  server.listen({ port: given.port, ...(given.host !== undefined && { host: given.host }) });
  await once(server, 'listening');
  server.on('error', given.onError);

  return {
    address: server.address() as AddressInfo,

    renew(certificates) {
      if (!('setSecureContext' in server)) return;
      server.setSecureContext({ ...tlsOf(certificates), minVersion: given.minVersion });
      for (const session of sessions) {
        retired.add(session);
        askBySettings(session);
      }
      // They would hold their connections for ever.
      for (const call of longCalls) call.end();
    },

    drain() {
      draining = true;
      askToComeBack();
      for (const call of longCalls) if (call.lastsWhile === 'open') call.end();
    },

    async close(graceMs) {
      draining = true;
      const closed = once(server, 'close');
      server.close();
      for (const call of longCalls) call.end();
      for (const session of sessions) session.close();
      // Whoever has not said a word yet would hold up the end; so would a handshake that stands still.
      for (const socket of sockets) if (given.certificates && socket.bytesRead === 0) socket.destroy();
      const deadline = setTimeout(() => {
        for (const session of sessions) session.destroy();
        for (const socket of sockets) socket.destroy();
      }, graceMs);
      await closed;
      clearTimeout(deadline);
      clearInterval(rounds);
    },
  };
};
