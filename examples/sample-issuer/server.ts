import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { createIssuer, type Issuer, type IssuerOptions } from './issuer.ts';
import { type Answer, type Asked, createRoutes } from './routes.ts';

export type IssuerServer = Readonly<{ url: string; issuer: Issuer; stop(): Promise<void> }>;

const largestBody = 64 * 1024;

export type Serving = Readonly<{ url: string; stop(): Promise<void> }>;

/** On the loopback interface alone: a sample issuer signs what anyone asks for. Port 0 is any free one. */
export async function serve(
  port: number,
  routesAt: (url: string) => Promise<(asked: Asked) => Promise<Answer>>,
): Promise<Serving> {
  const server = createServer();
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const { port: open } = server.address() as AddressInfo;

  const url = `http://127.0.0.1:${open}`;
  const routes = await routesAt(url);
  const answer = async (request: IncomingMessage): Promise<Answer> => {
    const { method = '', url: target = '', headers } = request;
    if (Number(headers['content-length'] ?? 0) > largestBody || headers['transfer-encoding'] !== undefined) {
      return { status: 413, body: '' };
    }
    const { 'content-type': contentType = '', authorization = '' } = headers;
    return routes({ method, url: target, contentType, authorization, body: await text(request) });
  };
  const respond = async (request: IncomingMessage, response: ServerResponse) => {
    const { status, body } = await answer(request);
    response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
    response.end(body);
  };
  server.on('request', (request, response) => {
    // Broken off in the middle, or a bug: either way there is nothing to say.
    respond(request, response).catch(() => response.destroy());
  });
  return {
    url,
    stop: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

/** Serves a sample issuer. */
export async function start({ port = 0, ...options }: { port?: number } & IssuerOptions = {}): Promise<IssuerServer> {
  const made: Issuer[] = [];
  const serving = await serve(port, async (url) => {
    const issuer = await createIssuer(url, options);
    made.push(issuer);
    return createRoutes(issuer);
  });
  const [issuer] = made;
  if (!issuer) throw new Error('unreachable: whoever serves has an issuer');
  return { ...serving, issuer };
}
