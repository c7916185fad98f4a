import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { vaultReferences } from './check-vault.ts';
import { load } from './harness.test.ts';
import type { LoadedConfig } from './load.ts';
import { formatPath } from './path.ts';

/** The top-level keys of our file; a YAML block of a seed that has another one is of Kubernetes, Compose or Prometheus. */
const ours = new Set(['http', 'jwt', 'proxy', 'policy', 'egress', 'endpoints', 'logger']);

type Block = Readonly<{ seed: string; line: number; yaml: string }>;

const blocksOf = (seed: string): Block[] => {
  const text = readFileSync(new URL(`../../test/seeds/${seed}.md`, import.meta.url), 'utf8');
  return [...text.matchAll(/^```yaml\n([\s\S]*?)^```/gm)].map((match) => ({
    seed,
    line: text.slice(0, match.index).split('\n').length + 1,
    yaml: match[1] ?? '',
  }));
};

const isOurs = ({ yaml }: Block): boolean => {
  const keys = [...yaml.matchAll(/^([A-Za-z_]\w*):/gm)].map(([, key]) => key ?? '');
  return keys.length > 0 && keys.every((key) => ours.has(key));
};

const variablesOf = (yaml: string): Record<string, string> =>
  Object.fromEntries([...yaml.matchAll(/\$\{(\w+)\}/g)].map(([, name]) => [name ?? '', `value-of-${name}`]));

const blocks = ['000', '001'].flatMap(blocksOf).filter(isOurs);
const loadBlock = ({ yaml }: Block): LoadedConfig => load(yaml, { env: variablesOf(yaml) });

/** The block that begins with, or after, this text. */
const blockWith = (text: string): Block => {
  const block = blocks.find(({ yaml }) => yaml.includes(text));
  assert.ok(block, text);
  return block;
};

test('the seeds print six configurations', () => {
  assert.deepEqual(
    blocks.map(({ seed }) => seed),
    ['000', '000', '001', '001', '001', '001'],
  );
});

for (const block of blocks) {
  test(`the configuration of seed ${block.seed}, line ${block.line}, loads as it stands`, () => {
    assert.doesNotThrow(() => loadBlock(block));
  });
}

test('the egress seed keeps every target, credential and route', () => {
  const { egress } = loadBlock(blockWith('# Egress Only Auth Mode')).config;
  assert.equal(Object.keys(egress?.targets ?? {}).length, 9);
  assert.equal(egress?.routes.length, 9);
  assert.equal(egress?.routes[2]?.rewrite_prefix, '/Accounts/value-of-TWILIO_ACCOUNT_SID');
  assert.deepEqual(
    { ...egress?.token_store.redis, password: undefined },
    {
      address: 'redis:6379',
      password: undefined,
      db: 0,
      key_prefix: 'egress:creds:',
      tls: false,
      timeout: 50,
    },
  );
  const paypal = egress?.targets['paypal']?.auth;
  assert.equal(paypal?.type === 'oauth2_client_credentials' && paypal.refresh_before_expiry, 300_000);
  assert.deepEqual(egress?.defaults, { timeout: 30_000, retry_count: 3, retry_delay: 500 });
});

test('the Vault references of the egress seed are references', () => {
  const { config } = loadBlock(blockWith('vault:secret/data/stripe'));
  assert.deepEqual(
    vaultReferences(config).map(({ path }) => formatPath(path)),
    [
      'egress.targets.stripe.auth.token',
      'egress.targets.paypal.auth.client_id',
      'egress.targets.paypal.auth.client_secret',
    ],
  );
});

test('the single issuer of the sidecar seeds becomes the issuer "default"', () => {
  const { jwt, proxy } = loadBlock(blockWith('# gateway/config.yaml')).config;
  assert.deepEqual(
    jwt.issuers.map(({ name, audience, jwks_refresh_interval }) => ({ name, audience, jwks_refresh_interval })),
    [{ name: 'default', audience: ['api-gateway'], jwks_refresh_interval: 3_600_000 }],
  );
  assert.deepEqual(proxy?.headers.inject_claims, {
    sub: 'X-User-ID',
    email: 'X-User-Email',
    'realm_access.roles': 'X-User-Roles',
  });
  assert.deepEqual(proxy?.authz, { enabled: true, policy_query: 'data.gateway.allow' });
});

test('a sidecar that asks a policy without saying where policies are finds them where the others have them', () => {
  const withoutPolicy = loadBlock(blockWith('# payment-service/config.yaml'));
  assert.deepEqual(withoutPolicy.config.policy, loadBlock(blockWith('# order-service/config.yaml')).config.policy);
  assert.equal(withoutPolicy.config.policy?.path, '/etc/authz/policies');
});

test('a sidecar that demands certificates gets listeners of its own for probes and egress', () => {
  const { http, endpoints, egress } = loadBlock(blockWith('# order-service/config.yaml')).config;
  assert.deepEqual(http.tls?.client_ca_file, ['/etc/certs/ca/zone1-ca.crt']);
  assert.equal(endpoints.addr, '127.0.0.1:9090');
  assert.equal(egress?.addr, '127.0.0.1:8080');
});
