import { connect } from 'node:net';

export type RawExchange = Readonly<{
  /** All that came, one character a byte. */
  text: string;
  /** Who ended it: the server closed, what was waited for had come, or nothing more came in time. */
  ended: 'closed' | 'complete' | 'deadline';
}>;

export type RawOptions = Readonly<{
  port: number;
  /** When to stop reading. Without it, reading goes on until the server closes or the deadline. */
  until?: (text: string) => boolean;
  deadlineMs?: number;
  host?: string;
}>;

/**
 * Writes these very bytes to a socket, several parts as several packets, and reads what comes back.
 * Strings are taken as one byte a character. A refused or reset connection gives what had come until then.
 */
export function sendRaw(bytes: string | readonly string[], options: RawOptions): Promise<RawExchange> {
  const { port, until, deadlineMs = 5_000, host = '127.0.0.1' } = options;
  const parts = typeof bytes === 'string' ? [bytes] : bytes;
  return new Promise((resolve) => {
    let text = '';
    const socket = connect({ port, host, noDelay: true });
    const finish = (ended: RawExchange['ended']) => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ text, ended });
    };
    const timer = setTimeout(() => finish('deadline'), deadlineMs);
    const writeFrom = (index: number) => {
      const part = parts[index];
      if (part !== undefined) socket.write(part, 'latin1', () => setImmediate(writeFrom, index + 1));
    };
    socket.setEncoding('latin1');
    socket.once('connect', () => writeFrom(0));
    socket.on('data', (chunk: string) => {
      text += chunk;
      if (until?.(text)) finish('complete');
    });
    socket.on('error', () => finish('closed'));
    socket.once('close', () => finish('closed'));
  });
}

export type RawAnswer = Readonly<{
  status: number;
  /** Names as they were spelled, in order. */
  headers: readonly (readonly [name: string, value: string])[];
  body: string;
}>;

/**
 * The complete answers in what a server sent, one after the other: two answers to what ought to be one request are a
 * smuggled one. `bodiless`: the answers are to HEAD.
 */
export function parseAnswers(text: string, { bodiless = false } = {}): RawAnswer[] {
  const answers: RawAnswer[] = [];
  let rest = text;
  while (rest !== '') {
    const end = rest.indexOf('\r\n\r\n');
    if (end < 0) break;
    const [statusLine = '', ...lines] = rest.slice(0, end).split('\r\n');
    const status = Number(/^HTTP\/1\.[01] (\d{3})\b/.exec(statusLine)?.[1]);
    if (Number.isNaN(status)) break;
    const headers = lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon), line.slice(colon + 1).trim()] as const;
    });
    const empty = bodiless || status < 200 || status === 204 || status === 304;
    const body = empty ? { text: '', length: 0 } : bodyOf(rest.slice(end + 4), headers);
    if (body === undefined) break;
    answers.push({ status, headers, body: body.text });
    rest = rest.slice(end + 4 + body.length);
  }
  return answers;
}

/** Whether that many answers have come in full: the usual `until` of sendRaw. */
export const answered =
  (count = 1) =>
  (text: string) =>
    parseAnswers(text).length >= count;

function bodyOf(rest: string, headers: RawAnswer['headers']): { text: string; length: number } | undefined {
  const value = (name: string) => headers.find(([key]) => key.toLowerCase() === name)?.[1];
  if (value('transfer-encoding')?.toLowerCase() === 'chunked') return chunkedBody(rest);
  const length = value('content-length');
  if (length === undefined) return { text: rest, length: rest.length }; // ends with the connection
  return rest.length < Number(length) ? undefined : { text: rest.slice(0, Number(length)), length: Number(length) };
}

function chunkedBody(rest: string): { text: string; length: number } | undefined {
  let text = '';
  let at = 0;
  while (true) {
    const size = /^([0-9a-f]+)[^\r\n]*\r\n/i.exec(rest.slice(at));
    if (size === null) return undefined;
    const length = Number.parseInt(size[1] ?? '', 16);
    const start = at + size[0].length;
    if (rest.length < start + length + 2) return undefined;
    text += rest.slice(start, start + length);
    at = start + length + 2;
    if (length === 0) return { text, length: at };
  }
}
