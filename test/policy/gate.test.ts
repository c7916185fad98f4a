/** A rule that asks a policy, through every door: what the policy says holds everywhere, and costs nobody anything. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createPayer } from '../../examples/play-mint/payer.ts';
import type { Explanation } from '../../src/http/admin/explain-shapes.ts';
import { type Asked, askers, challenge } from '../gate/askers.ts';
import { callUnary, checkOf, createClient } from '../peers/envoy-api.ts';
import { startJwksServer } from '../peers/jwks-server.ts';
import { startMint } from '../peers/mint.ts';
import { adminToken, startSallyport } from '../sallyport.ts';
import { writePolicies } from '../servers/opa.ts';
import { until } from '../servers/until.ts';
import { createWorkdir } from '../servers/workdir.ts';

const owner = { after };

const policy = `package gate

import rego.v1

default allow := false

allow if {
    input.identity.method == "jwt"
    "buyer" in input.token.realm_access.roles
    startswith(input.request.path, "/orders/")
}

allow if input.headers["X-Tenant"] == "acme"

reasons contains "is a buyer" if "buyer" in input.token.realm_access.roles

reasons contains "tenant unknown" if not input.headers["X-Tenant"]

result := {"allow": allow, "reasons": reasons, "audit": {"resource": input.request.path}}

nothing if input.request.path == "/nowhere"

number := 7
`;

const start = async () => {
  const policies = createWorkdir('policies', owner).path;
  writePolicies(policies, { 'gate.rego': policy });
  const issuer = await startJwksServer({ owner });
  const mint = await startMint({ owner });
  const rule = (name: string, keys: string) => `  - { name: ${name}, match: { path: "/${name}/**" }, ${keys} }`;
  const extract = 'headers: { extract: X-Tenant }';
  const gate = await startSallyport({
    owner,
    config: `
grpc: { addr: "127.0.0.1:0" }
logger: { format: json, sample_allows: 1 }
jwt: { issuers: [{ name: users, issuer: "${issuer.url}", audience: api, jwks_url: "${issuer.jwksUrl}" }] }
cashu: { mints: ["${mint.url}"] }
policy: { path: "${policies}", timeout: 5s, expose_reasons: true }
rules:
${rule('orders', `accept: [jwt, anonymous], policy: data.gate.result, ${extract}`)}
${rule('scoped', `accept: [jwt], require: { scopes: [write] }, policy: data.gate.allow, ${extract}`)}
${rule('paid', `accept: [cashu, api_key], price: 1000, policy: data.gate.allow, ${extract}`)}
${rule('free', `accept: [cashu], price: 1000, free: { requests: 1, per: 1d }, policy: data.gate.allow, ${extract}`)}
${rule('scarce', `accept: [api_key], limits: { per_day: 1 }, policy: data.gate.allow, ${extract}`)}
${rule('silent', 'accept: [anonymous], policy: data.gate.nothing')}
${rule('strange', 'accept: [anonymous], policy: data.gate.number')}
`,
  });
  return { gate, issuer, mint };
};

const service = await start();

const jwt = (claims: Record<string, unknown>) =>
  service.issuer.sign({ sub: 'john', aud: 'api', ...claims }).then((token) => ({ Authorization: `Bearer ${token}` }));
const buyer = () => jwt({ realm_access: { roles: ['buyer'] } });
const acme = { 'X-Tenant': 'acme' };

type Row = readonly [what: string, asked: () => Asked | Promise<Asked>, status: number, code?: string];

// biome-ignore format: a table is read by its columns
const table: readonly Row[] = [
  ['a claim that the policy wants', async () => ({ target: '/orders/1', headers: await buyer() }), 200],
  ['a token without it', async () => ({ target: '/orders/1', headers: await jwt({}) }), 403, 'policy_denied'],
  ['nobody', () => ({ target: '/orders/1' }), 403, 'policy_denied'],
  ['a header that is extracted', () => ({ target: '/orders/1', headers: acme }), 200],
  ['another value', () => ({ target: '/orders/1', headers: { 'X-Tenant': 'evil' } }), 403, 'policy_denied'],
  ['a header that only looks like it', () => ({ target: '/orders/1', headers: { X_Tenant: 'acme' } }), 403, 'policy_denied'],
  ['a bad token, with what the policy wants', () => ({ target: '/orders/1', headers: { ...acme, Authorization: 'Bearer a.b.c' } }), 401, 'invalid_token'],
  ['a scope that is missing, before the policy is asked', async () => ({ target: '/scoped/1', headers: await buyer() }), 403, 'insufficient_scope'],
  ['a policy that says nothing', () => ({ target: '/silent/1' }), 403, 'policy_undefined'],
  ['a policy that answers with a number', () => ({ target: '/strange/1' }), 503, 'policy_malformed'],
];

for (const [dialect, ask] of Object.entries(askers)) {
  for (const [what, asked, status, code] of table) {
    test(`${dialect}: ${what} → ${status} ${code ?? ''}`, async () => {
      const answer = await ask(service.gate.url, await asked());
      assert.equal(answer.trueStatus, status, answer.body);
      if (code !== undefined && answer.body !== '') assert.equal(JSON.parse(answer.body).code, code);
    });
  }
}

const client = createClient(service.gate.grpcPort, owner);

for (const [what, asked, status, code] of table) {
  test(`gRPC: ${what} → ${status} ${code ?? ''}`, async () => {
    const { target, headers = {} } = await asked();
    const lowered = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
    const { message } = await callUnary(client, 'check', checkOf({ path: target, headers: lowered }));
    assert.equal(message.denied_response?.status.code ?? 200, status);
    if (code !== undefined) assert.equal(JSON.parse(message.denied_response.body).code, code);
  });
}

test('what is explained is what the policy says, with its reasons and what it would have audited', async () => {
  const { gate } = service;
  const ask = async (headers: Readonly<Record<string, string>>): Promise<Explanation> => {
    const response = await fetch(`${gate.adminUrl}/admin/explain`, {
      method: 'POST',
      headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' },
      body: JSON.stringify({ url: 'https://shop.example.com/orders/1', headers }),
    });
    return (await response.json()) as Explanation;
  };
  const denied = await ask({});
  assert.deepEqual([denied.refusal?.code, denied.reasons], ['policy_denied', ['tenant unknown']]);
  const step = denied.steps.find(({ step: name }) => name === 'policy data.gate.result');
  assert.match(step?.says ?? '', /^403 policy_denied: .* \(tenant unknown\)$/);
  const allowed = await ask(await buyer());
  assert.deepEqual([allowed.allowed, allowed.audit], [true, { resource: '/orders/1' }]);
});

test('the reasons are told where that is configured, also by the challenge that nginx asks for', async () => {
  const { gate } = service;
  const refused = await askers['native']?.(gate.url, { target: '/orders/1' });
  assert.deepEqual(JSON.parse(refused?.body ?? '').reasons, ['tenant unknown']);
  const challenged = await challenge(gate.url, { target: '/orders/1' });
  assert.equal(challenged.status, 403);
  assert.deepEqual(JSON.parse(challenged.body).reasons, ['tenant unknown']);
});

test('a request that the policy denies takes nothing of a limit', async () => {
  const { gate } = service;
  const { key } = await gate.createKey();
  const headers = { 'X-API-Key': key };
  const ask = (more = {}) => askers['native']?.(gate.url, { target: '/scarce/1', headers: { ...headers, ...more } });
  for (let times = 0; times < 3; times++) assert.equal((await ask())?.status, 403);
  assert.equal((await ask(acme))?.status, 200);
  assert.equal((await ask(acme))?.status, 429);
});

test('a request that the policy denies takes no credit of a key', async () => {
  const { gate } = service;
  const { key } = await gate.createKey({ credits: { remaining: 5 } });
  const ask = (more = {}) =>
    askers['native']?.(gate.url, { target: '/paid/1', headers: { 'X-API-Key': key, ...more } });
  assert.equal((await ask())?.status, 403);
  assert.equal((await ask(acme))?.headers['x-credits-remaining'], '4');
});

test('a token that the policy denies is not spent, and pays for the request that it allows', async () => {
  const { gate, mint } = service;
  const token = await createPayer(mint.url).token(1000);
  const ask = (more = {}) =>
    askers['native']?.(gate.url, { target: '/paid/1', headers: { 'X-Cashu': token, ...more } });
  const refused = await ask();
  assert.equal(JSON.parse(refused?.body ?? '').code, 'policy_denied');
  assert.equal((await ask(acme))?.headers['x-payment-verified'], 'true');
});

test('a request that the policy denies is none of the free ones', async () => {
  const { gate } = service;
  const headers = { 'X-Forwarded-For': '203.0.113.50' };
  const ask = (more = {}) => askers['traefik']?.(gate.url, { target: '/free/1', headers: { ...headers, ...more } });
  assert.equal((await ask())?.status, 403);
  assert.equal((await ask(acme))?.status, 200);
  assert.equal((await ask(acme))?.status, 402);
});

test('the line of a denial has its code and what the policy says, and no credential', async () => {
  const { gate } = service;
  const headers = await jwt({ canary: 'x' });
  await askers['native']?.(gate.url, { target: '/orders/canary', headers });
  const find = () => gate.log().find(({ path, event }) => path === '/orders/canary' && event === 'denied');
  await until('there is a line', () => find() !== undefined);
  const { code, reasons, policy: audit } = find() ?? {};
  assert.deepEqual([code, reasons, audit], ['policy_denied', ['tenant unknown'], { resource: '/orders/canary' }]);
  assert.equal(gate.output().includes(headers.Authorization.slice(7)), false);
});
