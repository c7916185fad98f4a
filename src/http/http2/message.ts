import type { ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import { AuthMessage } from '../auth-message.ts';
import type { RequestHead } from './request-head.ts';

/** A request over HTTP/2, as the doors know requests. Its `socket` is that of the connection: who calls is known by it. */
export class Http2Message extends AuthMessage {
  readonly #stream: ServerHttp2Stream;
  #lateTimer: NodeJS.Timeout | undefined;

  constructor(socket: Socket, stream: ServerHttp2Stream, { method, url, rawHeaders }: RequestHead, hasBody: boolean) {
    super(socket);
    this.#stream = stream;
    this.httpVersion = '2.0';
    this.httpVersionMajor = 2;
    this.httpVersionMinor = 0;
    this.method = method;
    this.url = url;
    this.rawHeaders = rawHeaders;
    const headers: Record<string, string> = {};
    for (let index = 0; index < rawHeaders.length; index += 2)
      this._addHeaderLine(rawHeaders[index] ?? '', rawHeaders[index + 1] ?? '', headers);
    this.headers = headers;
    if (hasBody) this.#takeBody();
    else this.#ends();
  }

  /** Calls back where the body has not come whole by then. */
  limitTo(timeoutMs: number, late: () => void): void {
    if (!this.complete) this.#lateTimer = setTimeout(late, timeoutMs).unref();
  }

  /** The stream has closed: of a body that is not whole there will be no more. */
  streamClosed(): void {
    clearTimeout(this.#lateTimer);
    if (!this.complete) this.destroy(new Error('aborted'));
  }

  override _read(): void {
    this.#stream.resume();
  }

  /** Unlike over HTTP/1.1, the connection is not one request's to end. */
  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    if (!this.complete || !this.readableEnded) {
      this.aborted = true;
      this.emit('aborted');
    }
    process.nextTick(() => callback(this.listenerCount('error') > 0 ? error : null));
  }

  #takeBody(): void {
    this.#stream.on('data', (chunk: Buffer) => {
      if (!this.destroyed && !this.push(chunk)) this.#stream.pause();
    });
    this.#stream.once('end', () => this.#ends());
  }

  #ends(): void {
    if (this.destroyed || this.#stream.aborted) return;
    clearTimeout(this.#lateTimer);
    this.complete = true;
    this.push(null);
  }
}
