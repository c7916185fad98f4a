import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { createMint, type PlayMint } from './mint.ts';
import { type Answer, createRoutes, type RouteOptions } from './routes.ts';

export type PlayMintServer = Readonly<{ url: string; mint: PlayMint; stop(): Promise<void> }>;

const largestBody = 1024 * 1024;

/** Serves a play mint, on the loopback interface alone: it gives money to everyone. Port 0 is any free one. */
export async function start({
  port = 0,
  mint = createMint(),
  ...options
}: { port?: number; mint?: PlayMint } & RouteOptions = {}): Promise<PlayMintServer> {
  const routes = createRoutes(mint, options);
  const answer = async (request: IncomingMessage): Promise<Answer> => {
    const { method = '', url = '', headers } = request;
    if (Number(headers['content-length'] ?? 0) > largestBody || headers['transfer-encoding'] !== undefined) {
      return { status: 413, body: '' };
    }
    return routes({ method, url, body: await text(request) });
  };
  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    const { status, body } = await answer(request);
    response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
    response.end(body);
  };
  const server = createServer((request, response) => {
    // Broken off in the middle, or a bug of the mint's: either way there is nothing to say.
    serve(request, response).catch(() => response.destroy());
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const { port: open } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${open}`,
    mint,
    stop: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
