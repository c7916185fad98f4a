/** WebSockets through the proxy, where a route takes them. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startSwitchingTarget } from '../peers/switching-target.ts';
import { startSallyport } from '../sallyport.ts';
import { sendRaw } from '../servers/raw-http.ts';
import { until } from '../servers/until.ts';
import { jwtBlock, userToken } from './tokens.ts';

const owner = { after };

const service = await startSwitchingTarget(owner);

const gate = await startSallyport({
  owner,
  config: `${jwtBlock}
trusted_proxies: []
proxy:
  upstream: "http://127.0.0.1:${service.port}"
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
  const { url, headers } = service.latest();
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
  for (const who of ['caller', 'target'] as const) await service.endBy(who, gate.port, ask('/live/end'));
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
    const before = service.asked.length;
    const { text, ended } = await sendRaw(`${bytes}${ask('/live/smuggled')}`, { port: gate.port });
    assert.match(text, new RegExp(`^HTTP/1\\.1 ${status} `));
    assert.equal(ended, 'closed');
    assert.equal(service.asked.length, before);
  });
