// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the texts under test are references to variables
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { Secret } from '../core/secret.ts';
import { load, problemsOf } from './harness.test.ts';
import { ConfigError } from './problem.ts';
import { VaultReference } from './reference.ts';
import { configSchema } from './schema/config.ts';
import { kinds } from './schema/leaf.ts';
import { allKeys, coreOf } from './schema-walk.ts';

const canary = 'canary-7c1e5f';

/** Every way in which a value may come out of an object. */
const printed = (value: unknown): string =>
  [
    JSON.stringify(value),
    inspect(value, { depth: 20, showHidden: true }),
    String(value),
    value instanceof Error ? value.stack : '',
  ].join('\n');

/** Files in which a secret stands where something is wrong with it, or right beside it. */
const wrong: readonly string[] = [
  'admin: { token: CANARY, tokn: CANARY }',
  'admin: { token: [CANARY] }',
  'admin: { token: { CANARY: CANARY2 } }'.replace('CANARY: ', 'a: '),
  'admin: CANARY',
  'admin: { token: "CANARY\\n" }',
  'admin: { token: "vault:CANARY" }',
  'admin: { token: "CANARY", token: "CANARY" }',
  'admin:\n  token: CANARY\n addr: x',
  'admin: { token: "CANARY }',
  'admin: { token: @CANARY }',
  'admin: { token: *CANARY }',
  'admin: { token: !CANARY x }',
  'admin: { token: "\\CANARY" }',
  'admin: { token: "${CANARY-default}" }',
  'store: "mysql://root:CANARY@db/x"',
  'store: { type: postgres, url: { a: CANARY } }',
  'redis: { address: a, password: CANARY }',
  'redis: "http://:CANARY@redis"',
  'jwt: { issuer: a, audience: b, secret: CANARY }',
  'jwt: { issuer: a, audience: b, jwks_url: "https://user:CANARY@id.example.com" }',
  'egress: { targets: { a: { url: "https://:CANARY@a.example" } } }',
  'egress: { targets: { a: { url: https://a.example, auth: { type: beerer, token: CANARY } } } }',
  'egress: { targets: { a: { url: https://a.example, auth: { type: bearer, tokn: CANARY } } } }',
  'egress: { targets: { a: { url: https://a.example, auth: { type: basic, username: [CANARY], password: { a: CANARY } } } } }',
  'resolver: { secret: CANARY, credentials: { anthropic: { api_key: [CANARY] } } }',
  'billing: { stripe_api_key: [CANARY] }',
];

for (const yaml of wrong) {
  test(`no problem of ${JSON.stringify(yaml)} shows the secret`, () => {
    try {
      load(yaml.replaceAll('CANARY', canary));
      assert.fail('it loads');
    } catch (error) {
      assert.ok(error instanceof ConfigError, String(error));
      assert.ok(!printed(error).includes(canary), printed(error));
      assert.ok(!printed(error.problems).includes(canary));
    }
  });
}

test('what a variable holds is in no problem, wherever it stands', () => {
  const paths = allKeys(configSchema).filter(({ block, name }) => !`${block}.${name}`.includes('['));
  const yamlOf = (block: string, name: string) =>
    `${[...block.split('.').filter(Boolean), name].map((key, depth) => `${'  '.repeat(depth)}${key.replace(/ .*/, '')}:`).join('\n')} \${CANARY} \n`;
  for (const { block, name } of paths) {
    const yaml = yamlOf(block, name);
    const problems = problemsOf(yaml, { env: { CANARY: `${canary} @#:` } });
    assert.ok(!printed(problems).includes(canary), `${yaml}\n${printed(problems)}`);
  }
});

test('what a secret file holds is in no problem', () => {
  const problems = problemsOf('admin: { token: "file:token" }\nresolver: { secret: "file:token" }', {
    files: { token: canary },
  });
  assert.equal(problems.length, 2);
  assert.ok(!printed(problems).includes(canary));
});

test('a loaded configuration shows none of its secrets', () => {
  const loaded = load(
    [
      'admin: { token: "file:token" }',
      'store: "postgres://u:${CANARY}@db/x"',
      'redis: "redis://:${CANARY}@redis"',
      'jwt: { issuer: a, audience: b, secret: "${CANARY}-and-at-least-32-bytes" }',
      'egress: { targets: { a: { url: https://a.example, auth: { type: basic, username: CANARY, password: "${CANARY}" } } } }'.replace(
        'CANARY,',
        `${canary},`,
      ),
      'billing: { stripe_api_key: "${CANARY}" }',
    ].join('\n'),
    { env: { CANARY: canary }, files: { token: `${canary}-long-enough\n` } },
  );
  assert.ok(loaded.config.admin?.token instanceof Secret && loaded.config.admin.token.reveal().startsWith(canary));
  assert.ok(!printed(loaded.config).includes(canary), printed(loaded.config));
  assert.ok(!printed(loaded).includes(canary));
});

test('every key whose name says secret is a secret', () => {
  const telling = /(^|_)(token|secret|password|private_key|api_key|secret_access_key|encryption_key)$/;
  const spared = ['pass_token'];
  const open = allKeys(configSchema).filter(
    ({ block, name, schema }) =>
      telling.test(name) &&
      !spared.includes(name) &&
      !block.endsWith('callers.allow[]') &&
      !kinds.get(coreOf(schema))?.secret,
  );
  assert.deepEqual(
    open.filter(({ name }) => name !== 'api_key').map(({ block, name }) => `${block}.${name}`),
    [],
  );
});

test('a Vault reference shows where the secret is, which is no secret', () => {
  const { config } = load('admin: { token: "vault:secret/data/sallyport#admin" }');
  assert.ok(config.admin?.token instanceof VaultReference);
});
