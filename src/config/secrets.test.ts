// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the texts under test are references to variables
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { stringify } from 'yaml';
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
  'admin: { token: { a: CANARY } }',
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
  'jwt: { issuer: a, audience: b, jwks_url: "https://user:a/CANARY@id.example.com" }',
  'egress: { targets: { a: { url: "https://a.example/?key=CANARY" } } }',
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

/** A configuration of nothing but one key, with the blocks and lists around it: `rules[].match (kind)` → nested values. */
const around = (block: string, inner: Record<string, unknown>): unknown =>
  block
    .replace(/ \(\w+\)/g, '')
    .replaceAll('[]', '.[]')
    .split('.')
    .filter(Boolean)
    .reduceRight<unknown>((value, segment) => (segment === '[]' ? [value] : { [segment.toLowerCase()]: value }), inner);

for (const plain of [true, false]) {
  test(`what a variable ${plain ? 'alone' : 'inside a text'} holds is in no problem, whatever key it stands at`, () => {
    for (const { block, name } of allKeys(configSchema)) {
      const [, kind] = /\((\w+)\)$/.exec(block) ?? [];
      const value = plain ? '${CANARY}' : 'a ${CANARY}';
      const yaml = stringify(around(block, { ...(kind !== undefined && { type: kind }), [name]: value }));
      const problems = problemsOf(yaml, { env: { CANARY: `${canary} @#:` } });
      assert.ok(!printed(problems).includes(canary), `${yaml}\n${printed(problems)}`);
    }
  });
}

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

test('every key whose name says that it is secret is one', () => {
  const telling = /(^|_)(token|secret|password|private_key|key|secret_access_key|encryption_key)$/;
  const harmless = [
    'pass_token',
    'public_key',
    'verification_key',
    'tls.client_key',
    'egress.targets.NAME.callers.allow[].api_key',
  ];
  const open = allKeys(configSchema)
    .filter(({ name, schema }) => telling.test(name) && !kinds.get(coreOf(schema))?.secret)
    .map(({ block, name }) => `${block}.${name}`)
    .filter((path) => !harmless.some((known) => path.endsWith(known)));
  assert.deepEqual(open, []);
});

test('a Vault reference shows where the secret is, which is no secret', () => {
  const { config } = load('admin: { token: "vault:secret/data/sallyport#admin" }');
  assert.ok(config.admin?.token instanceof VaultReference);
});
