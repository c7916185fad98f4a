/** The tiny application behind nginx: shows which headers the gate let through. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Application = Readonly<{ url: string; port: number; stop(): Promise<void> }>;

const shown = /^(?:x-user|x-auth|x-api|x-payment|authorization|x-cashu)/;

export const startApplication = async (): Promise<Application> => {
  const server = createServer((request, response) => {
    const headers = Object.entries(request.headers).filter(([name, value]) => shown.test(name) && value !== '');
    const lines = headers.map(([name, value]) => `  ${name}: ${value}`);
    response.setHeader('Content-Type', 'text/plain');
    response.end([`${request.method} ${request.url} reached the application with`, ...lines, ''].join('\n'));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    async stop() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
};
