import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { load, withFolder } from '../config/harness.test.ts';
import { loadConfig } from '../config/load.ts';
import { CredentialForbidden, type Dressing, type LeavingCall } from '../egress/credential.ts';
import { assembleCredentials, createCredentialMemory } from './credentials.ts';

const memory = createCredentialMemory();
const events = {
  onRefresh: () => undefined,
  onCacheHit: () => undefined,
  onStoreLost: () => undefined,
  onStoreBack: () => undefined,
};

const targets = (yaml: string) =>
  assembleCredentials(load(`egress: { targets: { ${yaml} } }`).config, { now: Date.now, memory, events });

const call = (rest: Partial<LeavingCall> = {}): LeavingCall => ({
  method: 'GET',
  origin: 'https://a.example',
  path: '/v1/charges?limit=1',
  headers: [],
  body: undefined,
  ...rest,
});

const dressed = async (auth: string): Promise<Dressing[]> => {
  const credentials = await targets(`a: { url: https://a.example, ${auth} }`);
  return Promise.all(credentials.of('a').map((credential) => credential.dress(call())));
};

const mtls = 'tls: { client_cert: /c.crt, client_key: /c.key }';

// biome-ignore format: a table is read by its columns
const kinds: readonly (readonly [what: string, auth: string, headers: readonly string[], query?: string])[] = [
  ['nothing by default',            '', []],
  ['nothing',                       'auth: { type: none }', []],
  ['a bearer token',                'auth: { type: bearer, token: t0k }', ['Authorization', 'Bearer t0k']],
  ['name and password in UTF-8',    'auth: { type: basic, username: test, password: "123£:" }', ['Authorization', 'Basic dGVzdDoxMjPCozo=']],
  ['a key in its header',           'auth: { type: api_key, header: X-Key, key: "AWS4 a=b, c" }', ['X-Key', 'AWS4 a=b, c']],
  ['a key in the query',            'auth: { type: api_key, query: "k y", key: "a&b=ü c" }', [], 'k%20y=a%26b%3D%C3%BC%20c'],
  ['nothing beside a certificate',  `auth: { type: mtls }, ${mtls}`, []],
  ['two headers', 'credentials: [{ type: api_key, header: DD-API-KEY, key: a }, { type: api_key, header: DD-APPLICATION-KEY, key: b }]', ['DD-API-KEY', 'a', 'DD-APPLICATION-KEY', 'b']],
];

for (const [what, auth, headers, query = ''] of kinds) {
  test(`a call is dressed with ${what}`, async () => {
    const all = await dressed(auth);
    assert.deepEqual(
      all.flatMap((one) => one.headers),
      headers,
    );
    assert.equal(all.map((one) => one.query).join(''), query);
  });
}

test('what a credential sets, the caller cannot: it is named in lower case', async () => {
  const credentials = await targets(
    'a: { url: https://a.example, credentials: [{ type: api_key, header: X-Key, key: k }, { type: api_key, query: Q, key: k }, { type: bearer, token: t }] }',
  );
  assert.deepEqual(
    credentials.of('a').map(({ headerNames, queryNames }) => [headerNames, queryNames]),
    [
      [['x-key'], []],
      [[], ['Q']],
      [['authorization'], []],
    ],
  );
});

const only = (rest: string) => `a: { url: https://a.example/v1, auth: { type: bearer, token: t, only: { ${rest} } } }`;

// biome-ignore format: a table is read by its columns
const elsewhere: readonly (readonly [what: string, target: string, call: Partial<LeavingCall>])[] = [
  ['another host',               only(''), { origin: 'https://b.example' }],
  ['another port',               only(''), { origin: 'https://a.example:8443' }],
  ['plain http',                 only(''), { origin: 'http://a.example' }],
  ['a path beside the target',   only(''), { path: '/v2' }],
  ['a path that begins alike',   only(''), { path: '/v11' }],
  ['a path that climbs',         only(''), { path: '/v1/../v2' }],
  ['a path that climbs, encoded', only(''), { path: '/v1/%2e%2E/v2' }],
  ['a path that climbs behind an encoded slash', only(''), { path: '/v1/..%2fv2' }],
  ['a path that climbs with a parameter', only(''), { path: '/v1/..;a=b/v2' }],
  ['a query that looks like the path', only(''), { path: '/?/v1/' }],
  ['a path beside its own',      only('path_prefix: /v1/charges'), { path: '/v1/refunds' }],
  ['a method that is not its own', only('methods: [GET, HEAD]'), { method: 'POST' }],
];

for (const [what, target, rest] of elsewhere) {
  test(`a credential refuses to be put on a call to ${what}`, async () => {
    const [credential] = (await targets(target)).of('a');
    assert.throws(() => credential?.dress(call(rest)), CredentialForbidden);
  });
}

test('a credential goes where it may', async () => {
  const [credential] = (await targets(only('path_prefix: /v1/charges/, methods: POST'))).of('a');
  for (const path of ['/v1/charges', '/v1/charges/', '/v1/charges/a%2fb/..c?d=..', '/v1/charges?x']) {
    assert.ok(credential?.dress(call({ method: 'POST', path })), path);
  }
});

test('a version is another whenever the secret, the kind or its place is, and only then', async () => {
  const versions = await Promise.all(
    [
      'type: bearer, token: a',
      'type: bearer, token: b',
      'type: api_key, header: X-Key, key: a',
      'type: api_key, header: X-Other, key: a',
      'type: api_key, query: X-Key, key: a',
      'type: basic, username: a, password: bc',
      'type: basic, username: ab, password: c',
      'type: bearer, token: a',
    ].map(async (auth) => (await targets(`a: { url: https://a.example, auth: { ${auth} } }`)).of('a')[0]?.version),
  );
  assert.equal(new Set(versions).size, 7);
  assert.equal(versions[0], versions[7]);
});

test('a version cannot be computed from the secret alone', async () => {
  const config = load(
    'egress: { targets: { a: { url: https://a.example, auth: { type: bearer, token: a } } } }',
  ).config;
  const made = await Promise.all(
    [createCredentialMemory(), createCredentialMemory()].map((other) =>
      assembleCredentials(config, { now: Date.now, memory: other, events }),
    ),
  );
  const [here, there] = made.map((one) => one.of('a')[0]?.version);
  assert.notEqual(here, there);
});

test('neither a credential nor what it puts on a call shows the secret, however it is printed', async () => {
  for (const auth of [
    'type: bearer, token: canary',
    'type: basic, username: canary, password: canary',
    'type: api_key, header: X-Key, key: canary',
    'type: api_key, query: key, key: canary',
  ]) {
    const [credential] = (await targets(`a: { url: https://a.example, auth: { ${auth} } }`)).of('a');
    const worn = credential?.dress(call());
    for (const value of [credential, worn, { worn }]) {
      const printed = [inspect(value, { depth: 9 }), JSON.stringify(value), String(value)].join();
      assert.doesNotMatch(printed, /canary|Y2FuYXJ5/);
    }
  }
});

test('a call is signed last, when everything else is on it', async () => {
  const signing = '{ type: aws_sigv4, access_key_id: a, secret_access_key: b, region: c, service: s3 }';
  const credentials = await targets(
    `a: { url: https://a.example, credentials: [${signing}, { type: api_key, query: k, key: k }, { type: api_key, header: X-Key, key: k }] }`,
  );
  assert.deepEqual(
    credentials.of('a').map(({ kind }) => kind),
    ['api_key', 'api_key', 'aws_sigv4'],
  );
});

const authKinds = [
  ...['none', 'bearer', 'basic', 'api_key', 'mtls', 'aws_sigv4'],
  ...['oauth2_client_credentials', 'oauth2_refresh_token', 'gcp_service_account'],
];

test('every example of the documentation loads, and there is one of each kind', () => {
  const docs = readFileSync(join(import.meta.dirname, '../../docs/egress.md'), 'utf8');
  const examples = [...docs.matchAll(/^\| `(\w+)` \| `(\{ type: .+? \})`/gm)];
  const lines = examples.map(([, kind, auth]) => `    ${kind}: { url: https://a.example, auth: ${auth}, ${mtls} }`);
  const { config } = withFolder({ 'sallyport.yaml': ['egress:', '  targets:', ...lines].join('\n') }, (cwd) =>
    loadConfig({ cwd, env: {}, allowMissingVariables: true }),
  );
  const kinds = Object.entries(config.egress?.targets ?? {}).map(([name, { auth }]) => [name, auth?.type]);
  assert.deepEqual(
    kinds.map(([name]) => name),
    kinds.map(([, type]) => type),
  );
  assert.deepEqual(kinds.map(([name]) => name).toSorted(), authKinds.toSorted());
});
