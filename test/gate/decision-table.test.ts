import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createPayer } from '../../examples/play-mint/payer.ts';
import { startJwksServer } from '../peers/jwks-server.ts';
import { startMint } from '../peers/mint.ts';
import { adminToken, startSallyport } from '../sallyport.ts';
import { type Asked, askers, challenge } from './askers.ts';

const owner = { after };

const issuer = await startJwksServer({ owner });
const mint = await startMint({ owner });
const payer = createPayer(mint.url);
const gate = await startSallyport({
  owner,
  config: `
jwt:
  issuers:
    - { name: users, issuer: "${issuer.url}", audience: api, jwks_url: "${issuer.jwksUrl}" }
cashu: { mints: ["${mint.url}"] }
rules:
  - { name: public, match: { path: "/free/**" }, accept: [anonymous] }
  - name: orders
    match: { host: shop.example.com, path: "/orders/**", methods: [GET, POST] }
    accept: [api_key, jwt]
  - name: writers
    match: { path: "/write/**" }
    accept: [jwt]
    require: { issuer: users, scopes: ["orders:write"], roles: [customer], claims: { tenant: acme } }
    headers: { inject_claims: { "realm_access.roles": X-User-Roles, "org.unit": X-Unit } }
  - { name: premium, match: { path: "/premium/**" }, accept: [cashu, api_key], price: 1000 }
  - { name: trial, match: { path: "/trial/**" }, accept: [cashu], price: 1000, free: { requests: 1000, per: 1d } }
  - { name: named, accept: [api_key] }
  - { name: slow, match: { path: "/slow/**" }, accept: [api_key], limits: { per_day: 1 } }
`,
});
const { key } = await gate.createKey();
const { key: revoked, id: revokedId } = await gate.createKey();
await fetch(`${gate.adminUrl}/api/keys/${revokedId}`, {
  method: 'DELETE',
  headers: { authorization: `Bearer ${adminToken}` },
});

const bearer = (value: string) => ({ Authorization: `Bearer ${value}` });
const required = (amount: string) => ({ 'X-Required-Amount': amount });

type Row = Readonly<{
  title: string;
  asked(): Asked | Promise<Asked>;
  status: number;
  code?: string;
  upstream?: Readonly<Record<string, string>>;
}>;

const jwt = (claims: Record<string, unknown> = {}) => issuer.sign({ sub: 'john', aud: 'api', ...claims });

const writer = {
  scope: 'orders:read orders:write',
  realm_access: { roles: ['customer', 'gold'] },
  tenant: 'acme',
  org: { unit: 7 },
};

// biome-ignore format: a table is read by its columns
const table: Row[] = [
  { title: 'a free path', asked: () => ({ target: '/free/a' }), status: 200, upstream: { 'x-auth-method': 'anonymous', 'x-user-id': '' } },
  { title: 'a free path, any method', asked: () => ({ target: '/free/a', method: 'DELETE' }), status: 200 },
  { title: 'no rule', asked: () => ({ target: '/nothing' }), status: 403, code: 'no_rule' },
  { title: 'no rule for OPTIONS', asked: () => ({ target: '/orders/1', method: 'OPTIONS', headers: bearer(key) }), status: 403, code: 'no_rule' },
  { title: 'no rule for HEAD', asked: () => ({ target: '/orders/1', method: 'HEAD', headers: bearer(key) }), status: 403 },
  { title: 'a health checker is nobody special', asked: () => ({ target: '/orders/1', headers: { 'User-Agent': 'kube-probe/1.33' } }), status: 401, code: 'credential_required' },
  { title: 'no credential', asked: () => ({ target: '/orders/1' }), status: 401, code: 'credential_required' },
  { title: 'an API key', asked: () => ({ target: '/orders/1', headers: bearer(key) }), status: 200, upstream: { 'x-user-id': 'user123', 'x-auth-method': 'api_key' } },
  { title: 'an API key, POST', asked: () => ({ target: '/orders/1?x=/free/', method: 'POST', headers: bearer(key) }), status: 200 },
  { title: 'an API key in X-API-Key', asked: () => ({ target: '/orders/1', headers: { 'X-API-Key': key } }), status: 200 },
  { title: 'a host in capitals, with port and dot', asked: () => ({ target: '/orders/1', host: 'SHOP.Example.com.:443', headers: bearer(key) }), status: 200 },
  { title: 'another host', asked: () => ({ target: '/orders/1', host: 'evil.example.com', headers: bearer(key) }), status: 403, code: 'no_rule' },
  { title: 'a revoked API key', asked: () => ({ target: '/orders/1', headers: bearer(revoked) }), status: 401, code: 'invalid_api_key' },
  { title: 'a mistyped API key', asked: () => ({ target: '/orders/1', headers: bearer(`${key}x`) }), status: 401, code: 'invalid_api_key' },
  { title: 'an invented API key', asked: () => ({ target: '/orders/1', headers: bearer('sk-rubbish') }), status: 401, code: 'invalid_api_key' },
  { title: 'rubbish', asked: () => ({ target: '/orders/1', headers: bearer('rubbish') }), status: 401, code: 'unrecognised_credential' },
  { title: 'a JWT', asked: async () => ({ target: '/orders/1', headers: bearer(await jwt({ email: 'j@example.com' })) }), status: 200, upstream: { 'x-user-id': 'john', 'x-user-email': 'j@example.com', 'x-auth-method': 'jwt' } },
  { title: 'an expired JWT', asked: async () => ({ target: '/orders/1', headers: bearer(await jwt({ exp: 1 })) }), status: 401, code: 'expired_token' },
  { title: 'a JWT for another audience', asked: async () => ({ target: '/orders/1', headers: bearer(await jwt({ aud: 'other' })) }), status: 401, code: 'invalid_token' },
  { title: 'a JWT without the scope', asked: async () => ({ target: '/write/1', headers: bearer(await jwt({ ...writer, scope: 'orders:read' })) }), status: 403, code: 'insufficient_scope' },
  { title: 'a JWT without the role', asked: async () => ({ target: '/write/1', headers: bearer(await jwt({ ...writer, realm_access: {} })) }), status: 403, code: 'missing_role' },
  { title: 'a JWT of another tenant', asked: async () => ({ target: '/write/1', headers: bearer(await jwt({ ...writer, tenant: 'evil' })) }), status: 403, code: 'claim_mismatch' },
  { title: 'a JWT with all of it', asked: async () => ({ target: '/write/1', headers: bearer(await jwt(writer)) }), status: 200, upstream: { 'x-user-roles': 'customer,gold', 'x-unit': '7' } },
  { title: 'an API key where only JWTs are taken', asked: () => ({ target: '/write/1', headers: bearer(key) }), status: 401, code: 'credential_required' },
  { title: 'two credentials', asked: () => ({ target: '/premium/1', headers: { ...bearer(key), 'X-Cashu': 'cashuBx' } }), status: 400, code: 'ambiguous_credentials' },
  { title: 'no payment', asked: () => ({ target: '/premium/1' }), status: 402, code: 'payment_required' },
  { title: 'a payment as bearer', asked: async () => ({ target: '/premium/1', headers: bearer(await payer.token(1000)) }), status: 200, upstream: { 'x-payment-verified': 'true', 'x-payment-amount': '1000', 'x-auth-method': 'cashu' } },
  { title: 'a payment in X-Cashu, V3', asked: async () => ({ target: '/premium/1', headers: { 'X-Cashu': await payer.token(1000, { version: 3 }) } }), status: 200 },
  { title: 'too little', asked: async () => ({ target: '/premium/1', headers: { 'X-Cashu': await payer.token(999) } }), status: 402, code: 'insufficient_payment' },
  { title: 'a token that is none', asked: () => ({ target: '/premium/1', headers: { 'X-Cashu': 'cashuBrubbish' } }), status: 400, code: 'malformed_payment' },
  { title: 'whoever has a key need not pay', asked: () => ({ target: '/premium/1', headers: bearer(key) }), status: 200, upstream: { 'x-payment-verified': '', 'x-user-id': 'user123' } },
  { title: 'too little for what the ingress requires', asked: async () => ({ target: '/premium/1', headers: { ...required('5000'), 'X-Cashu': await payer.token(1000) } }), status: 402, code: 'insufficient_payment' },
  { title: 'what the ingress requires', asked: async () => ({ target: '/premium/1', headers: { ...required('5000'), 'X-Cashu': await payer.token(5000) } }), status: 200, upstream: { 'x-payment-verified': 'true', 'x-payment-amount': '5000' } },
  { title: 'less required than the price', asked: async () => ({ target: '/premium/1', headers: { ...required('1'), 'X-Cashu': await payer.token(999) } }), status: 402, code: 'insufficient_payment' },
  { title: 'no payment, and no amount required that can be read', asked: () => ({ target: '/premium/1', headers: required('5000, 1') }), status: 400, code: 'ambiguous_amount' },
  { title: 'a payment, and no amount required that can be read', asked: async () => ({ target: '/premium/1', headers: { ...required('1e4'), 'X-Cashu': await payer.token(1000) } }), status: 400, code: 'ambiguous_amount' },
  { title: 'an amount is required of payers alone', asked: () => ({ target: '/premium/1', headers: { ...required('free'), ...bearer(key) } }), status: 200 },
  { title: 'an amount is required where nothing has a price', asked: () => ({ target: '/free/1', headers: required('free') }), status: 200 },
  { title: 'no payment as long as requests are free', asked: () => ({ target: '/trial/1', headers: { 'X-Forwarded-For': '203.0.113.7' } }), status: 200, upstream: { 'x-auth-method': 'anonymous', 'x-payment-verified': '' } },
  { title: 'a bad payment where requests are free', asked: () => ({ target: '/trial/1', headers: { 'X-Forwarded-For': '203.0.113.7', 'X-Cashu': 'cashuBrubbish' } }), status: 400, code: 'malformed_payment' },
  { title: 'a header that imitates ours', asked: () => ({ target: '/free/1', headers: { x_user_id: 'root' } }), status: 400, code: 'ambiguous_header' },
  ...['/free/../orders/1', '/free/%2e%2e/orders', '/free/..%2forders', '/free//orders', '/free/..;/orders', '/free\\..\\orders', '/free/%252e%252e/x', '/free/%00'].map((target) => (
  { title: `the path ${target}`, asked: () => ({ target }), status: 400, code: 'ambiguous_path' })),
];

for (const [dialect, ask] of Object.entries(askers)) {
  for (const { title, asked, status, code, upstream = {} } of table) {
    test(`${dialect}: ${title} → ${status} ${code ?? ''}`, async () => {
      const question = await asked();
      const answer = await ask(gate.url, question);
      assert.equal(answer.trueStatus, status, answer.body);
      assert.equal(answer.headers['cache-control'], 'no-store');
      if (status === 200) {
        assert.equal(answer.body, '');
        assert.equal(answer.headers['content-length'], '0');
        for (const [name, value] of Object.entries(upstream)) assert.equal(answer.headers[name], value, name);
      } else if (dialect.includes('nginx') || dialect.includes('mixture')) {
        assert.equal(answer.status, status === 401 || status === 402 ? 401 : 403);
        assert.equal(answer.body, '', 'nginx drops its connection for an answer with a body');
      } else if (question.method !== 'HEAD') {
        assert.equal(answer.headers['content-type'], 'application/problem+json');
        assert.equal(JSON.parse(answer.body).code, code);
        assert.equal(JSON.parse(answer.body).status, status);
      }
      if (status === 401) assert.match(answer.headers['www-authenticate'] ?? '', /^Bearer realm="sallyport"/);
      if (status === 402) {
        const payment = String(answer.headers['x-cashu']);
        assert.match(payment, /^creqA[\w=-]+$/);
        const challenged = answer.status === 401 ? `Cashu realm="sallyport", request="${payment}"` : undefined;
        assert.equal(answer.headers['www-authenticate'], challenged);
      }
    });
  }
}

for (const { title, asked, status, code } of table.filter(
  (row) => row.status !== 200 && row.title !== 'no rule for HEAD',
)) {
  test(`the challenge tells nginx the whole truth: ${title} → ${status}`, async () => {
    const question = await asked();
    if (question.host !== undefined) return;
    await askers['nginx']?.(gate.url, question);
    const answer = await challenge(gate.url, question);
    assert.equal(answer.status, status, answer.body);
    assert.equal(JSON.parse(answer.body).code, code);
  });
}

test('the body of a 402 has the members of seed 004 and a payment request', async () => {
  const answer = await askers['native']?.(gate.url, { target: '/premium/1' });
  const body = JSON.parse(answer?.body ?? '');
  assert.equal(body.error, 'Payment Required');
  assert.equal(body.amount, 1000);
  assert.equal(body.unit, 'sat');
  assert.deepEqual(body.mints, [mint.url]);
  assert.equal(body.request, answer?.headers['x-cashu']);
});

for (const [dialect, path] of [
  ['nginx', '/auth/nginx?rule=named'],
  ['traefik', '/auth/traefik?rule=named'],
] as const) {
  test(`${dialect}: a rule may be named by the auth URL, whatever host and path say`, async () => {
    const headers =
      dialect === 'nginx'
        ? { 'X-Original-URL': 'http://any/where', 'X-Original-Method': 'GET' }
        : { 'X-Forwarded-Method': 'GET', 'X-Forwarded-Uri': '/where', 'X-Forwarded-Host': 'any' };
    const allowed = await fetch(`${gate.url}${path}`, { headers: { ...headers, ...bearer(key) } });
    assert.equal(allowed.status, 200);
    const denied = await fetch(`${gate.url}${path}`, { headers });
    assert.equal(denied.status, 401);
    const unknown = await fetch(`${gate.url}${path}x`, { headers: { ...headers, ...bearer(key) } });
    assert.equal(unknown.status, 403);
  });
}

for (const endpoint of ['/auth/nginx', '/auth']) {
  test(`${endpoint}: X-Original-URI alone is no question, or a client would add an X-Original-URL of the host it likes`, async () => {
    const headers = { 'X-Original-URI': '/free/1', 'X-Original-Method': 'GET' };
    const alone = await fetch(`${gate.url}${endpoint}`, { headers });
    assert.deepEqual([alone.status, alone.headers.get('x-auth-status')], [403, '400']);
    const beside = { ...headers, 'X-Original-URL': 'http://any/free/1' };
    assert.equal((await fetch(`${gate.url}${endpoint}`, { headers: beside })).status, 200);
  });
}

for (const dialect of ['traefik', 'caddy', 'haproxy']) {
  test(`${dialect}: a question without X-Forwarded-Host is none, or a client would name the host`, async () => {
    const headers = { 'X-Forwarded-Uri': '/free/1', 'X-Forwarded-Method': 'GET' };
    const answer = await fetch(`${gate.url}/auth/${dialect}`, { headers });
    assert.equal(answer.status, 400);
    assert.equal(JSON.parse(await answer.text()).code, 'incomplete_question');
  });
}

test('envoy: a rule may be named in the prefix', async () => {
  const answer = await askers['envoy']?.(gate.url, { target: '/rule/named/any/where', headers: bearer(key) });
  assert.equal(answer?.status, 200);
});

test('429 carries its headers, and what is refused is not counted', async () => {
  const { key: own } = await gate.createKey();
  const asked = { target: '/slow/1', headers: bearer(own) };
  assert.equal((await askers['native']?.(gate.url, asked))?.status, 200);
  const refused = await askers['native']?.(gate.url, asked);
  assert.equal(refused?.status, 429);
  assert.ok(Number(refused?.headers['retry-after']) > 0);
  assert.equal(refused?.headers['x-ratelimit-limit'], '1');
  assert.equal((await challenge(gate.url, asked)).status, 429);
});
