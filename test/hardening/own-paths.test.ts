/**
 * Proxies pass `/.sallyport/` on to us from any client, and match it against a cleaned path while they may send the raw one.
 * So whoever comes that way describes no request itself, although the peer is a trusted proxy.
 */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startSallyport } from '../sallyport.ts';
import { request } from '../servers/request.ts';

const gate = await startSallyport({
  owner: { after },
  config: `
trusted_proxies: ["127.0.0.1"]
rules:
  - { name: free, match: { path: "/free/**" }, accept: [anonymous] }
  - { name: keys, match: { path: "/keys/**" }, accept: [api_key] }
`,
});

const original = { 'X-Original-URL': 'http://shop.example.com/free/1', 'X-Original-Method': 'GET' };
const forwarded = { 'X-Forwarded-Uri': '/free/1', 'X-Forwarded-Method': 'GET', 'X-Forwarded-Host': 'shop.example.com' };

for (const [path, headers] of [
  ['/auth/nginx', original],
  ['/auth/traefik', forwarded],
  ['/auth/caddy', forwarded],
  ['/auth/haproxy', forwarded],
] as const) {
  test(`${path} is an endpoint, and what begins like it is none`, async () => {
    assert.equal((await request(gate.url, path, { headers })).status, 200);
    for (const rest of ['/../../.sallyport/pay', '/%2e%2e/%2e%2e/.sallyport/pay', '/']) {
      assert.equal((await request(gate.url, `${path}${rest}`, { headers })).status, 400, rest);
    }
  });
}

for (const path of [
  '/auth/native/../../.sallyport/pay',
  '/auth/envoy/../../.sallyport/pay',
  '/auth/../.sallyport/pay',
]) {
  test(`${path} decides nothing`, async () => {
    assert.equal((await request(gate.url, path, { headers: { ...original } })).status, 400);
  });
}

test('a client who says that it is a default backend finds out nothing about its guesses', async () => {
  const { key } = await gate.createKey();
  const backend = { 'X-Code': '401', 'X-Original-URI': '/keys/1', Authorization: `Bearer ${key}` };
  assert.equal((await request(gate.url, '/', { headers: backend })).status, 503, 'the controller itself is answered');
  for (const path of ['/.sallyport/', '/.sallyport/pay', '/.sallyport/x', '/x/../.sallyport/pay', '//.sallyport/pay']) {
    const { status } = await request(gate.url, path, { headers: backend });
    assert.ok(status === 404 || status === 405, `${path}: ${status}`);
  }
});
