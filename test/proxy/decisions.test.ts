/** In the path: who gets through to the service behind, and what it is told of them. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startRecordingTarget } from '../peers/recording-target.ts';
import { startSallyport } from '../sallyport.ts';
import { request } from '../servers/request.ts';
import { until } from '../servers/until.ts';
import { jwtBlock, userToken } from './tokens.ts';

const owner = { after };
const orders = await startRecordingTarget({ owner });
const payments = await startRecordingTarget({ owner });
const sallyport = await startSallyport({
  owner,
  config: `${jwtBlock}
trusted_proxies: []
proxy:
  upstream: "${orders.url}"
  routes:
    - { path: "/api/v1/orders/**" }
    - { path: "/api/v1/payments/**", upstream: "${payments.url}/v2", strip_prefix: /api/v1, methods: [GET, POST] }
    - { path: "/public/**", auth_required: false }
    - { path: "/down", upstream: "http://127.0.0.1:9", auth_required: false }
  headers:
    inject_claims: { email: X-Mail, realm_access.roles: X-User-Roles }
    inject_user_id: X-Original-User
`,
});

const john = `Bearer ${await userToken()}`;
const ask = (path: string, headers: Readonly<Record<string, string>> = {}, method = 'GET') =>
  request(sallyport.url, path, { headers, method });
const codeOf = ({ body }: { body: string }): unknown => JSON.parse(body).code;

/** Of the latest request, by names in lower case. */
const told = (target = orders): Readonly<Record<string, string>> => {
  const { rawHeaders } = target.latest();
  const pairs: [string, string][] = [];
  for (let at = 0; at < rawHeaders.length; at += 2)
    pairs.push([rawHeaders[at]?.toLowerCase() ?? '', rawHeaders[at + 1] ?? '']);
  return Object.fromEntries(pairs);
};

test('a good token gets through, and the service is told whose it is', async () => {
  const { status, body, headers } = await ask('/api/v1/orders/7?a=b&a=c', { authorization: john });
  assert.deepEqual([status, body, headers['x-answered-by']], [200, 'ok', 'target']);
  const { method, url } = orders.latest();
  assert.deepEqual([method, url], ['GET', '/api/v1/orders/7?a=b&a=c']);
  const seen = told();
  assert.deepEqual(
    ['x-user-id', 'x-original-user', 'x-mail', 'x-user-roles', 'x-auth-method'].map((name) => seen[name]),
    ['john', 'john', 'john@example.com', 'customer,orders:create', 'jwt'],
  );
  assert.equal(seen['authorization'], undefined, 'the token stays here');
  assert.equal(seen['x-api-key-id'], undefined, 'what has no value is not there');
});

// biome-ignore format: a table is read by its columns
const refused: readonly (readonly [title: string, headers: Readonly<Record<string, string>>, status: number, code: string])[] = [
  ['no token', {}, 401, 'credential_required'],
  ['another scheme', { authorization: 'Basic am9objpwdw==' }, 401, 'credential_required'],
  ['an expired token', { authorization: `Bearer ${await userToken({ exp: 1_700_000_000 })}` }, 401, 'expired_token'],
  ['another issuer', { authorization: `Bearer ${await userToken({ iss: 'https://evil.example' })}` }, 401, 'invalid_token'],
  ['another audience', { authorization: `Bearer ${await userToken({ aud: 'payments' })}` }, 401, 'invalid_token'],
  ['another key', { authorization: `Bearer ${await userToken({}, 'another-secret-0123456789abcdef012345')}` }, 401, 'invalid_token'],
  ['no token of ours', { authorization: 'Bearer abc' }, 401, 'unrecognised_credential'],
  ['two tokens', { authorization: `${john}, Bearer abc` }, 400, 'ambiguous_credentials'],
  ['an API key', { 'x-api-key': 'sk-0123456789abcdef0123456789abcdef' }, 401, 'credential_required'],
  ['a name that breaks out of its header', { authorization: `Bearer ${await userToken({ sub: 'john\r\nX-Admin: 1' })}` }, 403, 'unsafe_identity'],
];

for (const [title, headers, status, code] of refused)
  test(`${title} is refused with ${status} ${code}, and the service is not asked`, async () => {
    const before = orders.calls.length;
    const answer = await ask('/api/v1/orders/7', headers);
    assert.deepEqual([answer.status, codeOf(answer)], [status, code]);
    assert.equal(answer.headers['content-type'], 'application/problem+json');
    assert.equal(orders.calls.length, before);
    if (status === 401) assert.match(answer.headers['www-authenticate'] ?? '', /^Bearer/);
  });

test('where no token is required one that is there must be good', async () => {
  assert.equal((await ask('/public/x')).status, 200);
  assert.deepEqual([told()['x-user-id'], told()['x-auth-method']], [undefined, 'anonymous']);
  assert.equal((await ask('/public/x', { authorization: john })).status, 200);
  assert.equal(told()['x-user-id'], 'john');
  assert.equal((await ask('/public/x', { authorization: `${john}x` })).status, 401);
});

test('a preflight is no exception', async () => {
  const headers = { origin: 'https://a.example', 'access-control-request-method': 'POST' };
  assert.equal((await ask('/api/v1/orders/7', headers, 'OPTIONS')).status, 401);
});

test('a route leads to its own service, below the path of its URL', async () => {
  assert.equal((await ask('/api/v1/payments/9?x=%20', { authorization: john }, 'POST')).status, 200);
  assert.deepEqual([payments.latest().method, payments.latest().url], ['POST', '/v2/payments/9?x=%20']);
  assert.equal((await ask('/api/v1/payments', { authorization: john })).status, 200);
  assert.equal(payments.latest().url, '/v2/payments');
});

for (const [title, path, method, status, code] of [
  ['no route', '/api/v2/orders', 'GET', 404, 'no_route'],
  ['no route for the method', '/api/v1/payments/9', 'DELETE', 404, 'no_route'],
  ['TRACE', '/public/x', 'TRACE', 405, 'method_not_allowed'],
  ['a service that is not there', '/down', 'GET', 502, 'target_unreachable'],
] as const)
  test(`${title}: ${status} ${code}`, async () => {
    const answer = await ask(path, { authorization: john }, method);
    assert.deepEqual([answer.status, codeOf(answer)], [status, code]);
  });

test('every answer says by which id the request is told of, and the service has it too', async () => {
  for (const [path, status] of [
    ['/public/x', 200],
    ['/api/v1/orders/7', 401],
    ['/nothing', 404],
    ['/a//b', 400],
    ['/down', 502],
  ] as const) {
    const answer = await ask(path, { 'x-correlation-id': 'mine', 'x-request-id': 'mine' });
    assert.equal(answer.status, status);
    const id = answer.headers['x-correlation-id'];
    assert.match(String(id), /^[0-9a-f-]{36}$/, 'nobody who is not trusted chooses it');
    assert.equal(answer.headers['x-request-id'], id);
    if (status === 200) assert.deepEqual([told()['x-correlation-id'], told()['x-request-id']], [id, id]);
  }
});

test('decisions and requests are counted by route', async () => {
  const metrics = await request(`http://127.0.0.1:${sallyport.endpointsPort}`, '/metrics');
  assert.match(
    metrics.body,
    /sallyport_decisions_total\{rule="\/api\/v1\/orders\/\*\*",dialect="proxy",method="jwt",outcome="allow"\} \d+/,
  );
  assert.match(
    metrics.body,
    /sallyport_proxy_requests_total\{route="GET,POST \/api\/v1\/payments\/\*\*",status="2xx"\} 2/,
  );
  assert.match(metrics.body, /sallyport_proxy_requests_total\{route="",status="4xx"\} \d+/);
  assert.match(metrics.body, /sallyport_proxy_errors_total\{route="\/down",error_type="unreachable"\} \d/);
});

test('one audit line tells of each request, whatever became of it', async () => {
  const lineOf = async (answer: Promise<{ headers: Readonly<Record<string, unknown>> }>) => {
    const id = (await answer).headers['x-correlation-id'];
    const lines = () => sallyport.log().filter((line) => line['event'] === 'request' && line['correlation_id'] === id);
    await until('it is told', () => lines().length > 0);
    assert.equal(lines().length, 1);
    const { decision, code, status, route, downstream, user_id, error } = lines()[0] ?? {};
    return [decision, code, status, route, downstream, user_id, error];
  };
  const authorization = john;
  // biome-ignore format: a table is read by its columns
  assert.deepEqual([
    await lineOf(ask('/api/v1/orders/7', { authorization })),
    await lineOf(ask('/api/v1/orders/7')),
    await lineOf(ask('/nothing')),
    await lineOf(ask('/a//b')),
    await lineOf(ask('/down')),
  ], [
    ['allow', undefined, 200, '/api/v1/orders/**', orders.url, 'john', undefined],
    ['deny', 'credential_required', 401, '/api/v1/orders/**', undefined, undefined, undefined],
    ['deny', 'no_route', 404, undefined, undefined, undefined, undefined],
    ['deny', 'ambiguous_path', 400, undefined, undefined, undefined, undefined],
    ['allow', undefined, 502, '/down', 'http://127.0.0.1:9', undefined, 'unreachable'],
  ]);
});

test('health and readiness are at their own listener, and every path of the proxy is the service’s', async () => {
  const origin = `http://127.0.0.1:${sallyport.endpointsPort}`;
  assert.equal((await request(origin, '/health')).status, 200);
  assert.equal((await request(origin, '/ready')).status, 200);
  for (const path of ['/health', '/auth/native/public/x', '/.sallyport/pay', '/metrics'])
    assert.equal((await ask(path, { authorization: john })).status, 404, path);
});

test('nothing of all this was an error of ours', () => {
  assert.deepEqual(
    sallyport.log().filter(({ event }) => event === 'error'),
    [],
  );
});
