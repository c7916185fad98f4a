/**
 * A caller that costs next to nothing: the same HTTP/2 frames again and again, of which only the stream's number changes. It
 * counts trailers. Arguments: port, seconds, connections, calls at once on each, and the message as hexadecimal digits. What it
 * has measured it prints as JSON.
 */
import { connect, type Socket } from 'node:net';

const [port, seconds, connections, atOnce] = process.argv.slice(2, 6).map(Number);
if (!port || !seconds || !connections || !atOnce) throw new Error('port, seconds, connections, calls at once, message');

const HEAD = 9;
const DATA = 0;
const HEADERS = 1;
const SETTINGS = 4;
const PING = 6;
const WINDOW_UPDATE = 8;
const END_STREAM = 1;
const END_HEADERS = 4;
const ACK = 1;

const frame = (type: number, flags: number, stream: number, payload: Buffer): Buffer => {
  const head = Buffer.alloc(HEAD);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
};

/** HPACK, without a table: RFC 7541 section 6.2.2. */
const literal = (name: string, value: string): Buffer =>
  Buffer.concat([Buffer.from([0, name.length]), Buffer.from(name), Buffer.from([value.length]), Buffer.from(value)]);

const headers = Buffer.concat([
  Buffer.from([0x83, 0x86]), // POST, http
  literal(':path', '/envoy.service.auth.v3.Authorization/Check'),
  literal(':authority', 'sallyport'),
  literal('content-type', 'application/grpc'),
  literal('te', 'trailers'),
  literal('grpc-timeout', '10000m'),
]);
const message = Buffer.from(process.argv[6] ?? '', 'hex');
const prefix = Buffer.alloc(5);
prefix.writeUInt32BE(message.length, 1);
const body = Buffer.concat([prefix, message]);

const nothing = Buffer.alloc(0);
const number = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value, 0);
  return bytes;
};

let counting = false;
let answers = 0;
let unexpected = 0;
const waitedMs: number[] = [];

class Caller {
  readonly #socket: Socket;
  #next = 1;
  #received: Buffer = nothing;
  #sending: Buffer[] = [
    Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
    frame(SETTINGS, 0, 0, nothing),
    // Answers may be as many as they like.
    frame(WINDOW_UPDATE, 0, 0, number(0x7f00_0000)),
  ];
  readonly #sentAt = new Map<number, number>();

  constructor(to: number) {
    this.#socket = connect({ port: to, host: '127.0.0.1', noDelay: true });
    this.#socket.on('data', (bytes: Buffer) => this.#take(bytes));
    this.#socket.on('error', (error) => {
      throw error;
    });
  }

  call(): void {
    this.#sending.push(frame(HEADERS, END_HEADERS, this.#next, headers), frame(DATA, END_STREAM, this.#next, body));
    this.#sentAt.set(this.#next, performance.now());
    this.#next += 2;
  }

  flush(): void {
    if (this.#sending.length > 0) this.#socket.write(Buffer.concat(this.#sending));
    this.#sending = [];
  }

  #take(bytes: Buffer): void {
    const all = this.#received.length === 0 ? bytes : Buffer.concat([this.#received, bytes]);
    let at = 0;
    while (all.length - at >= HEAD) {
      const length = all.readUIntBE(at, 3);
      if (all.length - at < HEAD + length) break;
      this.#frame(
        all[at + 3] ?? 0,
        all[at + 4] ?? 0,
        all.readUInt32BE(at + 5),
        all.subarray(at + HEAD, at + HEAD + length),
      );
      at += HEAD + length;
    }
    this.#received = all.subarray(at);
    this.flush();
  }

  #frame(type: number, flags: number, stream: number, payload: Buffer): void {
    switch (type) {
      case HEADERS:
        if (flags & END_STREAM) this.#answered(stream);
        return;
      case SETTINGS:
        if (!(flags & ACK)) this.#sending.push(frame(SETTINGS, ACK, 0, nothing));
        return;
      case PING:
        if (!(flags & ACK)) this.#sending.push(frame(PING, ACK, 0, payload));
        return;
      case DATA:
      case WINDOW_UPDATE:
        return;
      default:
        unexpected += 1;
    }
  }

  #answered(stream: number): void {
    const sentAt = this.#sentAt.get(stream);
    this.#sentAt.delete(stream);
    if (counting && sentAt !== undefined) {
      answers += 1;
      waitedMs.push(performance.now() - sentAt);
    }
    this.call();
  }
}

for (let opened = 0; opened < connections; opened++) {
  const caller = new Caller(port);
  for (let begun = 0; begun < atOnce; begun++) caller.call();
  caller.flush();
}

const WARM_UP_MS = 300;

setTimeout(() => {
  counting = true;
  const startedAt = performance.now();
  setTimeout(() => {
    const requestsPerSecond = (answers / (performance.now() - startedAt)) * 1_000;
    const p99Ms = waitedMs.sort((a, b) => a - b)[Math.floor(waitedMs.length * 0.99)];
    console.log(JSON.stringify({ requestsPerSecond, p99Ms, unexpected }));
    process.exit();
  }, seconds * 1_000);
}, WARM_UP_MS);
