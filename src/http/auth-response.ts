const { ServerResponse, STATUS_CODES } = process.getBuiltinModule('node:http');

declare module 'http' {
  interface OutgoingMessage {
    /** Makes the head of the lines given and the headers. Not in Node's documentation; a test holds us to it. */
    _storeHeader(lines: string, headers: OutgoingHttpHeaders): void;
  }
}

let waiting: (() => void)[] = [];
const preparations = new Set<() => void>();

/** Calls `prepare`, which must not throw, before answers are sent that have become ready. Gives how to end that. */
export const beforeSending = (prepare: () => void): (() => void) => {
  preparations.add(prepare);
  return () => preparations.delete(prepare);
};

/** Sends what is ready now, for whoever is about to end a connection. */
export const sendReady = (): void => {
  for (const prepare of preparations) prepare();
  const ready = waiting;
  waiting = [];
  for (const send of ready) send();
};

/**
 * What becomes ready in one turn of the event loop is sent at its end, one after another: a proxy that waits is woken once
 * and finds them all. To be woken for each one costs both sides more than the decision.
 */
export const sendLater = (send: () => void): void => {
  if (waiting.length === 0) setImmediate(sendReady);
  waiting.push(send);
};

/** RFC 9110 sections 5.1 and 5.5; bytes above 7F are anybody's. */
const goodName = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const badValue = /[^\t\x20-\x7e\x80-\xff]/;

export const isContentLength = (name: string): boolean => name.length === 14 && name.toLowerCase() === 'content-length';
const isDate = (name: string): boolean => name.length === 4 && name.toLowerCase() === 'date';

/**
 * A response that takes its headers as lines that are written already. To check and write fifteen headers for each one
 * costs node:http as much as a whole decision (docs/decisions/0002).
 */
export class AuthResponse extends ServerResponse {
  /**
   * Sends everything, where nothing was set or sent before: from here on `headersSent` is true. `lines` are complete header
   * lines, without `Content-Length`.
   */
  send(status: number, lines: string, body: string): void {
    this.statusCode = status;
    const length = Buffer.byteLength(body);
    this._storeHeader(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines}`, { 'Content-Length': length });
    sendLater(() => this.end(body));
  }

  /**
   * As `send`, of headers that a target sent: name, value, name, value, each byte a character, none of them of the connection.
   * False where one of them cannot be written: then nothing was done.
   */
  sendAnswer(status: number, headers: readonly string[], body: Buffer): boolean {
    let lines = '';
    for (let index = 0; index < headers.length; index += 2) {
      const name = headers[index] ?? '';
      if (isContentLength(name)) continue;
      const value = headers[index + 1] ?? '';
      if (!goodName.test(name) || badValue.test(value)) return false;
      if (isDate(name)) this.sendDate = false;
      lines += `${name}: ${value}\r\n`;
    }
    this.statusCode = status;
    const start = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'unknown'}\r\n`;
    this._storeHeader(start + lines, { 'Content-Length': body.length });
    // As text of single bytes, for that is written together with the head.
    const text = body.toString('latin1');
    sendLater(() => this.end(text, 'latin1'));
    return true;
  }
}
