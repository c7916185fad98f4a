import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load, problemsOf, withFolder } from './harness.test.ts';
import { loadConfig } from './load.ts';
import { ConfigError } from './problem.ts';

/** The sample of the product's description, word for word. */
const sample = `
http: { addr: ":8080" }                  # /auth…, /health, /ready, /metrics
admin: { addr: "127.0.0.1:8081", token: "\${SALLYPORT_ADMIN_TOKEN}" }   # /api/…, /admin/…
trusted_proxies: [127.0.0.0/8, 10.0.0.0/8]
store: "sqlite:data/sallyport.db"        # or postgres://…   (DATABASE_URL)
redis: "redis://redis:6379"              # optional          (REDIS_URL)

jwt:                                     # the seed's single-issuer form loads too
  issuers:
    - name: users
      issuer: https://id.example.com/realms/users
      audience: api
      jwks_url: https://id.example.com/realms/users/protocol/openid-connect/certs
      algorithms: [RS256]                # jwks_url | discovery: true | public_key | secret

api_keys: { prefix: "sk-", rate_limit_per_minute: 1000, rate_limit_per_day: 100000 }   # defaults for new keys

cashu:
  mints: [{ url: https://mint.example.com, units: [sat] }]

rules:
  - name: public
    match: { path: "/free/**" }
    accept: [anonymous]
  - name: orders
    match: { host: api.example.com, path: "/orders/**", methods: [GET, POST] }
    accept: [api_key, jwt]               # api_key | jwt | cashu | certificate | anonymous
    require: { issuer: users, scopes: ["orders:read"], roles: [customer], claims: { tenant: acme } }
    limits: { per_minute: 600, per_day: 50000 }
    headers: { inject_claims: { sub: X-User-ID, realm_access.roles: X-User-Roles } }
  - name: premium
    match: { path: "/premium/**" }
    accept: [cashu, api_key]             # whoever has a key passes; everybody else pays
    price: { amount: 1000, unit: sat, buys: { requests: 1 } }   # short: price: 1000; or buys: { time: 1h }
`;

const env = { SALLYPORT_ADMIN_TOKEN: 'a-token-of-more-than-16' };

test('the sample of the product loads, and soon', (context) => {
  const begin = performance.now();
  const { config, source, notices } = load(sample, { env });
  context.diagnostic(`loadConfig took ${(performance.now() - begin).toFixed(1)} ms`);
  assert.equal(source, 'sallyport.yaml');
  assert.deepEqual(notices, []);
  assert.equal(
    config.admin?.token instanceof Object && 'reveal' in config.admin.token && config.admin.token.reveal(),
    env.SALLYPORT_ADMIN_TOKEN,
  );
  assert.deepEqual(config.jwt.issuers[0]?.audience, ['api']);
  assert.deepEqual(config.redis, { address: 'redis:6379', db: 0, key_prefix: 'sallyport:', tls: false, timeout: 50 });
  assert.deepEqual(config.rules[1]?.require, {
    issuer: ['users'],
    scopes: ['orders:read'],
    roles: ['customer'],
    claims: { tenant: 'acme' },
  });
  assert.deepEqual(config.rules[2]?.price, [{ amount: 1000, unit: 'sat', mints: [], buys: { requests: 1 } }]);
});

test('without any file the embedded defaults load, and say that they are no file', () => {
  const { config, source } = withFolder({}, (cwd) => loadConfig({ env: {}, cwd }));
  assert.equal(source, undefined);
  assert.deepEqual(config.rules, []);
  assert.deepEqual(config.store, { type: 'sqlite', path: 'data/sallyport.db' });
  assert.equal(config.http.read_timeout, 60_000);
  assert.equal(config.http.max_header_size, 65_536);
  assert.equal(config.admin, undefined);
});

test('an empty file is the defaults too', () => {
  for (const yaml of ['', '# nothing yet\n', '---\n'])
    assert.deepEqual(load(yaml).config.rules, [], JSON.stringify(yaml));
});

test('the result is frozen all the way down', () => {
  const thawed: string[] = [];
  const visit = (value: unknown, path: string): void => {
    if (typeof value !== 'object' || value === null) return;
    if (!Object.isFrozen(value)) thawed.push(path);
    for (const [key, inner] of Object.entries(value)) visit(inner, `${path}.${key}`);
  };
  visit(load(sample, { env }).config, 'config');
  assert.deepEqual(thawed, []);
});

test('the file is the one named, else the one in AUTHZ_CONFIG_PATH, else sallyport.yaml', () => {
  const files = { 'sallyport.yaml': 'workers: 1', 'env.yaml': 'workers: 2', 'named.yaml': 'workers: 3' };
  const sources = withFolder(files, (cwd) => [
    loadConfig({ env: {}, cwd }),
    loadConfig({ env: { AUTHZ_CONFIG_PATH: 'env.yaml' }, cwd }),
    loadConfig({ path: 'named.yaml', env: { AUTHZ_CONFIG_PATH: 'env.yaml' }, cwd }),
  ]);
  assert.deepEqual(
    sources.map(({ source, config }) => [source, config.workers]),
    [
      ['sallyport.yaml', 1],
      ['env.yaml', 2],
      ['named.yaml', 3],
    ],
  );
});

test('a file that was named and is not there is an error, never the defaults', () => {
  for (const options of [{ path: 'gone.yaml', env: {} }, { env: { AUTHZ_CONFIG_PATH: 'gone.yaml' } }]) {
    assert.throws(
      () => withFolder({}, (cwd) => loadConfig({ ...options, cwd })),
      (error) => error instanceof ConfigError && error.message.startsWith('gone.yaml: no such file'),
    );
  }
});

for (const [what, yaml, line] of [
  ['a folder', undefined, '.: a directory, not a file'],
  ['bytes that are not UTF-8', Uint8Array.of(0x61, 0x3a, 0x20, 0xff), 'sallyport.yaml: not UTF-8 text'],
  ['more than 1 MiB', `# ${'x'.repeat(1024 * 1024)}`, 'sallyport.yaml: larger than 1 MiB, which no configuration is'],
] as const) {
  test(`${what} is refused with its reason`, () => {
    const problems = yaml === undefined ? problemsOf('', { path: '.' }) : problemsOf(yaml);
    assert.deepEqual(
      problems.map(({ file, message }) => `${file}: ${message}`),
      [line],
    );
  });
}
