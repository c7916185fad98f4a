/** WebSockets through the proxy, where a route takes them. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { after, test } from 'node:test';
import { startSallyport } from '../sallyport.ts';
import { sendRaw } from '../servers/raw-http.ts';
import { until } from '../servers/until.ts';
import { jwtBlock, userToken } from './tokens.ts';

const owner = { after };

/** Switches, and sends back whatever it gets. */
const sockets: Duplex[] = [];
const asked: IncomingMessage[] = [];
const service = createServer((_request, response) => void response.writeHead(400).end('no upgrade'));
service.on('upgrade', (request, socket) => {
  asked.push(request);
  sockets.push(socket);
  socket.on('error', () => undefined);
  socket.write(
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: it\r\n\r\n',
  );
  socket.pipe(socket);
});
service.listen(0, '127.0.0.1');
await once(service, 'listening');
owner.after(() => void service.close());

const gate = await startSallyport({
  owner,
  config: `${jwtBlock}
trusted_proxies: []
proxy:
  upstream: "http://127.0.0.1:${(service.address() as AddressInfo).port}"
  websocket: true
  routes:
    - { path: "/live/**" }
    - { path: "/plain/**", websocket: false }
`,
});
const authorization = `Authorization: Bearer ${await userToken()}\r\n`;

const ask = (path: string, lines = authorization, method = 'GET') =>
  `${method} ${path} HTTP/1.1\r\nHost: orders.example\r\nConnection: Upgrade, X-User-ID\r\nUpgrade: websocket\r\nX_User_ID: admin\r\n${lines}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: key\r\n\r\n`;

test('bytes go both ways once the service has switched, and it knows who is there', async () => {
  const { text } = await sendRaw(`${ask('/live/feed?a=b')}hello`, {
    port: gate.port,
    until: (so) => so.endsWith('hello'),
  });
  assert.match(text, /^HTTP\/1\.1 101 Switching Protocols\r\n/);
  assert.match(text, /\r\nX-Correlation-ID: [0-9a-f-]{36}\r\n/);
  const { url, headers } = asked.at(-1) ?? assert.fail('nothing has reached the service');
  assert.equal(url, '/live/feed?a=b');
  assert.deepEqual(
    [
      headers.host,
      headers['x-user-id'],
      headers['x_user_id'],
      headers.authorization,
      headers['x-forwarded-for'],
      headers['sec-websocket-key'],
    ],
    ['orders.example', 'john', undefined, undefined, '127.0.0.1', 'key'],
  );
});

test('whichever side ends, the other ends too, and one line tells of it', async () => {
  for (const who of ['caller', 'service']) {
    const before = sockets.length;
    const caller = connect(gate.port, '127.0.0.1');
    caller.on('error', () => undefined);
    const switched = once(caller, 'data');
    caller.write(ask('/live/end'));
    await until('the service has switched', () => sockets.length > before);
    const other = sockets.at(-1) ?? assert.fail('no socket');
    await switched;
    const closed = Promise.all([once(caller, 'close'), once(other, 'close')]);
    if (who === 'caller') caller.destroy();
    else other.destroy();
    await closed;
  }
  const told = () =>
    gate.log().filter(({ event, path, status }) => event === 'request' && path === '/live/end' && status === 101);
  await until('both are told of', () => told().length === 2);
});

for (const [title, bytes, status] of [
  ['a caller without a token', ask('/live/x', ''), 401],
  ['a route that takes none', ask('/plain/x'), 403],
  ['a POST', ask('/live/x', authorization, 'POST'), 403],
  ['no route', ask('/nothing'), 404],
] as const)
  test(`no WebSocket: ${title}`, async () => {
    const before = asked.length;
    const { text, ended } = await sendRaw(`${bytes}${ask('/live/smuggled')}`, { port: gate.port });
    assert.match(text, new RegExp(`^HTTP/1\\.1 ${status} `));
    assert.equal(ended, 'closed');
    assert.equal(asked.length, before);
  });
