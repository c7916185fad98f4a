/** Who is no trusted proxy cannot speak for anybody else. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startSallyport } from '../sallyport.ts';
import { requestFrom } from './from.ts';

const gate = await startSallyport({
  owner: { after },
  config: `
trusted_proxies: [127.0.0.1]
logger: { sample_allows: 1 }
rules:
  - { name: free, match: { path: "/free/**" }, accept: [anonymous] }
  - { name: limited, match: { path: "/limited/**" }, accept: [anonymous], limits: { per_day: 1 } }
  - { name: api, match: { path: "/api/**" }, accept: [api_key] }
`,
});

const PROXY = '127.0.0.1';
const STRANGER = '127.0.0.2';
const ask = (from: string, path: string, headers: Readonly<Record<string, string>> = {}) =>
  requestFrom(from, `${gate.url}${path}`, headers);

const nginx = { 'X-Original-URL': 'https://a.example.com/free/x', 'X-Original-Method': 'GET' };
const forwarded = {
  'X-Forwarded-Method': 'GET',
  'X-Forwarded-Proto': 'https',
  'X-Forwarded-Host': 'a.example.com',
  'X-Forwarded-Uri': '/free/x',
};

for (const [path, headers] of [
  ['/auth/nginx', nginx],
  ['/auth/nginx?rule=free', nginx],
  ['/auth', nginx],
  ['/auth', forwarded],
  ['/auth/traefik', forwarded],
  ['/auth/caddy', forwarded],
  ['/auth/haproxy', forwarded],
] as const) {
  test(`${path}: what a stranger forwards is refused, what the proxy forwards is not`, async () => {
    assert.equal((await ask(PROXY, path, headers)).status, 200);
    const { status, headers: answered, body } = await ask(STRANGER, path, headers);
    assert.equal(status, 403);
    const code = answered['x-auth-status'] === '403' ? 'untrusted_proxy' : JSON.parse(body).code;
    assert.equal(code, 'untrusted_proxy');
  });
}

for (const path of ['/auth/challenge', '/']) {
  test(`${path}: the challenge is for the proxy alone`, async () => {
    const headers = { ...nginx, 'X-Code': '401', 'X-Original-URI': '/api/x', 'X-Original-URL': 'https://a/api/x' };
    assert.equal((await ask(PROXY, path, headers)).status, 401);
    assert.equal((await ask(STRANGER, path, headers)).status, 404);
  });
}

test('a stranger asks for itself, whatever address it claims: it has one limit', async () => {
  const forged = (n: number) => ({ 'X-Forwarded-For': `203.0.113.${n}`, 'X-Real-IP': `203.0.113.${n}` });
  assert.equal((await ask(STRANGER, '/auth/native/limited/x', forged(1))).status, 200);
  assert.equal((await ask(STRANGER, '/auth/native/limited/x', forged(2))).status, 429);
  assert.equal((await ask('127.0.0.3', '/auth/native/limited/x', forged(1))).status, 200);
  assert.equal((await ask(PROXY, '/auth/native/limited/x', forged(3))).status, 200);
  assert.equal((await ask(PROXY, '/auth/native/limited/x', forged(4))).status, 200);
  assert.equal((await ask(PROXY, '/auth/native/limited/x', forged(4))).status, 429);
});

test('entries that a client put before the proxy’s own buy no second limit', async () => {
  const via = (spoofed: string) => ({ 'X-Forwarded-For': `${spoofed}203.0.113.50` });
  assert.equal((await ask(PROXY, '/auth/native/limited/y', via(''))).status, 200);
  for (const spoofed of ['1.1.1.1, ', `${'9.9.9.9, '.repeat(30)}`, ',,,', '203.0.113.50, ', '<script>, ']) {
    assert.equal((await ask(PROXY, '/auth/native/limited/y', via(spoofed))).status, 429, spoofed);
  }
});

// biome-ignore format: a table is read by its columns
const ids: readonly (readonly [from: string, id: string, kept: boolean])[] = [
  [PROXY, 'abc-123', true], [PROXY, '6b3f2c1e-9d4a-4b7e-8a55-0c9e8a7b6d5f', true], [PROXY, 'Root=1-67891233-abcdef012345678912345678', true],
  [PROXY, 'x'.repeat(128), true], [PROXY, 'a.b:c@d/e+f=g_h', true],
  [STRANGER, 'abc-123', false],
  ...['', ' ', 'a b', 'x'.repeat(129), 'a"b', 'a,b', '{"level":"fatal"}', '\u001b[31m', 'a%0ab', '\u00e4', '<script>', 'a;b', 'a\tb', "a'b", '$(x)', '\\n'].map((id) => [PROXY, id, false] as const),
];

for (const [from, id, kept] of ids) {
  test(`the correlation id ${JSON.stringify(id).slice(0, 40)} of ${from === PROXY ? 'the proxy' : 'a stranger'} is ${kept ? 'kept' : 'replaced'}`, async () => {
    const path = `/auth/native/api/${Math.random()}`;
    const { headers } = await ask(from, path, id.includes('\u001b') ? {} : { 'X-Request-ID': id });
    const given = String(headers['x-request-id']);
    if (kept) assert.equal(given, id);
    else assert.match(given, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  });
}

test('two correlation ids are none', async () => {
  const { headers } = await requestFrom(PROXY, `${gate.url}/auth/native/api/x`, { 'X-Request-ID': 'a, b' });
  assert.match(String(headers['x-request-id']), /^[0-9a-f-]{36}$/);
});

test('the log tells the address that counted, and every line of it is JSON', async () => {
  await ask(STRANGER, '/auth/native/api/last', { 'X-Forwarded-For': '203.0.113.99' });
  await ask(PROXY, '/auth/native/api/last', { 'X-Forwarded-For': '1.1.1.1, 203.0.113.98' });
  await gate.stop();
  const lines = gate
    .output()
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('sallyport') && !line.startsWith('admin'));
  const seen = lines
    .map((line): Record<string, unknown> => JSON.parse(line))
    .filter(({ path }) => path === '/api/last');
  assert.deepEqual(
    seen.map(({ client_ip }) => client_ip),
    [STRANGER, '203.0.113.98'],
  );
});
