import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { hostname } from 'node:os';
import { after, before, test } from 'node:test';
import { inspect } from 'node:util';
import { assembleCredentials, createCredentialMemory } from '../../src/assemble/credentials.ts';
import { load } from '../../src/config/harness.test.ts';
import { type Credential, CredentialUnavailable, type Dressing } from '../../src/egress/credential.ts';
import { answering, cutShort, type Fault, hold, hugeBody, redirected } from '../peers/faults.ts';
import { json } from '../peers/loopback.ts';
import { startTokenServer, type TokenServer } from '../peers/token-server.ts';
import { until } from '../servers/until.ts';

const secret = 'canary sécret+/=:&';
const email = 'robot@project.iam.gserviceaccount.com';
const { privateKey, publicKey } = generateKeyPairSync('rsa', {
  modulusLength: 2_048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});

let server: TokenServer;
let refreshing: TokenServer;

before(async () => {
  const clients = { 'cli ent:1': secret, public: '' };
  server = await startTokenServer({ clients, accounts: { [email]: publicKey } });
  refreshing = await startTokenServer({ clients, refreshToken: 'canary-first' });
});

after(async () => {
  await server.stop();
  await refreshing.stop();
});

const env = {
  SECRET: secret,
  PEM: privateKey,
  FLAT_PEM: privateKey.replaceAll('\n', '\\n'),
  KEY_FILE: JSON.stringify({
    type: 'service_account',
    client_email: email,
    private_key: privateKey,
    private_key_id: 'key-1',
    token_uri: 'http://127.0.0.1:1/',
  }),
};

const text = (variable: string) => `"\${${variable}}"`;

type Scene = Readonly<{ credential: Credential; told: string[]; errors: unknown[]; close(): Promise<void> }>;

const assemble = async (
  auth: string,
  from = server,
  memory = createCredentialMemory(),
  now = Date.now,
): Promise<Scene> => {
  const target = `{ url: "${from.url}", allow_private: true, auth: { ${auth}, token_url: "${from.tokenUrl}" } }`;
  const told: string[] = [];
  const errors: unknown[] = [];
  const { of, close } = await assembleCredentials(load(`egress: { targets: { a: ${target} } }`, { env }).config, {
    now,
    memory,
    events: {
      onRefresh(name, outcome, error) {
        told.push(`${name} ${outcome}`);
        if (error !== undefined) errors.push(error);
      },
      onCacheHit: (name) => told.push(`${name} hit`),
      onStoreLost: (reason) => told.push(`lost: ${reason}`),
      onStoreBack: () => told.push('back'),
    },
  });
  const [credential] = of('a');
  assert.ok(credential);
  return { credential, told, errors, close };
};

const dress = async ({ credential }: Scene, from = server): Promise<Dressing> =>
  credential.dress({ method: 'GET', origin: from.url, path: '/', headers: [], body: undefined });

const client = `client_id: "cli ent:1", client_secret: ${text('SECRET')}`;

// biome-ignore format: a table is read by its columns
const grants: readonly (readonly [what: string, auth: string, form: Readonly<Record<string, string>>])[] = [
  ['client credentials in a header', `type: oauth2_client_credentials, ${client}`, { grant_type: 'client_credentials' }],
  ['client credentials in the form', `type: oauth2_client_credentials, ${client}, client_auth: post`,
    { grant_type: 'client_credentials', client_id: 'cli ent:1', client_secret: secret }],
  ['scopes and an audience', `type: oauth2_client_credentials, ${client}, scopes: [a, "b:c"], audience: https://api.example`,
    { grant_type: 'client_credentials', scope: 'a b:c', audience: 'https://api.example' }],
];

for (const [what, auth, form] of grants) {
  test(`a token is asked for with ${what}`, async (t) => {
    const scene = await assemble(auth);
    t.after(scene.close);
    const worn = await dress(scene);
    assert.deepEqual([...worn.headers], ['Authorization', `Bearer ${server.given().at(-1)}`]);
    assert.deepEqual(Object.fromEntries(server.form()), form);
    assert.equal(await dress(scene), worn);
    assert.deepEqual(scene.told, ['a ok', 'a hit']);
  });
}

const scope = 'https://www.googleapis.com/auth/cloud-platform';
for (const [what, auth] of [
  ['the key file', `type: gcp_service_account, credentials: ${text('KEY_FILE')}`],
  ['its parts', `type: gcp_service_account, client_email: ${email}, private_key: ${text('PEM')}`],
  [
    'its parts, with line breaks written out',
    `type: gcp_service_account, client_email: ${email}, private_key: ${text('FLAT_PEM')}`,
  ],
  [
    'a private key for a client secret',
    `type: oauth2_client_credentials, client_id: ${email}, client_secret: ${text('PEM')}`,
  ],
] as const) {
  test(`a service account proves itself by a JWT that it signed: by ${what}`, async (t) => {
    const scene = await assemble(`${auth}, scopes: ["${scope}"]`);
    t.after(scene.close);
    assert.deepEqual((await dress(scene)).headers[1], `Bearer ${server.given().at(-1)}`);
    const { iss, aud, scope: asked, iat = 0, exp = 0 } = server.claims();
    assert.deepEqual([iss, aud, asked, Number(exp) - Number(iat)], [email, server.tokenUrl, scope, 300]);
    assert.deepEqual([...server.form().keys()], ['grant_type', 'assertion']);
  });
}

test('a private key for a client secret is told of when the configuration loads', () => {
  const target = `{ url: https://a.example, auth: { type: oauth2_client_credentials, client_id: ${email}, client_secret: ${text('PEM')}, token_url: "https://id.example/token" } }`;
  const { notices } = load(`egress: { targets: { a: ${target} } }`, { env });
  assert.deepEqual(notices, [
    'egress.targets.a.auth: client_secret is a private key, so tokens are asked for by a signed JWT (RFC 7523)',
  ]);
});

test('a refresh token that is replaced is used from then on, also after a reload', async (t) => {
  const auth = `type: oauth2_refresh_token, ${client}, refresh_token: canary-first`;
  const memory = createCredentialMemory();
  let now = Date.now();
  const first = await assemble(auth, refreshing, memory, () => now);
  await dress(first, refreshing);
  const used = await dress(first, refreshing);
  assert.equal(first.credential.renew?.(used), true);
  await dress(first, refreshing);
  const second = await assemble(auth, refreshing, memory, () => now);
  await first.close();
  t.after(second.close);
  assert.equal(second.credential.version, first.credential.version);
  now += 3_600_000;
  await dress(second, refreshing);
  assert.equal(refreshing.form().get('refresh_token'), 'canary-first-2');
});

test('after a reload a token goes on, unless its credential changed', async (t) => {
  const memory = createCredentialMemory();
  const auth = `type: oauth2_client_credentials, ${client}`;
  const before = await assemble(auth, server, memory);
  const worn = await dress(before);
  const same = await assemble(auth, server, memory);
  assert.equal(await dress(same), worn);
  const other = await assemble(`${auth}, scopes: [more]`, server, memory);
  assert.notEqual(await dress(other), worn);
  await Promise.all([before, same, other].map((scene) => scene.close()));
  const later = await assemble(auth, server, memory);
  t.after(later.close);
  assert.notEqual(await dress(later), worn);
});

test('a token that is asked for while the configuration is reloaded is waited for on both sides', async (t) => {
  const memory = createCredentialMemory();
  const auth = `type: oauth2_client_credentials, ${client}, scopes: [reloaded]`;
  const { fault, waiting, release } = hold('before');
  server.faults.set('/token', fault);
  t.after(() => server.faults.clear());
  const old = await assemble(auth, server, memory);
  const before = dress(old);
  await until('the provider was asked', () => waiting() === 1);
  const next = await assemble(auth, server, memory);
  t.after(next.close);
  const after = dress(next);
  const closed = old.close();
  release();
  assert.deepEqual(await before, await after);
  await closed;
});

test('ten thousand calls at a cold token make one token call', async (t) => {
  const scene = await assemble(`type: oauth2_client_credentials, ${client}`);
  t.after(scene.close);
  const asked = server.asked();
  await Promise.all(Array.from({ length: 10_000 }, () => dress(scene)));
  assert.equal(server.asked() - asked, 1);
});

const answers =
  (body: object): Fault =>
  () =>
    json(200, body);
const good = { access_token: 'canary-token', token_type: 'Bearer' };

// biome-ignore format: a table is read by its columns
const faults: readonly (readonly [what: string, fault: Fault, message: RegExp])[] = [
  ['500 with a page', answering(500, '<html>canary</html>'), /answered 500$/],
  ['a refusal', () => json(400, { error: 'invalid_grant', error_description: 'canary' }), /answered 400 \(invalid_grant\)$/],
  ['HTML', answering(200, '<html>canary</html>'), /without an access_token/],
  ['a body without end', hugeBody(), /larger than 65536 bytes/],
  ['a body that is cut', cutShort, /aborted|ECONNRESET|hang up/],
  ['no answer at all', () => undefined, /ECONNRESET|hang up/],
  ['a redirect', redirected('http://127.0.0.1:1/canary'), /answered 302$/],
  ['a negative lifetime', answers({ ...good, expires_in: -3600 }), /expires_in/],
  ['another token_type', answers({ ...good, token_type: 'DPoP' }), /token_type/],
  ['a token that would break out of its header', answers({ ...good, access_token: 'a\r\ncanary: b' }), /no header can carry/],
];

/** Every way in which something may come out. */
const printed = (value: unknown) =>
  [
    inspect(value, { depth: 9, showHidden: true }),
    JSON.stringify(value),
    String(value),
    value instanceof Error ? value.stack : '',
  ].join('\n');

const spellings = [
  secret,
  'canary',
  encodeURIComponent(secret),
  Buffer.from(secret).toString('base64'),
  env.PEM.slice(100, 140),
];

for (const [what, fault, message] of faults) {
  test(`${what} of a token endpoint is an error that shows nothing of it, nor of the secrets`, async (t) => {
    server.faults.set('/token', fault);
    t.after(() => server.faults.clear());
    for (const auth of [
      `type: oauth2_client_credentials, ${client}`,
      `type: oauth2_client_credentials, ${client}, client_auth: post`,
      `type: oauth2_refresh_token, ${client}, refresh_token: canary-refresh`,
      `type: gcp_service_account, credentials: ${text('KEY_FILE')}`,
    ]) {
      const scene = await assemble(auth);
      const error = await dress(scene).catch((thrown: unknown) => thrown);
      await scene.close();
      assert.ok(error instanceof CredentialUnavailable && message.test(error.message), String(error));
      for (const shown of [error, ...scene.errors, scene.told, scene.credential].map(printed)) {
        for (const spelling of spellings) assert.ok(!shown.includes(spelling), `${spelling} is in ${shown}`);
      }
    }
  });
}

test('a token endpoint whose name leads to a private address is not asked where the target may not have one', async (t) => {
  const url = `http://${hostname()}:${server.port}/token`;
  const auth = `type: oauth2_client_credentials, ${client}, token_url: "${url}"`;
  const asked = server.asked();
  const credentials = await assembleCredentials(
    load(`egress: { targets: { a: { url: https://a.example, auth: { ${auth} } } } }`, { env }).config,
    {
      now: Date.now,
      memory: createCredentialMemory(),
      events: {
        onRefresh: () => undefined,
        onCacheHit: () => undefined,
        onStoreLost: () => undefined,
        onStoreBack: () => undefined,
      },
    },
  );
  t.after(credentials.close);
  const [credential] = credentials.of('a');
  const call = { method: 'GET', origin: 'https://a.example', path: '/', headers: [], body: undefined };
  await assert.rejects(async () => credential?.dress(call), /which is refused|ENOTFOUND|EAI_AGAIN/);
  assert.equal(server.asked(), asked);
});
