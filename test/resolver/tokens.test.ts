/** Who is believed, at both doors of the whole service; with a shared secret and with keys that are fetched. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { callUnary, checkOf, createClient } from '../peers/envoy-api.ts';
import { startJwksServer } from '../peers/jwks-server.ts';
import { runSallyport, type Sallyport, startSallyport } from '../sallyport.ts';
import { request } from '../servers/request.ts';
import { jwtSecret, sandboxToken, unsignedToken } from './tokens.ts';

const owner = { after };
const issuer = await startJwksServer({ owner, algorithms: ['RS256', 'ES256'] });
const shape = (keys: string) => `resolver:
  ${keys}
  credentials: { anthropic: { api_key: "sk-ant-1" } }
grpc: { addr: "127.0.0.1:0" }
logger: { format: json }
`;
const start = (keys: string): Promise<Sallyport> => startSallyport({ owner, config: shape(keys) });
const [bySecret, byKeys, permissive] = await Promise.all([
  start(`secret: "${jwtSecret}"`),
  start(`jwks_url: "${issuer.jwksUrl}"`),
  start(`mode: permissive\n  secret: "${jwtSecret}"`),
]);

type Told = Readonly<{ status: number; code: string | undefined; key: string | undefined }>;

const overHttp = async (service: Sallyport, token: string | undefined): Promise<Told> => {
  const headers = { Host: 'api.anthropic.com', ...(token !== undefined && { 'X-Sandbox-JWT': token }) };
  const { status, body, headers: given } = await request(service.url, '/resolve/v1/messages', { headers });
  return { status, code: body === '' ? undefined : JSON.parse(body).code, key: given['x-api-key']?.toString() };
};

const clients = new Map([bySecret, byKeys, permissive].map((one) => [one, createClient(one.grpcPort, owner)]));

const overGrpc = async (service: Sallyport, token: string | undefined): Promise<Told> => {
  const context_extensions = { service: 'resolver', ...(token !== undefined && { 'x-sandbox-jwt': token }) };
  // What a sandbox sends itself is not asked for.
  const headers = { 'x-sandbox-jwt': await sandboxToken({ claims: { tenant_id: 'own' } }) };
  const http = { method: 'GET', host: 'api.anthropic.com', path: '/v1/messages', headers };
  const client = clients.get(service) ?? assert.fail();
  const { code, message } = await callUnary(client, 'check', checkOf(http, { context_extensions }));
  assert.equal(code, 0, 'the gRPC call itself');
  if (!message.ok_response) {
    const { status, body } = message.denied_response;
    return { status: status.code, code: JSON.parse(body).code, key: undefined };
  }
  const lines: { header: { key: string; value: string } }[] = message.ok_response.headers;
  return { status: 200, code: undefined, key: lines.find(({ header }) => header.key === 'x-api-key')?.header.value };
};

const good: Told = { status: 200, code: undefined, key: 'sk-ant-1' };
const refused = (code: string): Told => ({ status: 401, code, key: undefined });
const publicKey = issuer.issuer.jwks().keys[0] ?? assert.fail();
const short = new TextEncoder().encode(JSON.stringify(publicKey));

// biome-ignore format: a table is read by its columns
const tokens: readonly (readonly [what: string, token: string | undefined, told: Told])[] = [
  ['a good one', await sandboxToken(), good],
  ['none', undefined, refused('credential_required')],
  ['an empty one', '', refused('invalid_token')],
  ['no token at all', 'anonymous', refused('invalid_token')],
  ['two', `${await sandboxToken()}, ${await sandboxToken()}`, refused('invalid_token')],
  ['one with Bearer before it', `Bearer ${await sandboxToken()}`, refused('invalid_token')],
  ['one that ran out', await sandboxToken({ expiresIn: -60 }), refused('expired_token')],
  ['one that never runs out', await sandboxToken({ expiresIn: undefined }), refused('invalid_token')],
  ['one for somebody else', await sandboxToken({ claims: { aud: 'another-service' } }), refused('invalid_token')],
  ['one of another issuer', await sandboxToken({ claims: { iss: 'https://evil.example' } }), refused('invalid_token')],
  ['one without issuer', await sandboxToken({ claims: { iss: undefined } }), refused('invalid_token')],
  ['one that nobody signed', unsignedToken(), refused('invalid_token')],
  ['one signed with another secret', await sandboxToken({ secret: 'another-secret-0123456789abcdef012345' }), refused('invalid_token')],
  ['one by another algorithm', await sandboxToken({ header: { alg: 'HS512' }, secret: jwtSecret.repeat(2) }), refused('invalid_token')],
  ['one that brings its key', await sandboxToken({ header: { alg: 'HS256', jwk: { kty: 'oct', k: 'AAAA' } } }), refused('invalid_token')],
  ['one without a tenant', await sandboxToken({ claims: { tenant_id: undefined } }), refused('invalid_token')],
  ['one with an empty team', await sandboxToken({ claims: { team_id: '' } }), refused('invalid_token')],
  ['one whose tenant is no text', await sandboxToken({ claims: { tenant_id: ['acme', 'other'] } }), refused('invalid_token')],
  ['one whose sandbox would break a line', await sandboxToken({ claims: { sandbox_id: 'a\nb' } }), refused('invalid_token')],
];

for (const [what, token, told] of tokens) {
  test(`of a sandbox with ${what}: ${told.status} ${told.code ?? 'and its credential'}`, async () => {
    assert.deepEqual(await overHttp(bySecret, token), told, 'over HTTP');
    assert.deepEqual(await overGrpc(bySecret, token), told, 'over gRPC');
  });
}

test('permissive lets a missing token pass, and an invalid one never', async () => {
  for (const [what, token, told] of tokens) {
    const expected = what === 'none' ? good : told;
    assert.deepEqual(await overHttp(permissive, token), expected, `${what}, over HTTP`);
    assert.deepEqual(await overGrpc(permissive, token), expected, `${what}, over gRPC`);
  }
  assert.match(permissive.output(), /resolver\.mode is permissive: whoever reaches the resolver/);
});

test('tokens by fetched keys are good, and one that is signed with a public key as a secret is not', async () => {
  const claims = {
    aud: 'credential-resolver',
    iss: 'sallyport',
    tenant_id: 'acme',
    team_id: 'red',
    sandbox_id: 'sb-1',
  };
  for (const alg of ['RS256', 'ES256']) {
    const token = await issuer.sign(claims, { alg });
    assert.deepEqual(await overHttp(byKeys, token), good, alg);
    assert.deepEqual(await overGrpc(byKeys, token), good, alg);
  }
  const forged = await sandboxToken({ secret: short, header: { alg: 'HS256', kid: publicKey.kid } });
  assert.deepEqual(await overHttp(byKeys, forged), refused('invalid_token'));
  assert.deepEqual(await overHttp(byKeys, await issuer.sign({ ...claims, aud: 'api' })), refused('invalid_token'));
  assert.deepEqual(await overHttp(byKeys, unsignedToken()), refused('invalid_token'));
});

test('a token of `sallyport sandbox token` is good, and is all that the command prints', async () => {
  const names = ['--tenant', 'acme', '--team', 'red', '--sandbox', 'sb-9'];
  const env = { CREDENTIAL_SOURCE: 'environment', JWT_SECRET: jwtSecret };
  const mint = (...args: string[]) => runSallyport(['sandbox', 'token', ...args], { cwd: bySecret.directory, env });
  const bare = mint(...names, '--ttl', '90s');
  assert.deepEqual([bare.status, bare.stderr], [0, '']);
  assert.match(bare.stdout, /^[\w-]+\.[\w-]+\.[\w-]+\n$/);
  assert.deepEqual(await overHttp(bySecret, bare.stdout.trim()), good);
  const { token, tenant, expires_at } = JSON.parse(mint(...names, '--json').stdout);
  assert.deepEqual(await overHttp(bySecret, token), good);
  assert.equal(tenant, 'acme');
  assert.ok(Date.parse(expires_at) > Date.now() + 23 * 3_600_000);
  for (const [args, status] of [
    [[...names, '--ttl', '31d'], 2],
    [[...names, '--ttl', 'soon'], 2],
    [['--tenant', '', '--team', 'red', '--sandbox', 'x'], 2],
  ] as const) {
    assert.equal(mint(...args).status, status);
  }
});

test('a route that names a service that is not there is refused, whoever asks', async () => {
  const client = clients.get(bySecret) ?? assert.fail();
  const http = { method: 'GET', host: 'api.anthropic.com', path: '/v1/messages' };
  const { message } = await callUnary(client, 'check', checkOf(http, { context_extensions: { service: 'resolve' } }));
  assert.equal(JSON.parse(message.denied_response.body).code, 'incomplete_question');
});

test('Envoy over HTTP is asked from anywhere on http.addr, and our own endpoints stay what they are', async () => {
  assert.equal((await request(bySecret.url, '/health')).status, 200);
  assert.equal((await request(bySecret.url, '/resolvex')).status, 404);
  for (const path of ['/resolve', '/resolve/', '/resolve?x', '/resolve/health', '/resolve/auth/native']) {
    const { status } = await request(bySecret.url, path);
    assert.equal(status, 401, path);
  }
  for (const method of ['POST', 'HEAD', 'OPTIONS', 'DELETE']) {
    const headers = { Host: 'api.anthropic.com', 'x-sandbox-jwt': await sandboxToken() };
    const { status, headers: given } = await request(bySecret.url, '/resolve/v1/messages', { method, headers });
    assert.deepEqual([status, given['x-api-key']], [200, 'sk-ant-1'], method);
  }
});
