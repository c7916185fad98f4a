/** Two sidecars and a service, as in the zones: a user's token is passed on by a gateway whose certificate lets it in. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { Agent, request as ask } from 'node:https';
import { text } from 'node:stream/consumers';
import { after, test } from 'node:test';
import { startRecordingTarget } from '../peers/recording-target.ts';
import { startSallyport } from '../sallyport.ts';
import { createAuthority, type Pair, readPair } from '../servers/certificates.ts';
import { request } from '../servers/request.ts';
import { until } from '../servers/until.ts';
import { jwtBlock, userToken } from './tokens.ts';

const owner = { after };
const zone = createAuthority(owner);
const strangers = createAuthority(owner);
const server = zone.issue('server');
const gatewayClient = zone.issue('gateway', undefined, { subject: '/O=MyOrg/CN=api-gateway-client' });
const otherClient = zone.issue('other', undefined, { subject: '/O=MyOrg/CN=x\\,CN=api-gateway-client' });
const stranger = strangers.issue('stranger', undefined, { subject: '/O=MyOrg/CN=api-gateway-client' });

/** Answers as OPA does: the question tells what to answer. */
const opa = await startRecordingTarget({ owner });
let policyResult: unknown;
opa.behave((_request, response) => {
  response.setHeader('Content-Type', 'application/json');
  response.end(JSON.stringify(policyResult === undefined ? {} : { result: policyResult }));
});
const asked = () => JSON.parse(opa.latest().body).input;

const service = await startRecordingTarget({ owner });
const tls = (pair: Pair) => `tls: { cert_file: "${pair.cert}", key_file: "${pair.key}"`;
const orders = await startSallyport({
  owner,
  http: `${tls(server)}, client_ca_file: "${zone.ca}", client_auth: request }`,
  config: `${jwtBlock}
trusted_proxies: []
policy: { engine: opa_sidecar, url: "${opa.url}", timeout: 5s, expose_reasons: true }
proxy:
  upstream: "${service.url}"
  authz: { policy_query: data.orders.result }
  mtls: { allowed_clients: ["CN=api-gateway-client,O=MyOrg"] }
  routes:
    - { path: "/**" }
    - { path: "/open/**", auth_required: false }
  headers: { inject_user_id: X-User-ID, extract: [X-User-Context] }
  audit: { service: order-service }
`,
});
const gateway = await startSallyport({
  owner,
  config: `${jwtBlock}
trusted_proxies: []
proxy:
  routes:
    - { path: "/api/v1/orders/**", upstream: "https://localhost:${orders.port}", strip_prefix: /api/v1 }
  headers: { pass_token: true, inject_claims: { sub: X-User-ID } }
  audit: { service: api-gateway }
egress:
  addr: "127.0.0.1:0"
  targets:
    order-service:
      url: "https://localhost:${orders.port}"
      allow_private: true
      tls: { ca_cert: "${zone.ca}", client_cert: "${gatewayClient.cert}", client_key: "${gatewayClient.key}" }
`,
});

const authorization = `Bearer ${await userToken()}`;
const allowed = { allow: true, reasons: ['may order'], audit: { action: 'write' } };

/** Straight to the second sidecar. */
const direct = (own: Pair | undefined, path: string, headers: Record<string, string> = {}) =>
  new Promise<{ status: number; body: string }>((resolve, reject) => {
    const agent = new Agent({ ca: readFileSync(zone.ca), ...(own && readPair(own)) });
    const outgoing = ask({ host: 'localhost', port: orders.port, path, headers, agent }, (incoming) => {
      text(incoming).then((body) => {
        agent.destroy();
        resolve({ status: incoming.statusCode ?? 0, body });
      }, reject);
    });
    outgoing.on('error', reject).end();
  });

const lines =
  ({ log }: typeof orders, id: unknown) =>
  () =>
    log().filter(({ event, correlation_id }) => event === 'request' && correlation_id === id);

test('a user’s request goes through both, and their audit lines share its id', async () => {
  policyResult = allowed;
  const headers = { authorization, 'X-User-Context': 'cart-7' };
  const { status, body, headers: answered } = await request(gateway.url, '/api/v1/orders/7', { headers });
  assert.deepEqual([status, body], [200, 'ok'], body);
  const reached = service.latest();
  assert.equal(reached.url, '/orders/7');
  const told = ['X-User-ID', 'X-Client-CN', 'X-Forwarded-Proto', 'Authorization', 'X-Auth-Method'].map((name) =>
    reached.values(name),
  );
  assert.deepEqual(told, [['john'], ['api-gateway-client'], ['https'], [], ['jwt']]);
  assert.deepEqual(reached.values('Host'), [`localhost:${orders.port}`], 'a target of egress sees its own host');
  const { mtls, token, identity, headers: seen } = asked();
  assert.deepEqual(
    [mtls.verified, mtls.subject, token.sub, identity.method, seen],
    [true, { O: 'MyOrg', CN: 'api-gateway-client' }, 'john', 'jwt', { 'X-User-Context': 'cart-7' }],
  );

  const id = answered['x-correlation-id'];
  assert.deepEqual(reached.values('X-Correlation-ID'), [id]);
  for (const one of [gateway, orders]) await until('it is told', () => lines(one, id)().length === 1);
  const pick = ({
    service: name,
    downstream,
    mtls_client,
    decision,
    reasons,
    action,
    user_context,
  }: Record<string, unknown>) => [name, downstream, mtls_client, decision, reasons, action, user_context];
  assert.deepEqual(lines(gateway, id)().map(pick), [
    ['api-gateway', 'order-service', undefined, 'allow', undefined, undefined, undefined],
  ]);
  assert.deepEqual(lines(orders, id)().map(pick), [
    ['order-service', service.url, 'api-gateway-client', 'allow', ['may order'], 'write', 'cart-7'],
  ]);
  assert.equal(
    [...gateway.log(), ...orders.log()].some((line) => JSON.stringify(line).includes(authorization.slice(20, 60))),
    false,
  );
});

// biome-ignore format: a table is read by its columns
const refused: readonly (readonly [title: string, own: Pair | undefined, headers: Record<string, string>, status: number, code: string])[] = [
  ['a stolen token without the certificate', undefined, { authorization }, 403, 'certificate_refused'],
  ['a token with another certificate of the zone', otherClient, { authorization }, 403, 'certificate_refused'],
  ['the right certificate without a token', gatewayClient, {}, 401, 'credential_required'],
  ['the right certificate with an expired token', gatewayClient, { authorization: `Bearer ${await userToken({ exp: 1_700_000_000 })}` }, 401, 'expired_token'],
  ['a certificate that a header tells of', undefined, { authorization, 'X-Client-CN': 'api-gateway-client', 'X-Forwarded-Client-Cert': 'Subject="CN=api-gateway-client,O=MyOrg"', 'ssl-client-verify': 'SUCCESS', 'ssl-client-subject-dn': 'CN=api-gateway-client,O=MyOrg' }, 403, 'certificate_refused'],
];

for (const [title, own, headers, status, code] of refused)
  test(`${title}: ${status} ${code}, and neither policy nor service is asked`, async () => {
    const before = [opa.calls.length, service.calls.length];
    const answer = await direct(own, '/orders/7', headers);
    assert.deepEqual([answer.status, JSON.parse(answer.body).code], [status, code]);
    assert.deepEqual([opa.calls.length, service.calls.length], before);
  });

test('a certificate of another authority does not even get an answer', async () => {
  await assert.rejects(direct(stranger, '/orders/7', { authorization }));
});

test('where no token is required, the certificate says who calls, and a bad token is refused all the same', async () => {
  policyResult = true;
  assert.equal((await direct(gatewayClient, '/open/x')).status, 200);
  assert.deepEqual(
    [service.latest().values('X-User-ID'), service.latest().values('X-Auth-Method')],
    [['api-gateway-client'], ['certificate']],
  );
  assert.equal(asked().identity.method, 'certificate');
  assert.equal(asked().token, undefined);
  assert.equal((await direct(gatewayClient, '/open/x', { authorization: `${authorization}x` })).status, 401);
});

// biome-ignore format: a table is read by its columns
const verdicts: readonly (readonly [title: string, result: unknown, status: number, code: string])[] = [
  ['denies', false, 403, 'policy_denied'],
  ['denies with reasons', { allow: false, reasons: ['not yours'] }, 403, 'policy_denied'],
  ['says nothing', undefined, 403, 'policy_undefined'],
  ['answers a number', 1, 503, 'policy_malformed'],
  ['answers a string', 'true', 503, 'policy_malformed'],
];

for (const [title, result, status, code] of verdicts)
  test(`a policy that ${title}: ${status} ${code}`, async () => {
    policyResult = result;
    const before = service.calls.length;
    const answer = await direct(gatewayClient, '/orders/7', { authorization });
    const problem = JSON.parse(answer.body);
    assert.deepEqual([answer.status, problem.code], [status, code]);
    assert.deepEqual(
      problem.reasons,
      code === 'policy_denied' ? (typeof result === 'object' ? ['not yours'] : problem.reasons) : undefined,
    );
    assert.equal(service.calls.length, before);
  });

test('nothing of all this was an error of ours', () => {
  for (const { log } of [gateway, orders])
    assert.deepEqual(
      log().filter(({ event }) => event === 'error'),
      [],
    );
});
