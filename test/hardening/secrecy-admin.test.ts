/** Canaries in the configuration: whatever the admin API is asked, and whatever goes wrong, nobody is told them. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { startRecordingTarget } from '../peers/recording-target.ts';
import { adminToken, startSallyport } from '../sallyport.ts';
import { request } from '../servers/request.ts';
import { spellings } from './spellings.ts';

const owner = { after };
// Its slash and its plus are spelt otherwise in base64 and in URLs.
const canary = (where: string): string => `canary/${where}+8f2e4d6b0a1c3e5f7a9b1c3d5e7f9a0b`;
const target = await startRecordingTarget({ owner });
target.behave((_incoming, response) => void response.writeHead(401).end('{"error":"invalid_client"}'));

const credentials: Readonly<Record<string, string>> = {
  bearer: `type: bearer, token: "${canary('bearer')}"`,
  basic: `type: basic, username: u, password: "${canary('basic')}"`,
  header: `type: api_key, header: X-Key, key: "${canary('header')}"`,
  query: `type: api_key, query: k, key: "${canary('query')}"`,
  oauth: `type: oauth2_client_credentials, token_url: "${target.url}/token", client_id: x, client_secret: "${canary('oauth')}"`,
  aws: `type: aws_sigv4, access_key_id: AKIA, secret_access_key: "${canary('aws')}", region: r, service: s`,
};
const names = Object.keys(credentials);
const gate = await startSallyport({
  owner,
  usageToken: canary('usage'),
  config: `
logger: { sample_allows: 1 }
jwt: { issuers: [{ name: users, issuer: "https://id.example.com", audience: api, secret: "${canary('jwt')}" }] }
egress:
  addr: "127.0.0.1:0"
  targets:
${names.map((name) => `    ${name}: { url: "${target.url}", allow_private: true, auth: { ${credentials[name]} } }`).join('\n')}
  routes: [${names.map((name) => `{ path_prefix: /${name}, target: ${name} }`).join(', ')}]
resolver: { addr: "127.0.0.1:0", secret: "${canary('resolver')}", credentials: { anthropic: { api_key: "${canary('anthropic')}" } } }
rules: [{ name: api, match: { path: "/api/**" }, accept: [api_key, jwt] }]
`,
});

const secrets = [...names, 'usage', 'jwt', 'resolver', 'anthropic'].map(canary);
/** And as half of Basic credentials. */
const allSpellings = (secret: string): string[] => [
  ...spellings(secret),
  Buffer.from(`u:${secret}`).toString('base64').replace(/=+$/, ''),
];

const assertSilent = (where: string, text: string): void => {
  for (const secret of secrets.flatMap(allSpellings)) assert.ok(!text.includes(secret), `${where}: ${text}`);
};

const headers = { Authorization: `Bearer ${adminToken}`, 'Content-Type': 'application/json' };
const assertAnswerSilent = async (origin: string, path: string, method: string, body?: string): Promise<void> => {
  const asking = { method, headers: origin === gate.adminUrl ? headers : {}, ...(body !== undefined && { body }) };
  const answer = await request(origin, path, asking);
  assertSilent(`${method} ${path}`, `${JSON.stringify(answer.headers)}${answer.body}`);
};

test('calls that fail at the target, or at its token endpoint', async () => {
  for (const name of names) await assertAnswerSilent(`http://127.0.0.1:${gate.egressPort}`, `/${name}/x`, 'GET');
});

test('every call of the admin API', async () => {
  const { paths } = JSON.parse((await request(gate.adminUrl, '/api/openapi.json')).body);
  const calls = Object.entries<object>(paths).flatMap(([path, item]) =>
    Object.keys(item).map((method) => [path.replace(/\{\w+\}/g, 'x'), method.toUpperCase()] as const),
  );
  assert.ok(calls.length > 10);
  for (const [path, method] of calls)
    await assertAnswerSilent(gate.adminUrl, path, method, method === 'GET' ? undefined : '{"url":"https://a/api/x"}');
  for (const path of ['/metrics', '/ready']) await assertAnswerSilent(gate.url, path, 'GET');
});

const file = join(gate.directory, 'sallyport.yaml');
const good = readFileSync(file, 'utf8');
const at = `url: "${target.url}", allow_private: true, auth: { type: bearer`;
for (const [what, bad] of [
  ['a misspelt key', good.replace('bearer, token:', 'bearer, tokn:')],
  ['a line break', good.replace(`"${canary('bearer')}"`, `"${canary('bearer')}\\n"`)],
  ['a list', good.replace(`"${canary('bearer')}"`, `["${canary('bearer')}"]`)],
  ['no closing quote', good.replace(`"${canary('bearer')}"`, `"${canary('bearer')}`)],
  ['a password in a URL', good.replace(at, `url: "https://u:${canary('bearer')}@a/", auth: { type: bearer`)],
  ['a secret in a query', good.replace(at, `url: "https://a/?k=${canary('bearer')}", auth: { type: bearer`)],
] as const)
  test(`a reload with ${what}`, async () => {
    assert.notEqual(bad, good);
    writeFileSync(file, bad);
    assert.equal((await request(gate.adminUrl, '/admin/reload', { method: 'POST', headers })).status, 409);
    await assertAnswerSilent(gate.adminUrl, '/admin/reload', 'POST');
  });

test('the log of all this', async () => {
  await gate.stop();
  assert.ok(gate.log().length > names.length);
  assertSilent('the log', gate.output());
});
