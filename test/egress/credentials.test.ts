/** Every kind of credential through the whole service; and the secrets of all of them in nothing that comes out of it. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { answering, hugeBody, redirected } from '../peers/faults.ts';
import { type Asked, json, listen } from '../peers/loopback.ts';
import { sigV4Problem } from '../peers/sigv4-verifier.ts';
import { startTokenServer } from '../peers/token-server.ts';
import { adminToken, startSallyport } from '../sallyport.ts';
import { request } from '../servers/request.ts';
import { until } from '../servers/until.ts';

const owner = { after };
const canary = (where: string): string => `canary/${where}+8f2e 4d6b`;
const { privateKey, publicKey } = generateKeyPairSync('rsa', {
  modulusLength: 2_048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});
const email = 'robot@project.iam.gserviceaccount.com';
const secrets = {
  BEARER: canary('bearer'),
  PASSWORD: canary('pässword'),
  KEY: canary('key'),
  OTHER_KEY: canary('other-key'),
  QUERY_KEY: canary('query-key'),
  CLIENT_SECRET: canary('client-sécret'),
  REFRESH_TOKEN: canary('refresh-token'),
  AWS_SECRET: canary('aws-secret'),
  AWS_TOKEN: canary('aws-token'),
  PEM: privateKey,
};
const aws = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: secrets.AWS_SECRET, sessionToken: secrets.AWS_TOKEN };

const provider = await startTokenServer({
  owner,
  clients: { shop: secrets.CLIENT_SECRET },
  accounts: { [email]: publicKey },
  refreshToken: secrets.REFRESH_TOKEN,
});
// A provider that fails has an address of its own, so that the good one is left alone.
const failing = await startTokenServer({ owner, clients: { shop: secrets.CLIENT_SECRET } });

const revoked = new Set<string>();
const seen: Asked[] = [];
const target = await listen((asked) => {
  seen.push(asked);
  const token = asked.header('authorization')?.slice('Bearer '.length) ?? '';
  if (revoked.has(token)) return json(401, { error: 'invalid_token' });
  const problem = asked.url.startsWith('/aws')
    ? sigV4Problem(asked, { ...aws, region: 'eu-central-1', service: 'sqs' }, Date.now())
    : undefined;
  return json(problem === undefined ? 200 : 403, { problem });
}, owner);

const variable = (name: keyof typeof secrets): string => `"\${${name}}"`;
const client = `token_url: "${provider.tokenUrl}", client_id: shop, client_secret: ${variable('CLIENT_SECRET')}`;

// biome-ignore format: a table is read by its columns
const targets: Readonly<Record<string, string>> = {
  none: 'auth: { type: none }',
  bearer: `auth: { type: bearer, token: ${variable('BEARER')}, only: { methods: [GET] } }`,
  basic: `auth: { type: basic, username: user, password: ${variable('PASSWORD')} }`,
  header: `credentials: [{ type: api_key, header: DD-API-KEY, key: ${variable('KEY')} }, { type: api_key, header: DD-APPLICATION-KEY, key: ${variable('OTHER_KEY')} }]`,
  query: `auth: { type: api_key, query: key, key: ${variable('QUERY_KEY')} }`,
  oauth: `auth: { type: oauth2_client_credentials, ${client} }`,
  post: `auth: { type: oauth2_client_credentials, client_auth: post, ${client} }`,
  refresh: `auth: { type: oauth2_refresh_token, ${client}, refresh_token: ${variable('REFRESH_TOKEN')} }`,
  gcp: `auth: { type: oauth2_client_credentials, token_url: "${provider.tokenUrl}", client_id: ${email}, client_secret: ${variable('PEM')} }`,
  aws: `auth: { type: aws_sigv4, access_key_id: AKIDEXAMPLE, secret_access_key: ${variable('AWS_SECRET')}, session_token: ${variable('AWS_TOKEN')}, region: eu-central-1, service: sqs }`,
};

const faults = {
  page: answering(500, `<html>${canary('page')}</html>`),
  refusal: () => json(400, { error: 'invalid_client', error_description: secrets.CLIENT_SECRET }),
  huge: hugeBody(),
  redirect: redirected(`http://127.0.0.1:1/${encodeURIComponent(secrets.CLIENT_SECRET)}`),
  split: () => json(200, { access_token: `a\r\nX-Evil: ${canary('split')}`, token_type: 'Bearer' }),
  words: () =>
    json(200, {
      access_token: canary('words').replace(' ', ''),
      token_type: 'Bearer',
      expires_in: secrets.CLIENT_SECRET,
    }),
};

const failingAuth = (way: string): string =>
  `auth: { type: oauth2_client_credentials, client_auth: ${way}, ${client.replace(provider.tokenUrl, failing.tokenUrl)} }`;

const all: Readonly<Record<string, string>> = {
  ...targets,
  ...Object.fromEntries(
    Object.keys(faults).map((name, index) => [name, failingAuth(index % 2 === 0 ? 'basic' : 'post')]),
  ),
};

const gate = await startSallyport({
  owner,
  env: secrets,
  config: `
logger: { level: debug }
egress:
  targets:
${Object.entries(all)
  .map(([name, auth]) => `    ${name}: { url: "${target.url}/${name}", allow_private: true, ${auth} }`)
  .join('\n')}
  routes:
${Object.keys(all)
  .map((name) => `    - { path_prefix: /ext/${name}, target: ${name}, strip_prefix: /ext/${name} }`)
  .join('\n')}
`,
});

/** Everything that callers and operators got. */
const shown: [where: string, text: string][] = [];

const call = async (path: string, asking: Parameters<typeof request>[2] = {}) => {
  const answer = await request(gate.url, `/ext/${path}`, asking);
  shown.push([path, `${JSON.stringify(answer.rawHeaders)} ${answer.body}`]);
  return answer;
};

const arrived = (): Asked => {
  const asked = seen.at(-1);
  assert.ok(asked);
  return asked;
};

const encoded = Buffer.from(`user:${secrets.PASSWORD}`).toString('base64');

// biome-ignore format: a table is read by its columns
const worn: readonly (readonly [target: string, header: string, value: () => string | undefined, url?: string])[] = [
  ['none', 'authorization', () => undefined],
  ['bearer', 'authorization', () => `Bearer ${secrets.BEARER}`],
  ['basic', 'authorization', () => `Basic ${encoded}`],
  ['header', 'dd-api-key', () => secrets.KEY],
  ['header', 'dd-application-key', () => secrets.OTHER_KEY],
  ['query', 'authorization', () => undefined, `/query/x?a=1&key=${encodeURIComponent(secrets.QUERY_KEY)}`],
  ['oauth', 'authorization', () => `Bearer ${provider.given().at(-1)}`],
  ['post', 'authorization', () => `Bearer ${provider.given().at(-1)}`],
  ['refresh', 'authorization', () => `Bearer ${provider.given().at(-1)}`],
  ['gcp', 'authorization', () => `Bearer ${provider.given().at(-1)}`],
];

for (const [name, header, value, url = `/${name}/x?a=1`] of worn) {
  test(`a call to the target ${name} gets its ${header} from here, and nothing of its caller's`, async () => {
    const own = { 'DD-API-KEY': 'mine', dd_application_key: 'mine', 'X-Other': 'mine' };
    const { status } = await call(`${name}/x?a=1${name === 'query' ? '&key=mine' : ''}`, {
      headers: value() === undefined ? own : { ...own, Authorization: 'Bearer mine' },
    });
    assert.equal(status, 200);
    const asked = arrived();
    assert.equal(asked.header(header), value());
    assert.equal(asked.url, url);
    assert.equal(asked.header('x-other'), 'mine');
  });
}

test('AWS would take a call that is signed on its way through, whatever its caller signed it with', async () => {
  const headers = {
    Authorization: 'AWS4-HMAC-SHA256 mine',
    'X-Amz-Date': '19990101T000000Z',
    'Content-Type': 'text/plain',
  };
  for (const asking of [{ headers }, { method: 'POST', headers, body: 'hello' }]) {
    const { status, body } = await call('aws/queue?Action=Send&Action=Again&b', asking);
    assert.equal(status, 200, body);
  }
});

test('a credential that is for other methods is put on no call', async () => {
  const before = seen.length;
  const { status, body } = await call('bearer/x', { method: 'POST', body: 'x' });
  assert.equal(status, 403);
  assert.equal(JSON.parse(body).code, 'credential_forbidden');
  assert.equal(seen.length, before);
});

test('a token that the target refuses is replaced, and the caller sees nothing of it', async () => {
  const before = provider.asked();
  revoked.add(arrived().header('authorization')?.slice('Bearer '.length) ?? '');
  await call('oauth/x');
  revoked.add(arrived().header('authorization')?.slice('Bearer '.length) ?? '');
  const answers = await Promise.all(Array.from({ length: 50 }, () => call('oauth/x')));
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
  assert.equal(provider.asked() - before, 1);
});

for (const [name, fault] of Object.entries(faults)) {
  test(`where the provider fails (${name}), calls are told to come again, and the provider is asked once`, async () => {
    failing.faults.set('/token', fault);
    const before = failing.asked();
    for (const { status, headers, body } of await Promise.all([1, 2, 3].map(() => call(`${name}/x`)))) {
      assert.equal(status, 503);
      assert.equal(JSON.parse(body).code, 'credential_unavailable');
      assert.ok(Number(headers['retry-after']) >= 1);
    }
    assert.equal(failing.asked() - before, 1);
  });
}

test('a reload takes a changed secret into use, keeps the tokens of the others, and is refused where a secret is unfit', async () => {
  const file = join(gate.directory, 'sallyport.yaml');
  const before = readFileSync(file, 'utf8');
  const reload = async (from: string, to: string) => {
    assert.ok(before.includes(from));
    writeFileSync(file, before.replace(from, to));
    const asking = { method: 'POST', headers: { Authorization: `Bearer ${adminToken}` } };
    const answer = await request(gate.adminUrl, '/admin/reload', asking);
    shown.push(['reload', answer.body]);
    return answer.status;
  };
  await call('oauth/x');
  const [token, asked] = [arrived().header('authorization'), provider.asked()];
  assert.equal(await reload(variable('BEARER'), `"${canary('rotated')}"`), 200);
  await call('bearer/x');
  assert.equal(arrived().header('authorization'), `Bearer ${canary('rotated')}`);
  await call('oauth/x');
  assert.deepEqual([arrived().header('authorization'), provider.asked()], [token, asked]);
  assert.equal(await reload(variable('BEARER'), '"canary ü"'), 409);
  await call('bearer/x');
  assert.equal(arrived().header('authorization'), `Bearer ${canary('rotated')}`);
  assert.equal(await reload('client_auth: post, ', 'client_auth: post, scopes: [more], '), 200);
  await call('post/x');
  assert.equal(provider.form().get('scope'), 'more');
});

test('what providers and targets were asked for is counted', async () => {
  const metrics = (await request(gate.url, '/metrics')).body;
  shown.push(['metrics', metrics]);
  assert.match(metrics, /egress_credential_refresh_total\{target="oauth",status="ok"\} 2/);
  assert.match(metrics, /egress_credential_refresh_total\{target="page",status="error"\} 1/);
  assert.match(metrics, /egress_credential_cache_hits\{target="oauth"\} [1-9]/);
  assert.match(metrics, /egress_errors_total\{target="page",error_type="credential"\} 3/);
});

test('no secret is in an answer, a metric, an admin answer or the log, however it is spelled', async () => {
  for (const path of ['/admin/status', '/admin/config', '/openapi.json', '/api/keys/user123', '/nothing']) {
    const answer = await request(gate.adminUrl, path, { headers: { Authorization: `Bearer ${adminToken}` } });
    shown.push([path, answer.body]);
  }
  const failures = () => gate.log().filter(({ event }) => event === 'egress_token_failed');
  await until('every failure is in the log', () => failures().length === Object.keys(faults).length);
  assert.match(JSON.stringify(failures()), /answered 400 \(invalid_client\)/);
  shown.push(['ready', (await request(gate.url, '/ready')).body], ['log', gate.output()]);
  const pem = privateKey.split('\n').slice(1, 3);
  const plain = [
    ...Object.values(secrets).filter((secret) => secret !== privateKey),
    ...pem,
    ...provider.given(),
    'canary',
  ];
  const spellings = plain.flatMap((secret) => [
    secret,
    encodeURIComponent(secret),
    new URLSearchParams([['', secret]]).toString().slice(1),
    Buffer.from(secret).toString('base64').replace(/=+$/, ''),
    Buffer.from(secret).toString('base64url'),
    Buffer.from(secret).toString('hex'),
    JSON.stringify(secret).slice(1, -1),
  ]);
  for (const [where, text] of shown) {
    for (const secret of [...spellings, encoded]) {
      const at = text.indexOf(secret);
      assert.equal(at, -1, `${where}: …${text.slice(Math.max(0, at - 80), at + 80)}…`);
    }
  }
});
