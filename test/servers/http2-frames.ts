/** HTTP/2 as bytes, for what no client library would send (RFC 9113, and RFC 7541 without its compression). */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type TLSSocket } from 'node:tls';
import { type Pair, readPair } from './certificates.ts';

export const frameTypes = { data: 0, headers: 1, rst: 3, settings: 4, ping: 6, goaway: 7, continuation: 9 } as const;
export type FrameType = keyof typeof frameTypes;
export const flags = { endStream: 1, ack: 1, endHeaders: 4 } as const;

export type Frame = Readonly<{ type: number; flags: number; stream: number; payload: Buffer }>;

export const frame = (type: FrameType, flag: number, stream: number, payload: Uint8Array = Buffer.alloc(0)): Buffer => {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = frameTypes[type];
  head[4] = flag;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
};

/** A length in seven bits, more where they do not suffice. */
const lengthOf = (text: string): Buffer => {
  const bytes: number[] = [];
  let rest = text.length;
  if (rest < 127) return Buffer.from([rest]);
  bytes.push(127);
  rest -= 127;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return Buffer.from([...bytes, rest]);
};

export type Field = readonly [name: string, value: string];

/** Each field as it is, never indexed. */
export const block = (fields: readonly Field[]): Buffer =>
  Buffer.concat(
    fields.flatMap(([name, value]) => [
      ...[Buffer.from([0]), lengthOf(name), Buffer.from(name, 'latin1')],
      ...[lengthOf(value), Buffer.from(value, 'latin1')],
    ]),
  );

const preface = Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), frame('settings', 0, 0)]);

export type RawHttp2 = Readonly<{
  socket: TLSSocket;
  send(...frames: readonly Buffer[]): void;
  /** What came so far. */
  frames(): readonly Frame[];
  isOver(): boolean;
}>;

/** The greeting is sent. Answers nothing by itself. */
export const openHttp2 = async (port: number, ca: string, own?: Pair): Promise<RawHttp2> => {
  const socket = connect({
    ...{ host: '127.0.0.1', port, ca: readFileSync(ca), ALPNProtocols: ['h2'] },
    ...(own && readPair(own)),
  });
  let bytes = Buffer.alloc(0);
  let over = false;
  socket
    .on('error', () => undefined)
    .on('close', () => {
      over = true;
    });
  await once(socket, 'secureConnect');
  socket.on('data', (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk]);
  });
  socket.write(preface);
  return {
    socket,
    send: (...frames) => void socket.write(Buffer.concat(frames)),
    frames() {
      const found: Frame[] = [];
      for (let at = 0; bytes.length - at >= 9; ) {
        const length = bytes.readUIntBE(at, 3);
        if (bytes.length - at < 9 + length) break;
        const payload = bytes.subarray(at + 9, at + 9 + length);
        found.push({
          type: bytes[at + 3] ?? 0,
          flags: bytes[at + 4] ?? 0,
          stream: bytes.readUInt32BE(at + 5),
          payload,
        });
        at += 9 + length;
      }
      return found;
    },
    isOver: () => over,
  };
};
