import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { load } from '../config/harness.test.ts';
import type { Identity } from '../core/identity.ts';
import { isRefusal, refuse } from '../core/refusal.ts';
import { type ExplainQuestion, explainQuestion, explanation } from '../http/admin/explain-shapes.ts';
import { createMemoryRateLimiter } from '../stores/memory/rate-limiter.ts';
import { createExplain } from './explain.ts';
import { assembleGate } from './rules.ts';

const yaml = `
jwt: { issuers: [{ name: users, issuer: "https://id.example.com", audience: api, secret: ${'s'.repeat(32)} }] }
cashu: { mints: ["https://mint.example.com"] }
policy: { path: policies }
rules:
  - { name: public, match: { path: "/free/**" }, accept: [anonymous] }
  - { name: orders, match: { host: shop.example.com, path: "/orders/**", methods: [GET] }, accept: [jwt], require: { scopes: [read] }, limits: { per_day: 2 } }
  - { name: shop, match: { host: shop.example.com }, accept: [anonymous] }
  - { name: judged, match: { path: "/judged/**" }, accept: [jwt], policy: data.orders.result, headers: { extract: X-Tenant } }
  - { name: premium, match: { path: "/premium/**" }, accept: [cashu], price: 1000 }
  - { name: by-name, accept: [jwt] }
`;

const { config } = load(yaml);

const john: Identity = {
  method: 'jwt',
  issuer: 'users',
  subject: 'john',
  scopes: ['read'],
  roles: ['customer'],
  claims: { sub: 'john' },
};

const canary = `eyJhbGciOiJIUzI1NiJ9.${'c'.repeat(30)}.good`;
const bad = `eyJhbGciOiJIUzI1NiJ9.${'c'.repeat(30)}.bad`;

const create = () => {
  let asked = 0;
  const limiter = createMemoryRateLimiter(Date.now);
  const gate = assembleGate(config, {
    identifiers: {
      jwt: async (_request, { value }) =>
        value === canary
          ? { outcome: 'identified', identity: john }
          : { outcome: 'rejected', refusal: refuse('invalid_token', 'The signature is wrong.') },
    },
    limiter,
    policy: {
      evaluate(query, input) {
        asked += 1;
        const tenant = JSON.parse(input).headers['X-Tenant'];
        const value = { allow: tenant === 'acme', reasons: [`tenant ${tenant}`], audit: { query, tenant } };
        return { outcome: 'value', value };
      },
      close: async () => undefined,
    },
    chargeKey: () => undefined,
    paywallFor: ({ price }) =>
      price && {
        invite: () =>
          refuse('payment_required', '1000 sat buy one request.', {
            members: { amount: 1000, unit: 'sat', mints: ['https://mint.example.com'] },
          }),
        charge: () => undefined,
      },
  });
  const explain = createExplain({ config, gate, proxy: undefined });
  return {
    gate,
    asked: () => asked,
    async explain(question: Partial<ExplainQuestion>) {
      const explained = await explain(explainQuestion.parse({ url: 'https://shop.example.com/orders/1', ...question }));
      if (isRefusal(explained)) throw new Error(explained.detail);
      assert.deepEqual(explanation.parse(explained), explained);
      return explained;
    },
    refused: async (question: Partial<ExplainQuestion>) => {
      const explained = await explain(explainQuestion.parse({ url: '/', ...question }));
      return isRefusal(explained) ? explained.detail : assert.fail('it was answered');
    },
  };
};

const authorization = { authorization: `Bearer ${canary}` };

type Said = readonly (readonly [step: string, says: string])[];

// biome-ignore format: a table is read by its columns
const cases: readonly (readonly [what: string, question: Partial<ExplainQuestion>, said: Said])[] = [
  ['a request that passes', { headers: authorization }, [
    ['request', 'GET https://shop.example.com/orders/1'],
    ['rule', 'orders: host shop.example.com, path /orders/**, GET; more specific than shop; accepts JWT'],
    ['credential', 'JWT in authorization: good'],
    ['identity', 'jwt: subject john; issuer users; scopes read; roles customer'],
    ['requirements', 'passed'],
    ['limits', 'passed'],
    ['headers', 'X-User-ID: john, X-Auth-Method: jwt, X-User-Roles: customer'],
    ['result', 'allowed'],
  ]],
  ['a bad token', { headers: { Authorization: `Bearer ${bad}` } }, [
    ['request', 'GET https://shop.example.com/orders/1'],
    ['rule', 'orders: host shop.example.com, path /orders/**, GET; more specific than shop; accepts JWT'],
    ['credential', 'JWT in authorization: refused, 401 invalid_token: The signature is wrong.'],
    ['result', '401 invalid_token: The signature is wrong.'],
  ]],
  ['nobody', {}, [
    ['request', 'GET https://shop.example.com/orders/1'],
    ['rule', 'orders: host shop.example.com, path /orders/**, GET; more specific than shop; accepts JWT'],
    ['credential', 'none that is good here: 401 credential_required: Send a JWT as Authorization: Bearer ….'],
    ['result', '401 credential_required: Send a JWT as Authorization: Bearer ….'],
  ]],
  ['no rule', { url: 'https://other.example.com/orders/1', method: 'POST' }, [
    ['request', 'POST https://other.example.com/orders/1'],
    ['rule', 'none; nearest: orders (host shop.example.com, path /orders/**, GET) but for the host and the method; shop (host shop.example.com, any path, any method) but for the host'],
    ['result', '403 no_rule: No rule allows POST on this path.'],
  ]],
  ['a slip of the pen', { url: 'https://other.example.com/judgde/1' }, [
    ['request', 'GET https://other.example.com/judgde/1'],
    ['rule', 'none; nearest: judged (any host, path /judged/**, any method) but for the path; shop (host shop.example.com, any path, any method) but for the host'],
    ['result', '403 no_rule: No rule allows GET on this path.'],
  ]],
  ['a rule that is named', { url: 'https://other.example.com/x', rule: 'by-name', headers: authorization }, [
    ['request', 'GET https://other.example.com/x'],
    ['rule', 'by-name: named by the auth URL; accepts JWT'],
    ['credential', 'JWT in authorization: good'],
    ['identity', 'jwt: subject john; issuer users; scopes read; roles customer'],
    ['limits', 'passed'],
    ['headers', 'X-User-ID: john, X-Auth-Method: jwt, X-User-Roles: customer'],
    ['result', 'allowed'],
  ]],
  ['a rule that is not there', { rule: 'nowhere' }, [
    ['request', 'GET https://shop.example.com/orders/1'],
    ['rule', 'none is called nowhere'],
    ['result', '403 unknown_rule: The auth URL names the rule nowhere, which does not exist.'],
  ]],
  ['a policy that denies', { url: 'https://a.example.com/judged/1', headers: { ...authorization, 'X-Tenant': 'evil' } }, [
    ['request', 'GET https://a.example.com/judged/1'],
    ['rule', 'judged: any host, path /judged/**, any method; accepts JWT'],
    ['credential', 'JWT in authorization: good'],
    ['identity', 'jwt: subject john; issuer users; scopes read; roles customer'],
    ['policy data.orders.result', '403 policy_denied: The policy denies the request. (tenant evil)'],
    ['result', '403 policy_denied: The policy denies the request.'],
  ]],
  ['a price', { url: 'https://a.example.com/premium/1' }, [
    ['request', 'GET https://a.example.com/premium/1'],
    ['rule', 'premium: any host, path /premium/**, any method; accepts Cashu token, session'],
    ['credential', 'none that is good here: 402 payment_required: 1000 sat buy one request.'],
    ['price', '1000 sat, for callers who pay'],
    ['result', '402 payment_required: 1000 sat buy one request.'],
  ]],
  ['anybody', { url: 'https://a.example.com/free/1', headers: authorization }, [
    ['request', 'GET https://a.example.com/free/1'],
    ['rule', 'public: any host, path /free/**, any method; accepts anonymous callers'],
    ['credential', 'none that the rule looks at'],
    ['identity', 'anonymous'],
    ['limits', 'passed'],
    ['headers', 'X-Auth-Method: anonymous'],
    ['result', 'allowed'],
  ]],
  ['a path that can be read in two ways', { url: 'https://a.example.com/free/../orders' }, [
    ['request', '400 ambiguous_path: The path has a dot segment (. or ..). Send it in its plain form.'],
  ]],
];

for (const [what, question, said] of cases) {
  test(`explained step by step: ${what}`, async () => {
    const { steps } = await create().explain(question);
    assert.deepEqual(
      steps.map(({ step, says }) => [step, says]),
      said,
    );
  });
}

test('what a policy says is told beside the decision, and the price, and what goes to whom', async () => {
  const { explain } = create();
  const judged = await explain({
    url: 'https://a.example.com/judged/1',
    headers: { ...authorization, 'X-Tenant': 'acme' },
  });
  assert.equal(judged.allowed, true);
  assert.deepEqual(judged.reasons, ['tenant acme']);
  assert.deepEqual(judged.audit, { query: 'data.orders.result', tenant: 'acme' });
  assert.equal(judged.upstream_headers['X-User-ID'], 'john');
  assert.deepEqual(judged.removed_headers, ['authorization']);
  const premium = await explain({ url: 'https://a.example.com/premium/1' });
  assert.deepEqual(premium.price, { amount: 1000, unit: 'sat', mints: ['https://mint.example.com'] });
});

test('nothing is counted, however often it is asked', async () => {
  const { explain, gate } = create();
  for (let times = 0; times < 5; times++) assert.equal((await explain({ headers: authorization })).allowed, true);
  assert.equal((await explain({ headers: authorization })).client_headers['X-RateLimit-Remaining'], '2');
  const { decision } = await gate.decide(
    {
      request: {
        id: 'r',
        method: 'GET',
        scheme: 'https',
        host: 'shop.example.com',
        path: '/orders/1',
        query: '',
        clientIp: '',
        header: (name) => (name === 'authorization' ? authorization.authorization : undefined),
        findHeaderName: () => undefined,
      },
    },
    'enforce',
  );
  assert.equal(decision.verdict === 'allow' && decision.client['X-RateLimit-Remaining'], '1');
});

test('no credential is shown, wherever the request has it, and none of the query', async () => {
  const { explain } = create();
  for (const question of [
    { headers: authorization },
    { headers: { Authorization: `Bearer ${bad}` } },
    {
      headers: { 'X-API-Key': 'sk-canary-canary-canary' },
      url: 'https://shop.example.com/free/sk-canary-canary-canary',
    },
    { headers: { 'X-Cashu': `cashuB${'c'.repeat(40)}` }, url: 'https://a.example.com/premium/1' },
    {
      headers: { ...authorization, 'X-Tenant': canary },
      url: `https://a.example.com/judged/${canary}?token=canary-canary`,
    },
  ]) {
    const text = JSON.stringify(await explain(question));
    assert.equal(/c{20}|canary-canary/.test(text), false, text);
  }
});

test('a certificate is described by its name, or by itself, and a wrong one is not taken for none', async () => {
  const { explain, refused } = create();
  await explain({ certificate: { subject: 'CN=orders,O=MyOrg', uris: [], dns_names: [] } });
  assert.match(await refused({ host: 'a', certificate: 'rubbish' }), /^certificate: no certificate in PEM/);
  const described = { subject: 'rubbish', uris: [], dns_names: [] };
  assert.match(await refused({ host: 'a', certificate: described }), /^certificate: the subject is no name/);
});

test('a question that makes no sense is refused with what is wrong', async () => {
  const { refused } = create();
  assert.match(await refused({ url: '/a' }), /^host: missing/);
  assert.match(await refused({ url: 'ftp://a/b' }), /^url: expected/);
  assert.match(await refused({ url: 'https://a/b#c' }), /^url: expected/);
  assert.match(await refused({ host: 'a', headers: { 'X-A': '1', 'x-a': '2' } }), /^headers: x-a stands there twice/);
  assert.match(await refused({ host: 'a', door: 'proxy' }), /^door: there is no proxy/);
});

test('whatever is asked, the answer is of its shape', async () => {
  const { explain } = create();
  const header = fc.constantFrom('Authorization', 'X-API-Key', 'X-Cashu', 'Cookie', 'X-Tenant');
  const questions = fc.record({
    url: fc
      .tuple(fc.constantFrom('https://a.example.com/', 'https://shop.example.com/orders/'), fc.webPath())
      .map(([origin, path]) => `${origin}${path.slice(1)}`),
    method: fc.constantFrom('GET', 'POST', 'get', 'TRACE', ''),
    headers: fc.dictionary(header, fc.string()),
  });
  await fc.assert(
    fc.asyncProperty(questions, async (question) => {
      const { allowed, refusal } = await explain(question);
      assert.equal(allowed, refusal === null);
    }),
    { numRuns: 200 },
  );
});
