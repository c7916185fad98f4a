/** Hands out what a caller needs to try the gate: a fresh token of play money, and a JWT. Loopback only. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Payer } from '../play-mint/payer.ts';
import type { Issuer } from '../sample-issuer/issuer.ts';

export type Counter = Readonly<{ url: string; stop(): Promise<void> }>;

const claims = {
  sub: 'ann',
  aud: 'demo',
  email: 'ann@example.com',
  roles: ['customer', 'beta'],
  scope: 'account',
};

export const startCounter = async (payer: Payer, issuer: Issuer, price: number, port: number): Promise<Counter> => {
  const goods: Readonly<Record<string, () => Promise<string>>> = {
    '/token': () => payer.token(price, { dleq: false }),
    '/jwt': () => issuer.issue(claims),
  };
  const server = createServer((request, response) => {
    const make = goods[request.url ?? ''];
    if (!make) return void response.writeHead(404).end(`Ask for ${Object.keys(goods).join(' or ')}.\n`);
    make().then(
      (good) => response.end(good),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async stop() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
};
