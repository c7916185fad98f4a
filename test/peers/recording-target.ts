import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { TLSSocket } from 'node:tls';
import { type Pair, readPair } from '../servers/certificates.ts';
import type { Owner } from '../servers/last-resort.ts';

/** What reached the target. */
export type Recorded = Readonly<{
  method: string;
  /** The request target as it came. */
  url: string;
  /** Names as they were spelled and values, in turn. */
  rawHeaders: readonly string[];
  /** The values under a name in any case. */
  values(name: string): readonly string[];
  body: string;
  /** By TLS, the name that the client asked for. */
  servername: string | undefined;
  /** By TLS, the common name of the certificate that the client showed. */
  client: string | undefined;
  /** Tells connections apart. */
  connection: number;
}>;

/** Answers in place of the target: `body` has been read and recorded, unless the behaviour is `raw`. */
export type Behaviour = (request: IncomingMessage, response: ServerResponse) => void;

export type RecordingTarget = Readonly<{
  url: string;
  port: number;
  calls: readonly Recorded[];
  /** The latest call; fails where there was none. */
  latest(): Recorded;
  /** From now on it answers so; without one it answers 200 and `ok`. `raw`: at once, its body unread and unrecorded. */
  behave(behaviour?: Behaviour, options?: { raw?: boolean }): void;
  connections(): number;
  stop(): Promise<void>;
}>;

export type RecordingOptions = Readonly<{
  owner: Owner;
  /** Speaks TLS, by this certificate. */
  tls?: Pair;
  /** Path of the authority of those who may call, by TLS. */
  clientCa?: string;
  /** A free one without it. */
  port?: number;
}>;

const answerOk: Behaviour = (_request, response) => {
  response.writeHead(200, { 'Content-Type': 'text/plain', 'X-Answered-By': 'target' }).end('ok');
};

/** A service that records what it gets, over real sockets. */
export const startRecordingTarget = async ({
  owner,
  tls,
  clientCa,
  port = 0,
}: RecordingOptions): Promise<RecordingTarget> => {
  const calls: Recorded[] = [];
  const numbers = new WeakMap<object, number>();
  let connections = 0;
  let behaviour = answerOk;
  let isRaw = false;

  const record = (request: IncomingMessage, body: string): void => {
    const { method = '', url = '', rawHeaders, socket } = request;
    const values = (name: string) =>
      rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === name.toLowerCase());
    const servername = 'servername' in socket && typeof socket.servername === 'string' ? socket.servername : undefined;
    const client =
      socket instanceof TLSSocket ? socket.getPeerX509Certificate()?.subject.replace('CN=', '') : undefined;
    calls.push({ client, method, url, rawHeaders, values, body, servername, connection: numbers.get(socket) ?? 0 });
  };

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chosen = behaviour;
    if (!isRaw) record(request, (await buffer(request)).toString());
    chosen(request, response);
  };

  const listener: RequestListener = (request, response) => {
    // A caller that left in the middle is nothing to us.
    answer(request, response).catch(() => response.destroy());
  };
  const clients = clientCa === undefined ? {} : { ca: readFileSync(clientCa), requestCert: true };
  const options = { keepAliveTimeout: 75_000, maxHeaderSize: 128 * 1024 };
  const server = tls
    ? createSecureServer({ ...options, ...readPair(tls), ...clients }, listener)
    : createServer(options, listener);
  server.on(tls ? 'secureConnection' : 'connection', (socket: object) => {
    connections += 1;
    numbers.set(socket, connections);
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const { port: bound } = server.address() as AddressInfo;
  const stop = async () => {
    if (!server.listening) return;
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  };
  owner.after(stop);

  return {
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${bound}`,
    port: bound,
    calls,
    latest() {
      const call = calls.at(-1);
      if (!call) throw new Error('nothing has reached the target');
      return call;
    },
    behave(next = answerOk, { raw = false } = {}) {
      behaviour = next;
      isRaw = raw;
    },
    connections: () => connections,
    stop,
  };
};
