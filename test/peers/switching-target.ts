/** A target that switches to WebSocket and sends back whatever it gets; at `/refuses` it does not. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Owner } from '../servers/last-resort.ts';
import { until } from '../servers/until.ts';

export type SwitchingTarget = Readonly<{
  port: number;
  /** Every upgrade that it was asked for. */
  asked: readonly IncomingMessage[];
  latest(): IncomingMessage;
  /** A caller at `port` sends `bytes`, and when it has switched `who` ends: resolves when both sides have closed. */
  endBy(who: 'caller' | 'target', port: number, bytes: string): Promise<void>;
}>;

export const startSwitchingTarget = async (owner: Owner): Promise<SwitchingTarget> => {
  const asked: IncomingMessage[] = [];
  const sockets: Duplex[] = [];
  const server = createServer((_request, response) => void response.writeHead(400).end('no upgrade'));
  server.on('upgrade', (request, socket) => {
    asked.push(request);
    sockets.push(socket);
    socket.on('error', () => undefined);
    if (request.url === '/refuses') {
      socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno');
      return;
    }
    socket.write(
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: it\r\n\r\n',
    );
    socket.pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  owner.after(async () => void server.close());

  return {
    port: (server.address() as AddressInfo).port,
    asked,
    latest: () => asked.at(-1) ?? assert.fail('nothing has reached the target'),

    async endBy(who, port, bytes) {
      const before = sockets.length;
      const caller = connect(port, '127.0.0.1');
      caller.on('error', () => undefined);
      const switched = once(caller, 'data');
      caller.write(bytes);
      await until('the target has switched', () => sockets.length > before);
      const other = sockets.at(-1) ?? assert.fail('no socket');
      await switched;
      const closed = Promise.all([once(caller, 'close'), once(other, 'close')]);
      if (who === 'caller') caller.destroy();
      else other.destroy();
      await closed;
    },
  };
};
