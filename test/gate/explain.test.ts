/** What is explained is what is decided: by the service that runs, and by the command on its configuration. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { SignJWT } from 'jose';
import { createPayer } from '../../examples/play-mint/payer.ts';
import { openRehearsal } from '../../src/commands/rehearsal.ts';
import { loadConfig } from '../../src/config/load.ts';
import { isRefusal } from '../../src/core/refusal.ts';
import { type Explanation, explainQuestion } from '../../src/http/admin/explain-shapes.ts';
import { startMint } from '../peers/mint.ts';
import { adminToken, runSallyport, startSallyport } from '../sallyport.ts';
import { createWorkdir } from '../servers/workdir.ts';
import { type Asked, askers } from './askers.ts';

const owner = { after };
const secret = 's'.repeat(32);

const own = `
jwt: { issuers: [{ name: users, issuer: "https://id.example.com", audience: api, secret: ${secret}, algorithms: [HS256] }] }
rules:
  - { name: public, match: { path: "/free/**" }, accept: [anonymous] }
  - { name: orders, match: { host: shop.example.com, path: "/orders/**", methods: [GET] }, accept: [api_key, jwt] }
  - { name: writers, match: { path: "/write/**" }, accept: [jwt], require: { scopes: ["orders:write"] } }
  - { name: scarce, match: { path: "/scarce/**" }, accept: [api_key], limits: { per_day: 1 } }
`;

const mint = await startMint({ owner });
const gate = await startSallyport({
  owner,
  config: `cashu: { mints: ["${mint.url}"] }
${own}  - { name: premium, match: { path: "/premium/**" }, accept: [cashu], price: 1000 }
`,
});
const { key } = await gate.createKey();

const jwt = (claims: Record<string, unknown> = {}) =>
  new SignJWT({ sub: 'john', ...claims })
    .setProtectedHeader({ alg: 'HS256' })
    .setIssuer('https://id.example.com')
    .setAudience('api')
    .setExpirationTime('5m')
    .sign(new TextEncoder().encode(secret));

const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });

const questionOf = ({ method = 'GET', host = 'shop.example.com', target, headers = {} }: Asked) => ({
  url: `https://${host}${target}`,
  method,
  headers,
});

const explain = async (asked: Asked): Promise<Explanation> => {
  const response = await fetch(`${gate.adminUrl}/admin/explain`, {
    method: 'POST',
    headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' },
    body: JSON.stringify(questionOf(asked)),
  });
  assert.equal(response.status, 200);
  return (await response.json()) as Explanation;
};

/** A configuration of its own for the command, on the store of the service that runs, and without a mint that it would ask. */
const folder = createWorkdir('explain', owner).path;
const write = (name: string, text: string): string => {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
};
const config = write('own.yaml', `store: "sqlite:${join(gate.directory, 'sallyport.db')}"\n${own}`);

const run = (args: readonly string[], input = '') => runSallyport(['explain', ...args], { cwd: folder, input });

/** What the command asks. */
const rehearsal = await openRehearsal(loadConfig({ path: config, env: {}, insecure: new Set() }).config);
after(rehearsal.close);

const rows: readonly (readonly [what: string, asked: () => Asked | Promise<Asked>, code?: string])[] = [
  ['a free path', () => ({ target: '/free/a' })],
  ['an API key', () => ({ target: '/orders/1', headers: { 'X-API-Key': key } })],
  ['a mistyped API key', () => ({ target: '/orders/1', headers: { 'X-API-Key': `${key}x` } }), 'invalid_api_key'],
  ['a JWT', async () => ({ target: '/orders/1', headers: bearer(await jwt()) })],
  ['a JWT with the scope', async () => ({ target: '/write/1', headers: bearer(await jwt({ scope: 'orders:write' })) })],
  ['a JWT without it', async () => ({ target: '/write/1', headers: bearer(await jwt()) }), 'insufficient_scope'],
  ['an expired JWT', async () => ({ target: '/orders/1', headers: bearer(await jwt({ exp: 1 })) })],
  ['nobody', () => ({ target: '/orders/1' }), 'credential_required'],
  ['two credentials', () => ({ target: '/orders/1', headers: { ...bearer(key), 'X-API-Key': key } })],
  ['another method', () => ({ target: '/orders/1', method: 'DELETE' }), 'no_rule'],
  ['a path in two ways', () => ({ target: '/free/%2e%2e/orders' }), 'ambiguous_path'],
  ['a header that imitates ours', () => ({ target: '/free/a', headers: { x_user_id: 'root' } }), 'ambiguous_header'],
];

for (const [what, asking, code] of rows) {
  test(`${what}: the service and the command explain what is decided`, async () => {
    const asked = await asking();
    const answer = await askers['native']?.(gate.url, asked);
    assert.ok(answer);
    const expected = answer.status === 200 ? undefined : JSON.parse(answer.body).code;
    if (code !== undefined) assert.equal(expected, code);
    const explained = await explain(asked);
    assert.deepEqual([explained.allowed, explained.refusal?.code], [expected === undefined, expected]);
    const rehearsed = await rehearsal.explain(explainQuestion.parse(questionOf(asked)));
    assert.ok(!isRefusal(rehearsed));
    // What is left of a limit is the service's to know.
    assert.deepEqual({ ...rehearsed, client_headers: {} }, { ...explained, client_headers: {} });
  });
}

test('a limit is looked at and not taken, and a refusal by it explained', async () => {
  const asked = { target: '/scarce/1', headers: { 'X-API-Key': key } };
  for (let times = 0; times < 3; times++) assert.equal((await explain(asked)).allowed, true);
  assert.equal((await askers['native']?.(gate.url, asked))?.status, 200);
  assert.equal((await explain(asked)).refusal?.code, 'rate_limited');
});

test('a token is looked at and not spent, and what it is worth is told', async () => {
  const asked = { target: '/premium/1', headers: { 'X-Cashu': await createPayer(mint.url).token(1000) } };
  for (let times = 0; times < 2; times++) {
    const { allowed, price, steps } = await explain(asked);
    assert.equal(allowed, true, JSON.stringify(steps));
    assert.deepEqual(price, { amount: 1000, unit: 'sat', mints: [mint.url] });
  }
  const paid = await askers['native']?.(gate.url, asked);
  assert.equal(paid?.headers['x-payment-verified'], 'true');
});

test('no credential is shown by the service, by the command, or in a log', async () => {
  const token = await jwt({ scope: 'canary' });
  for (const headers of [
    { ...bearer(token) },
    { 'X-API-Key': key },
    { 'X-API-Key': `${key}-wrong` },
    { 'X-Cashu': 'cashuBcanarycanarycanarycanary' },
  ]) {
    const asked = { target: '/orders/1?canary=canary', headers };
    const file = write('canary.yaml', JSON.stringify(questionOf(asked)));
    const text = JSON.stringify(await explain(asked));
    const { stdout, stderr } = run(['--config', config, '--request', file]);
    const all = [text, stdout, stderr, gate.output()].join('\n');
    for (const value of Object.values(headers)) {
      const word = value.split(' ').at(-1) ?? '';
      for (const form of [word, encodeURIComponent(word), Buffer.from(word).toString('base64')])
        assert.equal(all.includes(form), false);
    }
    assert.equal(all.includes('canary=canary'), false);
  }
});

test('the command takes a URL with options, and a file from standard input', async () => {
  const args = ['--config', config, '--request', 'https://shop.example.com/orders/1'];
  const { status, stdout } = run([
    ...args,
    '--header',
    `Authorization: Bearer ${await jwt()}`,
    '--client-ip',
    '203.0.113.7',
  ]);
  assert.equal(status, 0);
  assert.match(stdout, /^rule +orders: host shop\.example\.com, path \/orders\/\*\*, GET; accepts API key, JWT$/m);
  assert.match(stdout, /^identity +jwt: subject john; issuer users$/m);
  assert.match(stdout, /^removes +authorization$/m);
  assert.match(stdout, /^result +allowed\n$/m);
  assert.equal(run([...args, '--method', 'DELETE']).status, 1);
  assert.equal(run(['--config', config, '--request', '-'], 'url: https://a.example.com/free/1\n').status, 0);
});

test('asked wrongly, the command says what is wrong, and exits 2', () => {
  const { status, stderr } = run(['--config', config, '--request', '-'], '{ url: https://a/b, metod: GET }');
  assert.deepEqual([status, stderr], [2, '-: Unrecognized key: "metod"\n']);
  assert.equal(run(['--config', config, '--request', 'https://a/b', '--egress', '/x']).status, 2);
});

test('a store that is not there is not made', () => {
  const missing = join(folder, 'missing.db');
  const file = write('missing.yaml', `store: "sqlite:${missing}"\n${own}`);
  assert.equal(run(['--config', file, '--request', 'https://a.example.com/free/1']).status, 0);
  assert.throws(() => readFileSync(missing), /ENOENT/);
});

const sidecar = `store: "sqlite:${join(folder, 'sidecar.db')}"
jwt: { issuers: [{ name: users, issuer: "https://id.example.com", audience: api, secret: ${secret}, algorithms: [HS256] }] }
proxy:
  routes:
    - { path: "/api/v1/orders/**", upstream: "http://127.0.0.1:9/base", strip_prefix: /api/v1, methods: [GET] }
    - { path: "/public/**", auth_required: false }
  headers: { inject_claims: { sub: X-User-ID } }
`;

test('where Sallyport stands in the path, the route, what goes to the service, and where it goes are told', async () => {
  const file = write('sidecar.yaml', sidecar);
  const opened = await openRehearsal(loadConfig({ path: file, env: {}, insecure: new Set() }).config);
  after(opened.close);
  const ask = async (target: string, more = {}) => {
    const explained = await opened.explain(explainQuestion.parse({ url: `https://a.example.com${target}`, ...more }));
    return isRefusal(explained) ? assert.fail(explained.detail) : explained;
  };
  const orders = await ask('/api/v1/orders/7?x=1', { headers: bearer(await jwt()) });
  assert.deepEqual(
    [orders.allowed, orders.door, orders.rule, orders.upstream, orders.upstream_headers['X-User-ID']],
    [true, 'proxy', 'GET /api/v1/orders/**', 'GET http://127.0.0.1:9/base/orders/7', 'john'],
  );
  const nobody = await ask('/api/v1/orders/7');
  assert.deepEqual([nobody.refusal?.code, nobody.upstream], ['credential_required', null]);
  const open = await ask('/public/x');
  assert.deepEqual([open.allowed, open.upstream], [true, 'GET http://127.0.0.1:3000/public/x']);
  const nowhere = await ask('/api/v1/orders/7', { method: 'POST' });
  assert.equal(nowhere.refusal?.code, 'no_route');
  assert.match(nowhere.steps[1]?.says ?? '', /^none; nearest: GET \/api\/v1\/orders\/\*\* \(.*\) but for the method$/);
  assert.equal((await ask('/public/x', { method: 'TRACE' })).refusal?.code, 'method_not_allowed');
  const { stdout } = run(['--config', file, '--request', 'https://a.example.com/public/x']);
  assert.equal(stdout.match(/^upstream +GET http:\/\/127\.0\.0\.1:3000\/public\/x$/gm)?.length, 1, stdout);
});
