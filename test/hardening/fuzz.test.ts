/** Random requests at the listener itself: none may end the process, or be an error of ours. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { loadConfig } from '../../src/config/load.ts';
import { serve } from '../../src/serve.ts';
import { startJwksServer } from '../peers/jwks-server.ts';
import { parseAnswers, sendRaw } from '../servers/raw-http.ts';
import { createWorkdir } from '../servers/workdir.ts';

const owner = { after };
const SECONDS = 4;
const issuer = await startJwksServer({ owner, algorithms: ['ES256'] });
const { path: directory } = createWorkdir('fuzz', owner);
const path = join(directory, 'sallyport.yaml');
writeFileSync(
  path,
  `
http: { addr: "127.0.0.1:0" }
admin: { addr: "127.0.0.1:0", token: "admin-token-of-the-tests" }
store: "sqlite:${join(directory, 'db')}"
logger: { level: fatal }
jwt: { issuers: [{ name: users, issuer: "${issuer.url}", audience: api, jwks_url: "${issuer.jwksUrl}" }] }
rules:
  - { name: free, match: { path: "/free/**" }, accept: [anonymous] }
  - { name: api, match: { path: "/api/**", methods: [GET, POST] }, accept: [api_key, jwt], limits: { per_minute: 5 } }
  - { name: claims, match: { path: "/claims/**" }, accept: [jwt], require: { roles: [x], claims: { "a.b": 1 } } }
`,
);
const { config } = loadConfig({ path, env: {}, insecure: new Set() });
const service = await serve(config);
after(() => service.stop(0, 100));
const ports = [service.address.port, service.adminAddress?.port ?? assert.fail()];

const uncaught: unknown[] = [];
const note = (error: unknown) => void uncaught.push(error);
process.on('uncaughtExceptionMonitor', note).on('unhandledRejection', note);

const token = await issuer.issuer.issue({ aud: 'api', sub: 'john' });

const byte = fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)) });
const junk = fc.oneof(
  byte,
  fc.webPath(),
  fc.webQueryParameters(),
  fc.json(),
  fc.constantFrom('', ' ', '%', '%00', '..', '//', '\u0000', '\t', 'x'.repeat(5_000)),
);
const word = (...words: string[]) =>
  fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...words) }, { weight: 1, arbitrary: junk });

const target = fc.oneof(
  fc
    .tuple(
      word(
        '/auth',
        '/auth/native',
        '/auth/nginx',
        '/auth/envoy',
        '/auth/envoy/rule/api',
        '/auth/traefik',
        '/auth/challenge',
        '/api/keys',
        '/metrics',
        '/ready',
        '*',
        'http://a',
      ),
      word('/api/x', '/free/x', '/claims/x', '?rule=api', '/', '', '/u', '/%zz', '?', '/a/../b', '/%2e%2e/x'),
    )
    .map((parts) => parts.join('')),
  junk,
);

const header = fc.tuple(
  word(
    'Host',
    'Authorization',
    'X-API-Key',
    'X-Cashu',
    'Cookie',
    'X-Original-URL',
    'X-Original-URI',
    'X-Original-Method',
    'X-Forwarded-Uri',
    'X-Forwarded-Method',
    'X-Forwarded-Host',
    'X-Forwarded-For',
    'X-Forwarded-Proto',
    'X-Real-IP',
    'X-Request-ID',
    'X-Code',
    'Content-Type',
    'Content-Length',
    'Transfer-Encoding',
    'Connection',
    'Upgrade',
    'Expect',
    'x_user_id',
    'X-User-ID',
    '__proto__',
    'constructor',
  ),
  word(
    'a.example.com',
    'Bearer',
    'Bearer sk-x',
    `Bearer ${token}`,
    `Bearer ${token.slice(0, -5)}`,
    'Bearer a.b.c',
    'Bearer admin-token-of-the-tests',
    'Basic eDp4',
    'cashuBx',
    'cashuAeyJ9',
    'GET',
    'https',
    '/api/x',
    'https://a/api/x',
    '203.0.113.7',
    '1.1.1.1, 10.0.0.1',
    'application/json',
    '0',
    '5',
    '-1',
    'chunked',
    'close',
    'keep-alive',
    'websocket',
    '100-continue',
    '401',
    'id-1',
    '[::1]:80',
  ),
);

const requestBytes = fc
  .record({
    method: word('GET', 'POST', 'HEAD', 'DELETE', 'OPTIONS', 'PUT', 'CONNECT', 'PURGE'),
    target,
    version: word('HTTP/1.1', 'HTTP/1.1', 'HTTP/1.0'),
    headers: fc.array(header, { maxLength: 12 }),
    body: word('', '', '{"user_id":"u","name":"n"}', '0\r\n\r\n', '{'),
    ends: word('\r\n', '\r\n', '\n'),
  })
  .map(({ method, target: to, version, headers, body, ends }) =>
    [`${method} ${to} ${version}`, 'Host: a', ...headers.map(([name, value]) => `${name}: ${value}`), '', body].join(
      ends,
    ),
  );

const isAnswered = (text: string): boolean => parseAnswers(text).length > 0;

test(`for ${SECONDS} seconds, whatever is sent, it answers by the book, and goes on`, async () => {
  let count = 0;
  const property = fc.asyncProperty(
    fc.constantFrom(...ports),
    fc.array(fc.oneof({ weight: 8, arbitrary: requestBytes }, byte), { minLength: 1, maxLength: 3 }),
    async (port, parts) => {
      count++;
      const { text } = await sendRaw([...parts, '\r\n\r\n'], { port, until: isAnswered, deadlineMs: 20 });
      for (const { status } of parseAnswers(text)) {
        assert.ok(status < 500 || status === 505, `${status}: ${JSON.stringify(text.slice(0, 300))}`);
      }
    },
  );
  await fc.assert(property, {
    numRuns: Number.POSITIVE_INFINITY,
    interruptAfterTimeLimit: SECONDS * 1_000,
    markInterruptAsFailure: false,
  });
  assert.ok(count > 200, `${count}`);
  assert.deepEqual(uncaught, []);
  const { text } = await sendRaw('GET /auth/native/free/x HTTP/1.1\r\nHost: a\r\n\r\n', {
    port: service.address.port,
    until: isAnswered,
  });
  assert.equal(parseAnswers(text)[0]?.status, 200);
});
