import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import type { Owner } from '../servers/last-resort.ts';

export type Asked = Readonly<{
  method: string;
  /** The request target as it was sent, query and all. */
  url: string;
  rawHeaders: readonly string[];
  header(name: string): string | undefined;
  body: Buffer;
}>;

export type Answer = Readonly<{
  status: number;
  headers?: Readonly<Record<string, string>>;
  /** A string goes out with its length, an iterable in chunks, for as long as the client reads. */
  body?: string | Iterable<string>;
  /** Cut the connection after this many characters of the body, of which the header promises all. */
  cutAfter?: number;
}>;

/** No answer cuts the connection. */
export type Respond = (asked: Asked) => Answer | undefined | Promise<Answer | undefined>;

export type Loopback = AsyncDisposable &
  Readonly<{
    url: string;
    port: number;
    /** Refuses connections, and cuts those that are open, until `recover`. */
    outage(): Promise<void>;
    recover(): Promise<void>;
    stop(): Promise<void>;
  }>;

/** An HTTP server on a free loopback port, stopped with its owner. */
export async function listen(respond: Respond, owner?: Owner): Promise<Loopback> {
  // Proxies keep connections for up to a minute and pass on long tokens.
  const options = { keepAliveTimeout: 75_000, maxHeaderSize: 128 * 1024 };
  const server = createServer(options, (request, response) => {
    // A client that went away in the middle is nothing to us.
    exchange(respond, request, response).catch(() => response.destroy());
  });
  const open = async (port: number) => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  };
  const close = async () => {
    if (!server.listening) return;
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  };
  await open(0);
  const { port } = server.address() as AddressInfo;
  owner?.after(close);
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    outage: close,
    recover: () => open(port),
    stop: close,
    [Symbol.asyncDispose]: close,
  };
}

async function exchange(respond: Respond, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method = '', url = '', rawHeaders } = request;
  const header = (name: string) => request.headers[name.toLowerCase()]?.toString();
  const answer = await respond({ method, url, rawHeaders, header, body: await buffer(request) });
  if (answer === undefined) {
    request.socket.destroy();
    return;
  }
  const { status, headers, body = '', cutAfter } = answer;
  if (typeof body !== 'string') {
    response.writeHead(status, headers);
    await pipeline(Readable.from(body), response);
    return;
  }
  response.writeHead(status, { 'content-length': Buffer.byteLength(body), ...headers });
  if (cutAfter === undefined) {
    response.end(body);
  } else {
    response.write(body.slice(0, cutAfter), () => request.socket.destroy());
  }
}

/** An answer in JSON. */
export const json = (status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): Answer => ({
  status,
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify(value),
});
