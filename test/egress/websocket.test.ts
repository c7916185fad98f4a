/** WebSockets, where a route takes them. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startSwitchingTarget } from '../peers/switching-target.ts';
import { startSallyport } from '../sallyport.ts';
import { sendRaw } from '../servers/raw-http.ts';
import { until } from '../servers/until.ts';

const owner = { after };

const target = await startSwitchingTarget(owner);

const sallyport = await startSallyport({
  owner,
  config: `
egress:
  targets:
    keyed: { url: "http://127.0.0.1:${target.port}", allow_private: true, auth: { type: bearer, token: the-secret } }
  routes:
    - { path_prefix: /ext/live, target: keyed, strip_prefix: /ext/live, websocket: true }
    - { path_prefix: /ext/plain, target: keyed, strip_prefix: /ext/plain }
`,
});

const ask = (path: string, method = 'GET') =>
  `${method} ${path} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, X-Own\r\nX-Own: 1\r\nUpgrade: websocket\r\nAuthorization: mine\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: key\r\n\r\n`;

test('bytes go both ways once the target has switched, those of the first packet too', async () => {
  const { text } = await sendRaw(`${ask('/ext/live/feed?a=b')}hello`, {
    port: sallyport.port,
    until: (so) => so.endsWith('hello'),
  });
  assert.match(text, /^HTTP\/1\.1 101 Switching Protocols\r\n/);
  assert.match(text, /\r\nSec-WebSocket-Accept: it\r\n/);
  const { url, headers } = target.latest();
  assert.equal(url, '/feed?a=b');
  assert.equal(headers.authorization, 'Bearer the-secret');
  assert.deepEqual([headers.upgrade, headers['sec-websocket-key'], headers['x-own']], ['websocket', 'key', undefined]);
});

test('whichever side ends, the other ends too, and one line tells of it', async () => {
  for (const who of ['caller', 'target'] as const) await target.endBy(who, sallyport.port, ask('/ext/live/end'));
  const told = () =>
    sallyport
      .log()
      .filter(({ event, path, status }) => event === 'egress' && path === '/ext/live/end' && status === 101);
  await until('both are told of', () => told().length === 2);
});

test('a target that does not switch answers as ever', async () => {
  const { text, ended } = await sendRaw(ask('/ext/live/refuses'), { port: sallyport.port });
  assert.match(text, /^HTTP\/1\.1 403 Forbidden\r\n/);
  assert.ok(text.endsWith('no'));
  assert.equal(ended, 'closed');
});

for (const [title, bytes, status] of [
  ['a route without websocket: true', ask('/ext/plain/x'), 403],
  ['a POST', ask('/ext/live/x', 'POST'), 403],
  ['no route', ask('/ext/nothing'), 404],
] as const)
  test(`no WebSocket: ${title}`, async () => {
    const before = target.asked.length;
    const { text, ended } = await sendRaw(`${bytes}${ask('/ext/live/smuggled')}`, { port: sallyport.port });
    assert.match(text, new RegExp(`^HTTP/1\\.1 ${status} `));
    assert.equal(ended, 'closed');
    assert.equal(target.asked.length, before);
  });
