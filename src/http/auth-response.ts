import { type OutgoingHttpHeaders, ServerResponse } from 'node:http';

declare module 'http' {
  interface OutgoingMessage {
    /** Composes the head from the status line and the headers. Not in Node's documentation; a test holds us to it. */
    _storeHeader(statusLine: string, headers: OutgoingHttpHeaders): void;
  }
}

/**
 * A response that takes its headers as lines that are written already. To check and write fifteen headers for each one
 * costs node:http as much as a whole decision (docs/decisions/0002).
 */
export class AuthResponse extends ServerResponse {
  #lines = '';

  /** Sends everything. `lines` are complete header lines, without `Content-Length`. */
  send(status: number, lines: string, body: string): void {
    this.#lines = lines;
    this.writeHead(status, { 'Content-Length': Buffer.byteLength(body) });
    this.end(body);
  }

  override _storeHeader(statusLine: string, headers: OutgoingHttpHeaders): void {
    super._storeHeader(statusLine + this.#lines, headers);
  }
}
