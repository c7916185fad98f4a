/** Canaries: secrets that are sent in every place, and looked for in everything that comes out. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startJwksServer } from '../peers/jwks-server.ts';
import { adminToken, startSallyport } from '../sallyport.ts';
import { request } from '../servers/request.ts';
import { spellings } from './spellings.ts';

const owner = { after };
const issuer = await startJwksServer({ owner, algorithms: ['RS256'] });
const jwtSecret = 'canary-shared-secret-of-an-issuer-0123456789';
const gate = await startSallyport({
  owner,
  env: { CANARY_JWT_SECRET: jwtSecret },
  config: `
logger: { sample_allows: 1 }
jwt:
  issuers:
    - { name: users, issuer: "${issuer.url}", audience: api, jwks_url: "${issuer.jwksUrl}" }
    - { name: inner, issuer: "https://inner.example.com", audience: api, secret: "\${CANARY_JWT_SECRET}" }
rules:
  - { name: all, match: { path: "/**", host: a.example.com }, accept: [api_key, jwt], limits: { per_day: 1000 } }
`,
});
const { key } = await gate.createKey({ user_id: 'john' });

const canary = (where: string) => `canary-${where}-8f2e4d6b`;
const token = await issuer.sign({ sub: 'john', aud: 'api', private: canary('claim'), email: 'john@example.com' });
const [head = '', payload = '', signature = ''] = token.split('.');
const badSignature = `${head}.${payload}.${'A'.repeat(signature.length)}`;
const cashu = `cashuB${Buffer.from(canary('cashu')).toString('base64url')}`;

// biome-ignore format: a table is read by its columns
const requests: readonly (readonly [path: string, headers: Readonly<Record<string, string>>])[] = [
  ['/ok', { Authorization: `Bearer ${key}` }], ['/ok', { 'X-API-Key': key }], ['/ok', { Authorization: `Bearer ${token}` }],
  ['/bad', { Authorization: `Bearer ${key}x` }], ['/bad', { Authorization: `Bearer sk-${canary('key')}` }], ['/bad', { 'X-API-Key': canary('api-key') }],
  ['/bad', { Authorization: `Bearer ${badSignature}` }], ['/bad', { Authorization: `Bearer ${canary('bearer')}` }],
  ['/bad', { Authorization: `Basic ${Buffer.from(`user:${canary('basic')}`).toString('base64')}` }],
  ['/bad', { Authorization: `Bearer a.${canary('segment')}.b` }], ['/bad', { Authorization: `Bearer ${key}, Bearer ${canary('second')}` }],
  ['/bad', { 'X-Cashu': cashu }], ['/bad', { Authorization: `Bearer ${cashu}` }], ['/bad', { Authorization: `Cashu ${cashu}` }],
  ['/bad', { Authorization: `Bearer ${key}`, 'X-API-Key': canary('two') }],
  [`/bad?token=${canary('query')}&access_token=${key}`, {}], [`/bad?${encodeURIComponent(canary('query key'))}=x`, {}],
  ['/bad', { Cookie: `session=${canary('cookie')}; other=${key}` }], ['/bad', { Referer: `https://a/?token=${canary('referer')}` }],
  ['/bad', { 'User-Agent': canary('agent'), 'X-Custom': canary('custom') }], ['/bad', { 'x_user_id': canary('imitation') }],
  [`/../bad?x=${canary('refused-query')}`, { Authorization: `Bearer ${key}` }],
];

const dialects: readonly ((
  path: string,
  headers: Readonly<Record<string, string>>,
) => Promise<{ body: string; headers: object }>)[] = [
  (path, headers) => request(gate.url, `/auth/native${path}`, { headers: { Host: 'a.example.com', ...headers } }),
  (path, headers) =>
    request(gate.url, '/auth/nginx', {
      headers: { 'X-Original-URL': `https://a.example.com${path}`, 'X-Original-Method': 'GET', ...headers },
    }),
  (path, headers) =>
    request(gate.url, '/auth/challenge', {
      headers: { 'X-Original-URL': `https://a.example.com${path}`, 'X-Original-Method': 'GET', ...headers },
    }),
];

const secrets = [key, token, badSignature, payload, signature, cashu, adminToken, jwtSecret, 'canary-'].flatMap(
  spellings,
);

const assertNoSecret = (where: string, text: string): void => {
  for (const secret of secrets) {
    const at = text.indexOf(secret);
    assert.equal(at, -1, `${where}: …${text.slice(Math.max(0, at - 60), at + 80)}…`);
  }
};

let denials = 0;

test('no answer repeats a secret, but for the caller’s own credential as the application is to see it', async () => {
  for (const [path, headers] of requests) {
    for (const ask of dialects) {
      const answer = await ask(path, headers);
      assertNoSecret(`the body of ${path}`, answer.body);
      const { authorization: _, 'x-api-key': __, 'x-cashu': ___, ...rest } = answer.headers as Record<string, unknown>;
      assertNoSecret(`the headers of ${path}`, JSON.stringify(rest));
    }
  }
});

test('neither do metrics, readiness and the admin API', async () => {
  issuer.faults.set('/jwks', () => ({ status: 500, body: canary('jwks') }));
  for (const path of ['/metrics', '/ready', '/health', '/nothing']) {
    const { body, headers } = await request(gate.url, path, {
      headers: { Authorization: `Bearer ${canary('health')}` },
    });
    assertNoSecret(path, body + JSON.stringify(headers));
  }
  const admin = { Authorization: `Bearer ${adminToken}` };
  for (const path of ['/api/keys/john', '/api/keys/nobody', '/nothing', `/api/keys/${key}`]) {
    const { body } = await request(gate.adminUrl, path, { headers: admin });
    assertNoSecret(path, body);
    assertNoSecret(
      path,
      (await request(gate.adminUrl, path, { headers: { Authorization: `Bearer ${canary('admin')}` } })).body,
    );
    assertNoSecret(path, (await request(gate.adminUrl, path, { method: 'DELETE', headers: admin })).body);
  }
  const bad = { ...admin, 'Content-Type': 'application/json' };
  const broken = await request(gate.adminUrl, '/api/keys', {
    method: 'POST',
    headers: bad,
    body: `{"user_id":"${canary('body')}`,
  });
  assertNoSecret('a broken body', broken.body);
});

test('nor does the log, of which every line is JSON, and every denial one line', async () => {
  const before = await request(gate.url, '/metrics');
  for (const [, count] of before.body.matchAll(/^sallyport_decisions_total\{[^}]*outcome="(?!allow)[^}]*\} (\d+)$/gm))
    denials += Number(count);
  await gate.stop();
  assertNoSecret('the log', gate.output());
  const lines = gate
    .output()
    .trim()
    .split('\n')
    .filter((line) => !/^(sallyport answers|admin API)/.test(line));
  const entries = lines.map((line): Record<string, unknown> => JSON.parse(line));
  assert.ok(denials > requests.length);
  assert.equal(entries.filter(({ event }) => event === 'denied').length, denials);
  assert.equal(entries.filter(({ event }) => event === 'error').length, 0);
});
