/** One HTTP listener: bounded on every side, and drained when it ends. */
import { once } from 'node:events';
import type { IncomingMessage, Server } from 'node:http';
import type { AddressInfo, Server as NetServer, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { AuthMessage } from './auth-message.ts';
import { AuthResponse, sendReady } from './auth-response.ts';
import type { Http2Connections } from './http2/connections.ts';
import { type Certificates, guardConnections, isHandshakeError, type ListenerTls, tlsOptions } from './tls.ts';

// An import would load all of undici, for a WebSocket that nothing here uses: 4 MB.
const http = process.getBuiltinModule('node:http');
const https = process.getBuiltinModule('node:https');

export type Listener = (message: IncomingMessage, response: AuthResponse) => void;

export type ServerOptions = Readonly<{
  /** `host:port`, or `:port` for every interface. Port 0 takes a free one. */
  addr: string;
  /** How long a request may take to arrive. */
  readTimeoutMs: number;
  /** How long an answer may stand still on its way out. */
  writeTimeoutMs?: number;
  maxHeaderBytes: number;
  /** Sets how many connections the server takes at once. */
  limit?: (server: NetServer) => void;
  /** Where whoever answers a request says itself when an expected body may come (`writeContinue`). */
  invitesBody?: ((message: IncomingMessage) => boolean) | undefined;
  /** Where whoever answers a request may turn its connection into something else; its answer is the last one in any case. */
  mayUpgrade?: ((message: IncomingMessage) => boolean) | undefined;
  /** Without it the listener speaks plain text. */
  tls?: ListenerTls | undefined;
}>;

/** By connection: a request that may take longer to arrive. An upload that streams has no fixed time, but may not stand still. */
const slowlyArriving = new WeakMap<object, IncomingMessage>();

/** Over HTTP/2 a connection has many. */
const slow = new WeakSet<IncomingMessage>();

export const mayArriveSlowly = (message: IncomingMessage): void => {
  if (message.httpVersionMajor === 1) slowlyArriving.set(message.socket, message);
  else slow.add(message);
};

/** Connections that end with an answer given already. Node would still carry out what follows, and answer nobody. */
const ending = new WeakSet<object>();

/** The answer to this request is the last one on its connection, and nothing that follows is looked at. */
export const endsConnection = (message: IncomingMessage, response: AuthResponse): void => {
  response.shouldKeepAlive = false;
  ending.add(message.socket);
};

export type Listening = Readonly<{
  address: AddressInfo;
  /** For connections from now on; those that are open end with their next answer. Throws where the files do not fit. */
  renew(certificates: Certificates): void;
  /** Goes on answering, but asks every caller to come back on a new connection. */
  drain(): void;
  /** Takes no new connections, lets requests finish, ends what is idle; after `graceMs` ends everything. */
  close(graceMs: number): Promise<void>;
}>;

type OwnServer = Server<typeof AuthMessage, typeof AuthResponse>;

/** Proxies keep idle connections for 60 s (nginx) and must not find one closed at the moment they reuse it. */
const KEEP_ALIVE_MS = 75_000;
const HEADERS_TIMEOUT_MS = 10_000;
const CHECK_EVERY_MS = 1_000;
const WRITE_TIMEOUT_MS = 60_000;
/** More are no request. Node hides what comes after its limit, and the application may not: one more is let in, to be seen. */
const MOST_HEADER_LINES = 1_000;
/** How long a caller whose request was broken has to read why, and to close its side. */
const LINGER_MS = 1_000;

const parseAddr = (addr: string): { host?: string; port: number } => {
  const colon = addr.lastIndexOf(':');
  const host = addr.slice(0, colon).replace(/^\[|\]$/g, '');
  return { port: Number(addr.slice(colon + 1)), ...(host === '' ? {} : { host }) };
};

const statusFor = (code: string | undefined): string => {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return '431 Request Header Fields Too Large';
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return '408 Request Timeout';
    default:
      return '400 Bad Request';
  }
};

/** A request that cannot be parsed is answered once and its connection closed: what follows on it could be smuggled. */
const refuseBrokenRequests = (server: OwnServer): void => {
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT' && slowlyArriving.get(socket)?.complete === false) return;
    // Requests that came whole before it have their answers.
    sendReady();
    if (error.code === 'ECONNRESET' || isHandshakeError(error) || !socket.writable) return void socket.destroy();
    // More came after the last request that is answered here: its answer ends the connection, and nothing else is sent.
    if (error.code === 'HPE_CLOSED_CONNECTION') return;
    socket.end(`HTTP/1.1 ${statusFor(error.code)}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    setTimeout(() => socket.destroy(), LINGER_MS).unref();
  });
};

/** What Node's parser lets through. */
const problemOf = ({ httpVersion, headers, rawHeaders }: IncomingMessage): number | undefined => {
  if (rawHeaders.length > 2 * MOST_HEADER_LINES) return 431;
  if (httpVersion !== '1.1' && httpVersion !== '1.0') return 505;
  const coding = headers['transfer-encoding'];
  // RFC 9112 section 6.3: the length of any other body is uncertain.
  const isCertain = coding === undefined || (coding.toLowerCase() === 'chunked' && httpVersion === '1.1');
  return isCertain ? undefined : 400;
};

const createServer = (
  { tls, mayUpgrade, ...options }: ServerOptions,
  speakHttp2: (socket: TLSSocket) => void,
): OwnServer => {
  const bounded = {
    IncomingMessage: AuthMessage,
    ServerResponse: AuthResponse,
    keepAliveTimeout: KEEP_ALIVE_MS,
    headersTimeout: Math.min(HEADERS_TIMEOUT_MS, options.readTimeoutMs),
    requestTimeout: options.readTimeoutMs,
    connectionsCheckingInterval: CHECK_EVERY_MS,
    maxHeaderSize: options.maxHeaderBytes,
    insecureHTTPParser: false,
    // Two lines of one header must be seen as two, also where Node would keep the first alone (`Authorization`).
    joinDuplicateHeaders: true,
    shouldUpgradeCallback: (message: IncomingMessage) => mayUpgrade?.(message) === true,
  };
  if (!tls) return http.createServer(bounded);
  const server = https.createServer({ ...bounded, ...tlsOptions(tls, options.readTimeoutMs) });
  guardConnections(server, tls, speakHttp2);
  return server;
};

/** Connections that were opened with earlier certificates, ours or those of our callers' authorities. */
const createAges = (server: OwnServer) => {
  const opened = new WeakMap<Socket, number>();
  let age = 0;
  server.on('secureConnection', (socket: Socket) => opened.set(socket, age));
  return {
    isOld: (socket: Socket): boolean => age > 0 && opened.get(socket) !== age,
    next: () => void age++,
  };
};

/** Loaded only where it is spoken. */
const createHttp2 = async (listener: Listener, options: ServerOptions): Promise<Http2Connections | undefined> => {
  if (!options.tls?.http2) return undefined;
  const connections = await import('./http2/connections.ts');
  return connections.createHttp2({
    readTimeoutMs: options.readTimeoutMs,
    writeTimeoutMs: options.writeTimeoutMs ?? WRITE_TIMEOUT_MS,
    idleMs: KEEP_ALIVE_MS,
    maxHeaderBytes: options.maxHeaderBytes,
    maxHeaderLines: MOST_HEADER_LINES,
    invitesBody: (message) => options.invitesBody?.(message) === true,
    isSlow: (message) => slow.has(message),
    answer: listener,
  });
};

export const listen = async (listener: Listener, options: ServerOptions): Promise<Listening> => {
  const http2 = await createHttp2(listener, options);
  const server = createServer(options, (socket) => http2?.take(socket));
  const ages = createAges(server);
  server.maxHeadersCount = MOST_HEADER_LINES + 1;
  server.setTimeout(options.writeTimeoutMs ?? WRITE_TIMEOUT_MS);
  refuseBrokenRequests(server);

  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });

  let draining = false;
  const answer = (message: AuthMessage, response: AuthResponse): void => {
    if (ending.has(message.socket)) return;
    const problem = problemOf(message);
    // Node loses what follows an upgrade in the same packet: nothing may follow it.
    if (draining || problem || ages.isOld(message.socket) || message.headers.upgrade !== undefined)
      endsConnection(message, response);
    if (problem) response.writeHead(problem, { 'Content-Length': '0' }).end();
    else listener(message, response);
  };
  server.on('request', answer);
  server.on('upgrade', (message: AuthMessage, _socket, head) => {
    const { socket } = message;
    if (head.length > 0) socket.unshift(head);
    const response = new AuthResponse(message);
    response.assignSocket(socket);
    response.once('finish', () => {
      // What came after it is read by nobody.
      socket.resume().end();
      setTimeout(() => socket.destroy(), LINGER_MS).unref();
    });
    answer(message, response);
  });
  server.on('checkContinue', (message, response) => {
    if (!options.invitesBody?.(message)) response.writeContinue();
    answer(message, response);
  });

  options.limit?.(server);
  server.listen(parseAddr(options.addr));
  await once(server, 'listening');

  return {
    address: server.address() as AddressInfo,

    renew(certificates) {
      if (!options.tls || !('setSecureContext' in server && typeof server.setSecureContext === 'function')) return;
      server.setSecureContext(tlsOptions(options.tls, options.readTimeoutMs, certificates));
      ages.next();
      http2?.retire(false);
    },

    drain() {
      draining = true;
      http2?.retire(true);
    },

    async close(graceMs) {
      draining = true;
      const closed = once(server, 'close');
      server.close();
      server.closeIdleConnections();
      http2?.close();
      // To Node a connection on which nothing came yet is not idle.
      for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy();
      const deadline = setTimeout(() => {
        server.closeAllConnections();
        // What was upgraded is none of the server's any more.
        for (const socket of sockets) socket.destroy();
      }, graceMs);
      await closed;
      clearTimeout(deadline);
    },
  };
};
