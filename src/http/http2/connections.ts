/** HTTP/2 on a listener that speaks HTTP/1.1 as well: connections, and the requests on them (RFC 9113). */
import { constants, performServerHandshake, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import { Http2Message } from './message.ts';
import { readHead } from './request-head.ts';
import { Http2Response } from './response.ts';

export type Http2Options = Readonly<{
  /** How long a request with its body may take to arrive. */
  readTimeoutMs: number;
  /** How long a stream may stand still. */
  writeTimeoutMs: number;
  /** How long a connection may be without a request. */
  idleMs: number;
  maxHeaderBytes: number;
  maxHeaderLines: number;
  /** Whether whoever answers says itself when an expected body may come. */
  invitesBody(message: Http2Message): boolean;
  /** Whether its body has no fixed time, as that of an upload that streams. */
  isSlow(message: Http2Message): boolean;
  answer(message: Http2Message, response: Http2Response): void;
}>;

export type Http2Connections = Readonly<{
  take(socket: TLSSocket): void;
  /** Goes on answering, but asks every caller to come back on a new connection: those of now, and with `andNew` those to come. */
  retire(andNew: boolean): void;
  /** Lets requests finish and takes no others. */
  close(): void;
}>;

const CONCURRENT_REQUESTS = 250;
/** Of one body; the rest waits at the sender. */
const WINDOW_BYTES = 256 * 1024;
/** By then a caller that was asked to come back has done so. */
const LEAVE_MS = 5_000;
/** By then a new connection has its first requests. */
const FIRST_REQUESTS_MS = 100;

/**
 * A GOAWAY at once would leave out requests that are on their way. Whoever has acknowledged that no more are taken has sent
 * the last one before, and that one is here.
 */
const askToComeBack = (session: ServerHttp2Session): void => {
  if (session.closed || session.destroyed) return;
  const timer = setTimeout(() => session.close(), LEAVE_MS).unref();
  session.once('close', () => clearTimeout(timer));
  session.settings({ maxConcurrentStreams: 0 }, () => {
    if (!session.closed && !session.destroyed) session.close();
  });
};

const settingsOf = ({ maxHeaderBytes, maxHeaderLines }: Http2Options) => ({
  maxHeaderListPairs: maxHeaderLines,
  maxSessionMemory: 16,
  settings: {
    enablePush: false,
    initialWindowSize: WINDOW_BYTES,
    maxConcurrentStreams: CONCURRENT_REQUESTS,
    maxHeaderListSize: maxHeaderBytes,
  },
});

/** As HTTP/1.1 would count it: each line with its separators. */
const sizeOf = (raw: readonly string[]): number => raw.reduce((sum, part) => sum + part.length + 2, 0);

export const createHttp2 = (options: Http2Options): Http2Connections => {
  const open = new Set<ServerHttp2Session>();
  let retiring = false;

  const onStream = (socket: TLSSocket, stream: ServerHttp2Stream, flags: number, raw: readonly string[]): void => {
    // Cut by its caller, which is no fault of ours.
    stream.on('error', () => undefined);
    const hasBody = (flags & constants.NGHTTP2_FLAG_END_STREAM) === 0;
    // Whoever has not acknowledged our SETTINGS is held to no limit of theirs.
    const head = sizeOf(raw) > options.maxHeaderBytes ? 431 : (readHead(raw, hasBody) ?? 400);
    if (typeof head === 'number') {
      stream.respond({ ':status': head, 'content-length': 0 }, { endStream: true });
      return;
    }
    const message = new Http2Message(socket, stream, head, hasBody);
    const response = new Http2Response(message, stream);
    stream.setTimeout(options.writeTimeoutMs, () => {
      const isHeard = (!message.complete && message.emit('timeout')) || response.emit('timeout');
      if (!isHeard) stream.close(constants.NGHTTP2_CANCEL);
    });
    message.limitTo(options.readTimeoutMs, () => {
      if (!options.isSlow(message)) stream.close(constants.NGHTTP2_CANCEL);
    });
    if (message.headers.expect === '100-continue' && !options.invitesBody(message)) response.writeContinue();
    options.answer(message, response);
  };

  return {
    take(socket) {
      const session = performServerHandshake(socket, settingsOf(options));
      open.add(session);
      session.once('close', () => open.delete(session));
      // A connection that breaks, or speaks something else, takes its own requests with it and nothing more.
      session.on('error', () => undefined);
      session.on('stream', (stream: ServerHttp2Stream, _headers: unknown, flags: number, raw: string[]) =>
        onStream(socket, stream, flags, raw),
      );
      session.setTimeout(options.idleMs, () => session.close());
      if (retiring) setTimeout(askToComeBack, FIRST_REQUESTS_MS, session).unref();
    },

    retire(andNew) {
      retiring ||= andNew;
      for (const session of open) askToComeBack(session);
    },

    close() {
      for (const session of open) session.close();
    },
  };
};
