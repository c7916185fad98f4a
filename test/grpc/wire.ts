/** A gRPC listener of our own in this process, with methods that the tests make, and calls that no client library would send. */
import { type ClientHttp2Session, connect, type IncomingHttpHeaders } from 'node:http2';
import { type GrpcListening, type GrpcOptions, listenGrpc } from '../../src/grpc/server/listener.ts';
import type { Owner } from '../servers/last-resort.ts';

export const startListener = async (
  owner: Owner,
  options: Pick<GrpcOptions, 'methods'> & Partial<GrpcOptions>,
): Promise<GrpcListening & { errors: unknown[] }> => {
  const errors: unknown[] = [];
  const listening = await listenGrpc({
    host: '127.0.0.1',
    port: 0,
    maxMessageBytes: 1_000,
    certificates: undefined,
    minVersion: 'TLSv1.2',
    handshakeTimeoutMs: 10_000,
    messageTimeoutMs: 10_000,
    peerOf: () => ({ ip: '127.0.0.1', trusted: true }),
    sendLater: setImmediate,
    onError: (error) => errors.push(error),
    ...options,
  });
  owner.after(() => listening.close(0));
  return { ...listening, errors };
};

export const openSession = (port: number, owner: Owner): ClientHttp2Session => {
  const session = connect(`http://127.0.0.1:${port}`);
  session.on('error', () => undefined);
  owner.after(async () => session.destroy());
  return session;
};

export const framed = (message: Buffer, flag = 0): Buffer => {
  const prefix = Buffer.alloc(5);
  prefix[0] = flag;
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
};

export type RawAnswer = Readonly<{
  head: IncomingHttpHeaders;
  trailers: IncomingHttpHeaders;
  body: Buffer;
  rstCode: number;
}>;

/** One call as it is written. `pieces` are sent one after another; `undefined` at their end leaves the call open. */
export const callRaw = (
  session: ClientHttp2Session,
  headers: Readonly<Record<string, string>>,
  pieces: readonly (Buffer | undefined)[] = [framed(Buffer.alloc(0))],
): Promise<RawAnswer> =>
  new Promise((resolve) => {
    const stream = session.request({
      ':method': 'POST',
      ':path': '/test.Test/Echo',
      'content-type': 'application/grpc',
      te: 'trailers',
      ...headers,
    });
    let head: IncomingHttpHeaders = {};
    let trailers: IncomingHttpHeaders = {};
    const body: Buffer[] = [];
    stream.on('response', (received) => {
      head = received;
    });
    stream.on('trailers', (received) => {
      trailers = received;
    });
    stream.on('data', (piece: Buffer) => body.push(piece));
    stream.on('error', () => undefined);
    stream.on('close', () => resolve({ head, trailers, body: Buffer.concat(body), rstCode: stream.rstCode ?? 0 }));
    for (const piece of pieces) if (piece) stream.write(piece);
    if (pieces.at(-1) !== undefined || pieces.length === 0) stream.end();
  });

/** The code that a call ended with, wherever it stands. */
export const statusOf = ({ head, trailers }: RawAnswer): number =>
  Number(head['grpc-status'] ?? trailers['grpc-status'] ?? Number.NaN);
