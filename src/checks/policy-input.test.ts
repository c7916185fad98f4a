import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { anonymous, type Identity, payer } from '../core/identity.ts';
import type { CashuToken } from '../core/payment.ts';
import type { AuthRequest, ClientCertificate } from '../core/request.ts';
import { inputText, policyInput, toldTo } from './policy-input.ts';

const certificate: ClientCertificate = {
  subject: 'O=MyOrg\nOU=a\nOU=b\nCN=order-service-client',
  issuer: 'CN=zone3-CA',
  fingerprint: 'ab'.repeat(32),
  canonicalSubject: undefined,
  uris: ['spiffe://example.com/orders'],
  dnsNames: ['orders.example.com'],
  serial: '0A1B',
  attributes: { O: ['MyOrg'], OU: ['a', 'b'], CN: ['order-service-client'] },
};

const jwt: Identity = {
  method: 'jwt',
  issuer: 'services',
  subject: 'order-service',
  scopes: ['read'],
  roles: ['service'],
  claims: { sub: 'order-service', azp: 'order-service', exp: 1_900_000_000, realm_access: { roles: ['a'] } },
};

const asked = (rest: Partial<AuthRequest> = {}, headers: Record<string, string> = {}): AuthRequest => ({
  id: 'r-1',
  method: 'GET',
  scheme: 'https',
  host: 'data.example.com',
  path: '/inventory/PROD-123',
  query: 'a=1&b=2',
  clientIp: '10.0.0.7',
  header: (name) => headers[name],
  findHeaderName: () => undefined,
  ...rest,
});

const inputOf = (request: AuthRequest, identity: Identity, extract: readonly string[] = []): unknown =>
  JSON.parse(inputText(policyInput(request, identity, toldTo({}, extract))));

test('a policy is asked about exactly this', () => {
  const headers = { 'x-user-context': 'john', authorization: 'Bearer secret', cookie: 'a=b' };
  const extract = ['X-User-Context', 'X-Correlation-ID'];
  assert.deepEqual(inputOf(asked({ certificate }, headers), jwt, extract), {
    request: { method: 'GET', path: '/inventory/PROD-123', host: 'data.example.com', query: 'a=1&b=2' },
    headers: { 'X-User-Context': 'john' },
    token: jwt.claims,
    identity: {
      method: 'jwt',
      subject: 'order-service',
      roles: ['service'],
      scopes: ['read'],
      issuer: 'services',
    },
    mtls: {
      verified: true,
      subject: { CN: 'order-service-client', O: 'MyOrg', OU: ['a', 'b'] },
      san: { dns: ['orders.example.com'], uri: ['spiffe://example.com/orders'] },
      serial: '0A1B',
      fingerprint: 'ab'.repeat(32),
    },
    source: { ip: '10.0.0.7' },
  });
});

test('without a certificate nothing is verified, and without a JWT there is no token', () => {
  const input = inputOf(asked(), anonymous);
  assert.deepEqual(input, {
    request: { method: 'GET', path: '/inventory/PROD-123', host: 'data.example.com', query: 'a=1&b=2' },
    headers: {},
    identity: { method: 'anonymous', subject: '', roles: [], scopes: [] },
    mtls: { verified: false },
    source: { ip: '10.0.0.7' },
  });
});

const key: Identity = {
  method: 'api_key',
  keyId: 'key_1',
  limits: [],
  subject: 'john',
  scopes: ['read'],
  roles: ['gold'],
  claims: { team: 'x' },
};
const byCertificate: Identity = { ...anonymous, method: 'certificate', subject: 'order-service-client', certificate };

const token: CashuToken = {
  mint: 'https://mint.example.com',
  unit: 'sat',
  amount: 1,
  proofs: [{ id: '00', amount: 1, secret: 'cashu-secret', C: '02' }],
};

for (const [identity, expected] of [
  [key, { subject: 'john', roles: ['gold'], scopes: ['read'], key_id: 'key_1', metadata: { team: 'x' } }],
  [byCertificate, { subject: 'order-service-client', roles: [], scopes: [] }],
  [payer(token), { subject: '', roles: [], scopes: [] }],
] as const) {
  test(`of a caller by ${identity.method} a policy sees no credential`, () => {
    const { identity: told, ...rest } = inputOf(asked(), identity) as Record<string, unknown>;
    assert.deepEqual(told, { method: identity.method, ...expected });
    assert.equal('token' in rest, false);
  });
}

test('what others share of a request is one object for as long as its caller and certificate are known', () => {
  const told = toldTo({}, []);
  const one = policyInput(asked({ path: '/a', certificate }), jwt, told);
  const other = policyInput(asked({ path: '/b', certificate }), jwt, told);
  assert.notEqual(one.own, other.own);
  assert.ok(one.parts[0] === other.parts[0] && one.parts[1] === other.parts[1]);
  assert.notEqual(policyInput(asked(), { ...jwt }, told).parts[0], one.parts[0]);
});

test('a client that shows one certificate on many connections is one for policies, and no other client is', () => {
  const told = toldTo({}, []);
  const on = (shown: ClientCertificate) =>
    policyInput(asked({ certificate: shown }), { ...byCertificate, certificate: shown }, told).parts;
  const [caller, mtls] = on({ ...certificate });
  const again = on({ ...certificate });
  assert.ok(again[0] === caller && again[1] === mtls);
  assert.notEqual(on({ ...certificate, fingerprint: 'cd'.repeat(32) })[1], mtls);
});

test('of its own a request tells what a policy can see, and no more', () => {
  const headers = { 'x-a': '1', 'x-b': '2' };
  const told = (...read: string[]) => {
    const reads = (group: string, member?: string) =>
      read.includes(group) || (member !== undefined && read.includes(`${group}.${member}`));
    const input = policyInput(asked({}, headers), anonymous, toldTo({ reads }, ['X-A', 'X-B'], 'stripe'));
    const { identity: _identity, mtls: _mtls, ...own } = JSON.parse(inputText(input));
    return own;
  };
  assert.deepEqual(told(), {});
  assert.deepEqual(told('request.method'), { request: { method: 'GET' } });
  assert.deepEqual(told('headers.X-B', 'request.path'), {
    request: { path: '/inventory/PROD-123' },
    headers: { 'X-B': '2' },
  });
  assert.deepEqual(told('headers', 'source.ip'), { headers: { 'X-A': '1', 'X-B': '2' }, source: { ip: '10.0.0.7' } });
  assert.deepEqual(told('egress.target'), { egress: { target: 'stripe' } });
  assert.deepEqual(told('request.host', 'egress'), {
    request: { host: 'data.example.com' },
    egress: { target: 'stripe' },
  });
  assert.deepEqual(told('request', 'source'), {
    request: { method: 'GET', path: '/inventory/PROD-123', host: 'data.example.com', query: 'a=1&b=2' },
    source: { ip: '10.0.0.7' },
  });
});

test('whatever a client sends, the input is one JSON object with the same members', () => {
  const texts = fc.record({ path: fc.string(), query: fc.string(), value: fc.string(), subject: fc.string() });
  fc.assert(
    fc.property(texts, ({ path, query, value, subject }) => {
      const identity = { ...jwt, subject, claims: { sub: subject } };
      const input = inputOf(asked({ path, query }, { 'x-a': value }), identity, ['X-A']) as Record<string, unknown>;
      assert.deepEqual(Object.keys(input), ['request', 'headers', 'source', 'token', 'identity', 'mtls']);
      assert.deepEqual(input['headers'], { 'X-A': value });
      assert.deepEqual(input['token'], { sub: subject });
    }),
  );
});
