import { constants, type ServerHttp2Stream, type ServerStreamResponseOptions } from 'node:http2';
import { AuthResponse } from '../auth-response.ts';
import type { Http2Message } from './message.ts';

declare module 'http' {
  interface OutgoingMessage {
    /** The head as text. Not in Node's documentation; a test holds us to it. */
    _header: string | null;
  }
}

/** RFC 9113 section 8.2.2. */
const ofConnection = new Set(['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade']);

const line = /^([^:\r\n]+): ?(.*)\r\n/gm;

/** The fields of a head that HTTP/1.1 would have sent. */
const fieldsOf = (status: number, head: string): string[] => {
  const fields = [':status', String(status)];
  for (const [, name = '', value = ''] of head.slice(head.indexOf('\n') + 1).matchAll(line)) {
    const lower = name.toLowerCase();
    if (!ofConnection.has(lower)) fields.push(lower, value);
  }
  return fields;
};

const isEmpty = (chunk: unknown): boolean =>
  typeof chunk === 'string' || chunk instanceof Uint8Array ? chunk.length === 0 : true;

const encodingOf = (given: unknown): BufferEncoding =>
  typeof given === 'string' && Buffer.isEncoding(given) ? given : 'utf8';

type Callback = () => void;
const callbackAmong = (...given: readonly unknown[]): Callback | undefined =>
  given.find((one): one is Callback => typeof one === 'function');

/** An answer over HTTP/2. Its head is made and checked as that of HTTP/1.1 is, so that no answer can differ by the protocol. */
export class Http2Response extends AuthResponse {
  readonly #stream: ServerHttp2Stream;
  #fields: string[] = [];
  #begun = false;

  constructor(message: Http2Message, stream: ServerHttp2Stream) {
    super(message);
    this.#stream = stream;
    this.useChunkedEncodingByDefault = false;
    stream.on('drain', () => this.emit('drain'));
    stream.once('finish', () => {
      this.emit('finish');
      // What is left of the request is wanted by nobody.
      if (!message.complete && !stream.closed) stream.close(constants.NGHTTP2_NO_ERROR);
    });
    stream.once('close', () => {
      this.destroyed = true;
      message.streamClosed();
      this.emit('close');
    });
  }

  override _storeHeader(lines: string, headers: Parameters<AuthResponse['_storeHeader']>[1]): void {
    super._storeHeader(lines, headers);
    this.#fields = fieldsOf(this.statusCode, this._header ?? '');
  }

  override writeContinue(): void {
    if (this.#isOpen) this.#stream.additionalHeaders({ ':status': constants.HTTP_STATUS_CONTINUE });
  }

  override flushHeaders(): void {
    if (!this.headersSent) this.writeHead(this.statusCode);
    if (this.#begin(false, { waitForTrailers: true })) this.#stream.once('wantTrailers', this.#bodyEnded);
  }

  override write(chunk: unknown, encoding?: unknown, callback?: unknown): boolean {
    this.flushHeaders();
    if (!this.#isOpen || !this.#hasBody) return true;
    return this.#stream.write(chunk, encodingOf(encoding), callbackAmong(encoding, callback));
  }

  override end(chunk?: unknown, encoding?: unknown, callback?: unknown): this {
    if (this.finished) return this;
    if (!this.headersSent) this.writeHead(this.statusCode);
    this.finished = true;
    const ended = callbackAmong(chunk, encoding, callback);
    if (ended) this.once('finish', ended);
    const isOver = isEmpty(chunk) || !this.#hasBody;
    const begins = this.#begin(isOver);
    if (!this.#isOpen) return this;
    if (!isOver) this.#stream.end(chunk, encodingOf(encoding));
    else if (!begins) this.#stream.end();
    return this;
  }

  /** What was begun must not look whole. */
  override destroy(): this {
    if (this.destroyed) return this;
    this.destroyed = true;
    if (!this.#stream.closed) this.#stream.close(constants.NGHTTP2_INTERNAL_ERROR);
    return this;
  }

  get #isOpen(): boolean {
    return !this.#stream.destroyed && !this.#stream.closed;
  }

  get #hasBody(): boolean {
    return this.req.method !== 'HEAD' && this.statusCode !== 204 && this.statusCode !== 304;
  }

  /** False where it has begun before, or nobody listens any more. */
  #begin(endStream: boolean, options: ServerStreamResponseOptions = {}): boolean {
    if (this.#begun || !this.#isOpen) return false;
    this.#begun = true;
    this.#stream.respond(this.#fields, { ...options, endStream });
    return true;
  }

  /** By itself node:http2 would end the stream well before it resets it: what was given up would look whole. */
  readonly #bodyEnded = (): void => {
    if (!this.destroyed) this.#stream.sendTrailers({});
  };
}
