import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Secret } from '../core/secret.ts';
import { load, problemsOf, withFolder } from './harness.test.ts';
import { loadConfig } from './load.ts';
import { formatProblem } from './problem.ts';

const plain = (value: unknown): unknown => (value instanceof Secret ? value.reveal() : value);
const jwtSecret = 's'.repeat(32);

test('the environment wins over the file, and each variable that took effect is noticed', () => {
  const yaml =
    'store: "sqlite:file.db"\nredis: "redis://file"\ncashu: { default_amount: 1 }\npods: { enabled: false, namespace: file }';
  const { config, notices } = load(yaml, {
    env: {
      DEFAULT_PAYMENT_AMOUNT: '1000',
      DATABASE_URL: 'postgres://u:p@db/x',
      REDIS_URL: 'redis://env:1',
      ENABLE_POD_PROVISIONING: 'true',
      POD_NAMESPACE: 'env',
    },
  });
  assert.equal(config.cashu.default_amount, 1000);
  assert.equal(config.store.type === 'postgres' && plain(config.store.url), 'postgres://u:p@db/x');
  assert.equal(config.redis?.address, 'env:1');
  assert.deepEqual([config.pods?.enabled, config.pods?.namespace], [true, 'env']);
  assert.deepEqual(notices, [
    'the environment variable DEFAULT_PAYMENT_AMOUNT sets cashu.default_amount',
    'the environment variable DATABASE_URL sets store',
    'the environment variable REDIS_URL sets redis',
    'the environment variable ENABLE_POD_PROVISIONING sets pods.enabled',
    'the environment variable POD_NAMESPACE sets pods.namespace',
    'pods is on, but no rule starts one',
  ]);
});

test('without a file the environment overlays the defaults', () => {
  const { config } = withFolder({}, (cwd) => loadConfig({ env: { DATABASE_URL: 'sqlite:/data/x.db' }, cwd }));
  assert.deepEqual(config.store, { type: 'sqlite', path: '/data/x.db' });
});

test('a variable that is set to nothing is not set', () => {
  const { config, notices } = load('', { env: { DATABASE_URL: '', REDIS_URL: '' } });
  assert.equal(config.redis, undefined);
  assert.deepEqual(notices, []);
});

const resolverVariables = {
  JWT_MODE: 'permissive',
  JWT_SECRET: jwtSecret,
  ANTHROPIC_API_KEY: 'anthropic-key',
  CORALOGIX_API_KEY: 'coralogix-key',
  CORALOGIX_DOMAIN: 'coralogix.example',
};

for (const [what, yaml, env, enabled] of [
  ['nothing asks for the resolver', '', {}, undefined],
  ['the file switches the resolver off', 'resolver: { enabled: false }', {}, false],
  ['the file has the resolver', 'resolver: {}', {}, true],
  ['CREDENTIAL_SOURCE is set', '', { CREDENTIAL_SOURCE: 'environment' }, true],
  [
    'CREDENTIAL_SOURCE is set and the file says off',
    'resolver: { enabled: false }',
    { CREDENTIAL_SOURCE: 'environment' },
    true,
  ],
] as const) {
  test(`the variables of the resolver ${enabled ? 'count' : 'are left alone'} when ${what}`, () => {
    const { resolver } = load(yaml, { env: { ...resolverVariables, ...env } }).config;
    assert.equal(resolver?.enabled, enabled);
    assert.equal(resolver?.mode, enabled ? 'permissive' : enabled === false ? 'strict' : undefined);
    assert.equal(plain(resolver?.secret), enabled ? jwtSecret : undefined);
    const credentials = Object.entries(resolver?.credentials ?? {}).map(([name, values]) => [
      name,
      ...Object.values(values).map(plain),
    ]);
    const expected = [
      ['anthropic', 'anthropic-key'],
      ['coralogix', 'coralogix-key', 'coralogix.example'],
    ];
    assert.deepEqual(credentials, enabled ? expected : []);
  });
}

test('POD_NAMESPACE and STRIPE_API_KEY alone start nothing', () => {
  const env = { POD_NAMESPACE: 'sallyport', STRIPE_API_KEY: 'sk_test' };
  const { config, notices } = load('', { env });
  assert.deepEqual([config.pods, config.billing, notices], [undefined, undefined, []]);
  assert.equal(plain(load('billing: {}', { env }).config.billing?.stripe_api_key), 'sk_test');
});

for (const [env, yaml, line] of [
  [
    { DATABASE_URL: 'mysql://root:canary@db' },
    '',
    'environment variable DATABASE_URL store: not a mapping; expected sqlite:PATH | postgres://… or a mapping',
  ],
  [
    { DEFAULT_PAYMENT_AMOUNT: 'free' },
    '',
    'environment variable DEFAULT_PAYMENT_AMOUNT cashu.default_amount: not a number; expected a whole number, 1 or more',
  ],
  [
    { ENABLE_POD_PROVISIONING: 'maybe' },
    '',
    'environment variable ENABLE_POD_PROVISIONING pods.enabled: not a switch; expected true or false',
  ],
  [
    { JWT_SECRET: 'short-canary' },
    'resolver: {}',
    'environment variable JWT_SECRET resolver.secret: too short; expected at least 32 bytes; make one with: openssl rand -base64 32',
  ],
  [{ REDIS_URL: 'redis://h' }, 'redis: 5', undefined],
  [{ POD_NAMESPACE: 'x' }, 'pods: 5', 'sallyport.yaml:1:7 pods: not a mapping; found a number, expected a mapping'],
] as const) {
  test(`${JSON.stringify(env)} over ${JSON.stringify(yaml)} ${line ? 'is a problem with its place' : 'loads'}`, () => {
    assert.deepEqual(problemsOf(yaml, { env }).map(formatProblem), line ? [line] : []);
  });
}
