import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { createIssuer, type Issuer, type IssuerOptions } from './issuer.ts';
import { type Answer, createRoutes } from './routes.ts';

export type IssuerServer = Readonly<{ url: string; issuer: Issuer; stop(): Promise<void> }>;

const largestBody = 64 * 1024;

/** Serves a sample issuer, on the loopback interface alone: it signs what anyone asks for. Port 0 is any free one. */
export async function start({ port = 0, ...options }: { port?: number } & IssuerOptions = {}): Promise<IssuerServer> {
  const server = createServer();
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const { port: open } = server.address() as AddressInfo;

  const issuer = await createIssuer(`http://127.0.0.1:${open}`, options);
  const routes = createRoutes(issuer);
  const answer = async (request: IncomingMessage): Promise<Answer> => {
    const { method = '', url = '', headers } = request;
    if (Number(headers['content-length'] ?? 0) > largestBody || headers['transfer-encoding'] !== undefined) {
      return { status: 413, body: '' };
    }
    return routes({ method, url, contentType: headers['content-type'] ?? '', body: await text(request) });
  };
  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    const { status, body } = await answer(request);
    response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
    response.end(body);
  };
  server.on('request', (request, response) => {
    // Broken off in the middle, or a bug: either way there is nothing to say.
    serve(request, response).catch(() => response.destroy());
  });
  return {
    url: issuer.url,
    issuer,
    stop: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
