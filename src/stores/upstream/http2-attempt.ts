import { type ClientHttp2Session, type ClientHttp2Stream, constants, type OutgoingHttpHeaders } from 'node:http2';
import type { AnswerReceiver, Sending, Upstream, UpstreamCall, UpstreamFault } from '../../egress/upstream.ts';
import { CallBody } from './call-body.ts';

/** Of this name the stream is reset with CANCEL. */
class Cancelled extends Error {
  override name = 'AbortError';
}

type Failure = Pick<UpstreamFault, 'failure' | 'message' | 'cause'>;

/** Names are in lower case in HTTP/2 (RFC 9113, 8.2.1), and a name that comes twice stays twice. */
const headersOf = (call: UpstreamCall, authority: string): OutgoingHttpHeaders => {
  const { method, path, headers, body, bodyLength } = call;
  // Without what every object inherits: `constructor` is a name like any other.
  const written: OutgoingHttpHeaders = Object.assign(Object.create(null), {
    ':method': method,
    ':path': path,
    ':scheme': 'https',
    ':authority': authority,
  });
  for (let at = 0; at < headers.length; at += 2) {
    const name = headers[at]?.toLowerCase() ?? '';
    const value = headers[at + 1] ?? '';
    const before = written[name];
    written[name] = before === undefined ? value : [before].flat().map(String).concat(value);
  }
  const length = Buffer.isBuffer(body) ? body.length : bodyLength;
  if (length !== undefined) written['content-length'] = String(length);
  return written;
};

/** As the port wants them: pseudo-headers left out, and each value of its own. */
const listOf = (headers: Readonly<Record<string, string | string[] | number | undefined>>): string[] =>
  Object.entries(headers).flatMap(([name, values = []]) =>
    name.startsWith(':') ? [] : [values].flat().flatMap((value) => [name, String(value)]),
  );

/**
 * Whether the answer had its END_STREAM. Node ends one that is reset without an error code as if it were whole; its stream is
 * closed by then, and that of a whole one is not yet.
 */
const watchEnd = (stream: ClientHttp2Stream): (() => boolean) => {
  const push = stream.push.bind(stream);
  let isWhole = false;
  stream.push = (chunk, encoding) => {
    if (chunk === null) isWhole ||= !stream.closed;
    return push(chunk, encoding);
  };
  return () => isWhole;
};

/** One stream of a connection, or the wait for a connection. */
export class Http2Attempt implements Sending {
  readonly #call: UpstreamCall;
  readonly #receiver: AnswerReceiver;
  readonly #body: CallBody | undefined;
  readonly #timer: NodeJS.Timeout;
  #stream: ClientHttp2Stream | undefined;
  /** The target speaks HTTP/1.1: the attempt is made there. */
  #elsewhere: Sending | undefined;
  #isWhole = (): boolean => false;
  #awaited: number | undefined;
  #isPaused = false;
  isOver = false;
  /** The target stood still: perhaps its connection is dead. */
  onStill: () => void = () => undefined;

  constructor(call: UpstreamCall, receiver: AnswerReceiver) {
    const { body, timeoutMs } = call;
    this.#call = call;
    this.#receiver = receiver;
    this.#body = body === undefined || Buffer.isBuffer(body) ? undefined : new CallBody(body);
    this.#timer = setTimeout(() => this.#standsStill(), timeoutMs);
  }

  pause(): void {
    this.#isPaused = true;
    (this.#elsewhere ?? this.#stream)?.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#timer.refresh();
    (this.#elsewhere ?? this.#stream)?.resume();
  }

  abort(): void {
    if (this.#elsewhere) this.#elsewhere.abort();
    else this.fail({ failure: 'aborted', message: 'the call was given up' });
  }

  /** Throws nothing: what cannot be written down is a fault. */
  start(session: ClientHttp2Session, authority: string): ClientHttp2Stream | undefined {
    const { body } = this.#call;
    let stream: ClientHttp2Stream;
    try {
      stream = session.request(headersOf(this.#call, authority), { endStream: body === undefined });
    } catch (cause) {
      const isOfSession = session.closed || session.destroyed;
      const failure = isOfSession ? 'unreachable' : 'internal';
      queueMicrotask(() => this.fail({ failure, message: 'the call cannot be sent', cause }));
      return undefined;
    }
    this.#stream = stream;
    this.#isWhole = watchEnd(stream);
    stream.on('response', (headers) => this.#head(stream, headers));
    stream.on('data', (chunk: Buffer) => {
      if (this.isOver) return;
      this.#timer.refresh();
      if (this.#awaited !== undefined) this.#awaited -= chunk.length;
      this.#receiver.data(chunk);
    });
    stream.on('end', () => this.#end(stream));
    stream.on('error', (cause: Error) => this.fail({ failure: 'reset', message: cause.message, cause }));
    stream.on('close', () => this.fail({ failure: 'reset', message: `the stream ended (code ${stream.rstCode})` }));
    if (this.#isPaused) stream.pause();
    if (Buffer.isBuffer(body)) stream.end(body);
    else if (this.#body) this.#write(stream, this.#body);
    return stream;
  }

  startElsewhere(upstream: Upstream): void {
    clearTimeout(this.#timer);
    this.isOver = true;
    this.#elsewhere = upstream.send(this.#call, this.#receiver);
    if (this.#isPaused) this.#elsewhere.pause();
  }

  fail(failure: Failure): void {
    if (this.isOver) return;
    this.#finish();
    this.#cancel();
    this.#receiver.fail({ ...failure, sent: this.#stream !== undefined });
  }

  #write(stream: ClientHttp2Stream, body: CallBody): void {
    body.on('data', (chunk: Buffer) => {
      this.#timer.refresh();
      if (!stream.write(chunk)) body.pause();
    });
    body.on('end', () => stream.end());
    body.on('error', (cause: Error) => this.fail({ failure: 'body', message: cause.message, cause }));
    stream.on('drain', () => {
      this.#timer.refresh();
      if (!body.destroyed) body.resume();
    });
    body.resume();
  }

  #head(stream: ClientHttp2Stream, headers: Readonly<Record<string, string | string[] | number | undefined>>): void {
    if (this.isOver) return;
    this.#timer.refresh();
    const status = Number(headers[':status']);
    const length = headers['content-length'];
    const hasBody = this.#call.method !== 'HEAD' && status !== 304;
    this.#awaited = hasBody && length !== undefined ? Number(length) : undefined;
    this.#receiver.head(status, listOf(headers));
    if (this.#isPaused) stream.pause();
  }

  /** Comes after a reset as well, and after the end of a connection. */
  #end(stream: ClientHttp2Stream): void {
    if (this.isOver) return;
    const isMissing = this.#awaited !== undefined && this.#awaited !== 0;
    if (!this.#isWhole() || isMissing || stream.rstCode !== constants.NGHTTP2_NO_ERROR) {
      this.fail({ failure: 'reset', message: `the answer broke off (code ${stream.rstCode})` });
      return;
    }
    this.#finish();
    // What the target has answered without, it does not want any more.
    if (!stream.writableEnded) this.#cancel();
    this.#receiver.end();
  }

  /** Node's `close` ends the body first, so that the part of it that the target has would look like all. */
  #cancel(): void {
    this.#stream?.destroy(new Cancelled());
  }

  /** It is the target's fault only where neither the caller's body nor the caller's reading is waited for. */
  #standsStill(): void {
    if (this.#isPaused || this.#body?.waitsForCaller) {
      this.#timer.refresh();
      return;
    }
    this.onStill();
    this.fail({ failure: 'timeout', message: `nothing from the target within ${this.#call.timeoutMs} ms` });
  }

  #finish(): void {
    this.isOver = true;
    clearTimeout(this.#timer);
    this.#body?.destroy();
  }
}
