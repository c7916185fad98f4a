import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AccessEvent } from '../core/access-event.ts';
import { type Decision, deny } from '../core/decision.ts';
import type { Findings } from '../core/findings.ts';
import { anonymous, type Identity } from '../core/identity.ts';
import { refuse } from '../core/refusal.ts';
import type { AuthRequest, ClientCertificate } from '../core/request.ts';
import { type AuditOptions, createAudit } from './audit.ts';

const NOW_MS = Date.UTC(2026, 0, 2, 3, 4, 5);

const certificateOf = (name: string): ClientCertificate => ({
  subject: `O=MyOrg\nCN=${name}`,
  issuer: 'CN=zone-CA',
  fingerprint: 'ab'.repeat(32),
  canonicalSubject: undefined,
  uris: [],
  dnsNames: [],
  serial: '01',
  attributes: { O: ['MyOrg'], CN: [name] },
});

const user: Identity = {
  method: 'jwt',
  issuer: 'users',
  subject: 'user-123',
  scopes: [],
  roles: [],
  claims: { sub: 'user-123', preferred_username: 'john' },
};
const service: Identity = {
  method: 'jwt',
  issuer: 'services',
  subject: '5f1c',
  scopes: [],
  roles: [],
  claims: { sub: '5f1c', azp: 'order-service', preferred_username: 'service-account-order-service' },
};

const allow = (identity: Identity, findings?: Findings): Decision => ({
  verdict: 'allow',
  identity,
  upstream: {},
  client: {},
  remove: [],
  findings,
});

type Given = Readonly<{
  request?: Partial<AuthRequest>;
  headers?: Readonly<Record<string, string>>;
  event?: Partial<AccessEvent>;
  options?: Partial<AuditOptions>;
}>;

const textOf = ({ request, headers = {}, event, options }: Given): string => {
  let written = '';
  const audit = createAudit({
    service: 'data-service',
    extract: ['X-User-Context', 'X-Correlation-ID'],
    keyPrefixes: ['sk-'],
    now: () => NOW_MS,
    write: (line) => {
      written += line;
    },
    ...options,
  });
  const asked: AuthRequest = {
    id: 'req-abc-123',
    method: 'POST',
    scheme: 'https',
    host: 'data.example.com',
    path: '/orders',
    query: '',
    clientIp: '10.0.0.7',
    header: (name) => headers[name],
    findHeaderName: () => undefined,
    ...request,
  };
  audit({
    requestId: 'req-abc-123',
    method: 'POST',
    path: '/orders',
    peerIp: '10.0.0.7',
    request: asked,
    route: '/**',
    downstream: '',
    decision: allow(anonymous),
    status: 201,
    durationMs: 1.23456,
    ...event,
  });
  return written;
};

const lineOf = (given: Given): Record<string, unknown> => JSON.parse(textOf(given));

const common = {
  level: 'info',
  time: '2026-01-02T03:04:05.000Z',
  event: 'request',
  client_ip: '10.0.0.7',
  method: 'POST',
  status: 201,
  duration_ms: 1.235,
  route: '/**',
  correlation_id: 'req-abc-123',
  decision: 'allow',
  credential: 'jwt',
};

test('the gateway says which user asked for what, and who answers', () => {
  const event = { decision: allow(user), downstream: 'order-service' };
  assert.deepEqual(lineOf({ request: { path: '/api/v1/orders' }, event, options: { service: 'api-gateway' } }), {
    ...common,
    service: 'api-gateway',
    user_id: 'john',
    path: '/api/v1/orders',
    downstream: 'order-service',
  });
});

test('a service behind says which service called, and for which user', () => {
  const request = { certificate: certificateOf('api-gateway-client') };
  assert.deepEqual(lineOf({ request, event: { decision: allow(user) }, options: { service: 'order-service' } }), {
    ...common,
    service: 'order-service',
    mtls_client: 'api-gateway-client',
    user_id: 'john',
    user_context: 'john',
    path: '/orders',
  });
});

test('of a token of its own a service is told, and the user from the header, with what the policy says', () => {
  const findings = {
    reasons: ['service order-service has permission write-orders'],
    audit: { service: 'order-service-client', user_context: 'mallory', action: 'POST', resource: '/orders' },
  };
  const given = {
    request: { certificate: certificateOf('order-service-client') },
    headers: { 'x-user-context': 'john' },
    event: { decision: allow(service, findings) },
  };
  assert.deepEqual(lineOf(given), {
    ...common,
    service: 'data-service',
    mtls_client: 'order-service-client',
    calling_service: 'order-service',
    user_context: 'john',
    path: '/orders',
    reasons: ['service order-service has permission write-orders'],
    action: 'POST',
    resource: '/orders',
  });
});

test('a refusal is told with its code and the reasons of the policy, and by whom a good credential was', () => {
  const refusal = refuse('policy_denied', 'no', { findings: { reasons: ['no role'], audit: { rule: 'r1' } } });
  const line = lineOf({ event: { decision: deny(refusal, user), status: 403 } });
  assert.deepEqual(
    [line['decision'], line['code'], line['reasons'], line['rule'], line['user_id'], line['level']],
    ['deny', 'policy_denied', ['no role'], 'r1', 'john', 'info'],
  );
  const failed = lineOf({ event: { decision: deny(refuse('policy_timeout', 'late')), status: 503 } });
  assert.deepEqual([failed['level'], failed['code']], ['warn', 'policy_timeout']);
});

test('a request that could not be read, or was left before it was decided, has a line as well', () => {
  const line = lineOf({ event: { request: undefined, decision: undefined, path: '/%zz', status: 400 } });
  assert.deepEqual([line['decision'], line['path'], line['client_ip']], ['none', '/%zz', '10.0.0.7']);
});

test('a policy cannot say who the client was, nor what was decided, also where the line is silent on it', () => {
  const fields = [
    'level',
    'event',
    'service',
    'mtls_client',
    'calling_service',
    'user_id',
    'user_context',
    'decision',
    'code',
    'correlation_id',
    'status',
    '__proto__',
  ];
  const audit = Object.fromEntries(fields.map((name) => [name, 'forged']));
  const text = textOf({ event: { decision: allow(anonymous, { reasons: [], audit }) } });
  assert.equal(text.includes('forged'), false);
});

test('other extracted headers stand beside, spelt as configured; headers that are not extracted do not', () => {
  const headers = { 'x-tenant': 'acme', 'x-user-context': 'john', 'x-other': 'x' };
  const line = lineOf({ headers, options: { extract: ['X-Tenant', 'X-Missing'] } });
  assert.deepEqual(line['headers'], { 'X-Tenant': 'acme' });
  assert.equal(line['user_context'], undefined);
  assert.equal(JSON.stringify(line).includes('X-Missing'), false);
});

test('a line is one line, and bounded, whatever the caller sends', () => {
  const long = 'x'.repeat(100_000);
  const text = textOf({ request: { path: `/a\nb\u2028${long}` }, headers: { 'x-user-context': `${long}"}\n{"` } });
  assert.equal(text.indexOf('\n'), text.length - 1);
  assert.ok(text.length < 4_000);
});

const jwt = `eyJhbGciOiJFUzI1NiJ9.${'p'.repeat(40)}.${'s'.repeat(40)}`;
const cashu = `cashuB${'a'.repeat(60)}`;
const key = `sk-${'k'.repeat(40)}`;

for (const [what, secret, headers] of [
  ['the token of the request', jwt, { authorization: `Bearer ${jwt}` }],
  ['the token of another request', jwt, {}],
  ['a Cashu token', cashu, {}],
  ['an API key', key, {}],
  ['a password', 'correct horse battery', { authorization: 'Basic correct horse battery' }],
  ['an API key of another form', 'plain-old-key-1', { 'x-api-key': 'plain-old-key-1' }],
  ['the cookie of a session', 'ses_0123456789', { cookie: 'a=b; __Host-sallyport-session=ses_0123456789' }],
  ['a token with quotes', '"quoted"\\token', { authorization: 'Bearer "quoted"\\token' }],
] as const) {
  test(`${what} is not told, wherever it stands`, () => {
    const line = lineOf({
      request: { path: `/orders/${secret}` },
      headers: { ...headers, 'x-user-context': `for ${secret}`, 'x-tenant': secret },
      event: {
        requestId: 'req-abc-123',
        decision: allow(user, { reasons: [`has ${secret}`], audit: { deep: [{ [secret]: secret }] } }),
      },
      options: { extract: ['X-User-Context', 'X-Tenant'] },
    });
    assert.equal(JSON.stringify(line).includes(JSON.stringify(secret).slice(1, -1)), false);
    assert.equal(line['path'], '/orders/[redacted]');
    assert.equal(line['user_context'], 'for [redacted]');
    assert.equal(line['decision'], 'allow');
  });
}

test('what a caller sends as a token changes no name of a field', () => {
  for (const token of ['decision', '"decision":"allow"', 'correlation_id', 'user_context']) {
    const line = lineOf({
      headers: { authorization: `Bearer ${token}` },
      event: { decision: deny(refuse('invalid_token', 'no')) },
    });
    assert.equal(line['decision'], 'deny');
    assert.equal(line['correlation_id'], 'req-abc-123');
  }
});
