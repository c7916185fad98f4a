import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { Redis } from 'ioredis';
import { assembleCredentials, createCredentialMemory } from '../../src/assemble/credentials.ts';
import { load } from '../../src/config/harness.test.ts';
import { type FaultyRelay, startFaultyRelay } from '../peers/faulty-relay.ts';
import { startTokenServer, type TokenServer } from '../peers/token-server.ts';
import { needs } from '../servers/programs.ts';
import { startRedis } from '../servers/redis.ts';
import type { Server } from '../servers/server.ts';
import { until } from '../servers/until.ts';

const options = needs('redis');
const encryptionKey = randomBytes(32).toString('base64');
const clientSecret = 'canary-client-secret';

let redis: Server;
let relay: FaultyRelay;
let provider: TokenServer;
let client: Redis;
const cleanUps: (() => Promise<void>)[] = [];

before(async () => {
  if (options.skip) return;
  const owner = { after: (cleanUp: () => Promise<void>) => cleanUps.push(cleanUp) };
  redis = await startRedis();
  relay = await startFaultyRelay(redis.port, owner);
  provider = await startTokenServer({
    clients: { shop: clientSecret, short: 'short' },
    refreshToken: 'canary-refresh-token',
  });
  client = new Redis(redis.port, '127.0.0.1');
});

after(async () => {
  client?.disconnect();
  for (const cleanUp of cleanUps) await cleanUp();
  await provider?.stop();
  await redis?.stop();
});

type ReplicaOptions = Readonly<{ auth?: string; store?: string; now?: () => number; scope?: string }>;

const credentials = `type: oauth2_client_credentials, client_id: shop, client_secret: ${clientSecret}`;

/** A process of its own: it shares nothing with another but Redis. */
const startReplica = async ({
  auth = credentials,
  store = `encryption_key: "${encryptionKey}",`,
  now = Date.now,
  scope = 'a',
}: ReplicaOptions = {}) => {
  const tokenStore = `{ type: redis, ${store} redis: { address: "127.0.0.1:${relay.port}", key_prefix: "egress:creds:", timeout: 1s } }`;
  const target = `{ url: "${provider.url}", allow_private: true, auth: { ${auth}, scopes: [${scope}], token_url: "${provider.tokenUrl}" } }`;
  const told: string[] = [];
  const assembled = await assembleCredentials(
    load(`egress: { token_store: ${tokenStore}, targets: { shop: ${target} } }`).config,
    {
      now,
      memory: createCredentialMemory(),
      events: {
        onRefresh: (_target, outcome) => told.push(outcome),
        onCacheHit: () => told.push('hit'),
        onStoreLost: () => told.push('lost'),
        onStoreBack: () => told.push('back'),
      },
    },
  );
  const [credential] = assembled.of('shop');
  assert.ok(credential);
  const dress = async () =>
    credential.dress({ method: 'GET', origin: provider.url, path: '/', headers: [], body: undefined });
  return {
    ...assembled,
    told,
    credential,
    dress,
    token: async () => (await dress()).headers[1]?.slice('Bearer '.length),
  };
};

/** Everything that is in Redis, keys and values. */
const everything = async (): Promise<string> => {
  const keys = await client.keys('*');
  const values = await Promise.all(keys.map((key) => client.get(key)));
  return [...keys, ...values].join('\n');
};

test(
  'replicas make one token call together, and it stands in Redis sealed, under the prefix of the configuration',
  options,
  async (t) => {
    const asked = provider.asked();
    const replicas = await Promise.all(Array.from({ length: 4 }, () => startReplica({ scope: 'together' })));
    t.after(() => Promise.all(replicas.map(({ close }) => close())));
    const tokens = await Promise.all(replicas.flatMap(({ token }) => Array.from({ length: 50 }, token)));
    assert.equal(new Set(tokens).size, 1);
    assert.equal(provider.asked() - asked, 1);
    assert.equal(new Set(replicas.map(({ credential }) => credential.version)).size, 1);
    const keys = await client.keys('*');
    assert.match(keys.join(), /^egress:creds:token:[\w-]{43}$/);
    assert.ok((await client.pttl(keys[0] ?? '')) > 3_500_000);
    const kept = await everything();
    for (const canary of [
      String(tokens[0]),
      clientSecret,
      Buffer.from(String(tokens[0])).toString('base64').slice(0, 8),
    ])
      assert.ok(!kept.includes(canary), `${canary} is in ${kept}`);
  },
);

test(
  'a token that was changed in Redis, or sealed with another key, is as if it were not there',
  options,
  async (t) => {
    const one = await startReplica({ scope: 'changed' });
    await one.token();
    const keys = await client.keys('egress:creds:token:*');
    for (const key of keys) {
      const kept = await client.getBuffer(key);
      assert.ok(kept);
      kept[40] = kept[40] === 65 ? 66 : 65;
      await client.set(key, kept);
    }
    const two = await startReplica({ scope: 'changed' });
    const asked = provider.asked();
    assert.equal(await two.token(), provider.given().at(-1));
    assert.equal(provider.asked() - asked, 1);
    const three = await startReplica({
      scope: 'changed',
      store: `encryption_key: "${randomBytes(32).toString('hex')}",`,
    });
    assert.equal(await three.token(), provider.given().at(-1));
    assert.equal(provider.asked() - asked, 2);
    t.after(() => Promise.all([one, two, three].map(({ close }) => close())));
  },
);

test(
  'without an encryption key tokens are sealed with the secret of their credential, and stay in memory where that is short',
  options,
  async (t) => {
    await client.flushall();
    const [one, two] = [await startReplica({ store: '' }), await startReplica({ store: '' })];
    const short = 'type: oauth2_client_credentials, client_id: short, client_secret: short';
    const [three, four] = [
      await startReplica({ auth: short, store: '' }),
      await startReplica({ auth: short, store: '' }),
    ];
    t.after(() => Promise.all([one, two, three, four].map(({ close }) => close())));
    assert.equal(await one.token(), await two.token());
    const kept = await everything();
    assert.ok(!kept.includes(String(await one.token())));
    assert.notEqual(await three.token(), await four.token());
    assert.equal(await everything(), kept);
  },
);

test('the latest refresh token outlives the replica that got it', options, async (t) => {
  await client.flushall();
  let now = Date.now();
  const auth = `type: oauth2_refresh_token, client_id: shop, client_secret: ${clientSecret}, refresh_token: canary-refresh-token`;
  const one = await startReplica({ auth, now: () => now });
  await one.token();
  await one.close();
  assert.ok(!(await everything()).includes('canary'));
  now += 3_600_000;
  const two = await startReplica({ auth, now: () => now });
  t.after(two.close);
  assert.equal(await two.token(), provider.given().at(-1));
  assert.equal(provider.form().get('refresh_token'), 'canary-refresh-token-1');
});

test('a replica that died with the lock in its hand holds up nobody for longer than the lock', options, async (t) => {
  await client.flushall();
  const one = await startReplica({ scope: 'dead' });
  t.after(one.close);
  await one.token();
  const [key = ''] = await client.keys('egress:creds:token:*');
  await client.del(key);
  await client.set(key.replace('token:', 'token-lock:'), 'dead', 'PX', 400);
  const two = await startReplica({ scope: 'dead' });
  t.after(two.close);
  assert.equal(await two.token(), provider.given().at(-1));
  assert.equal(await client.get(key.replace('token:', 'token-lock:')), null);
});

test(
  'while Redis is away, silent or mad, each replica asks for itself, is told of once, and shares again afterwards',
  options,
  async (t) => {
    await client.flushall();
    let now = Date.now();
    const one = await startReplica({ scope: 'outage', now: () => now });
    t.after(one.close);
    await one.token();
    for (const mood of ['refusing', 'silent', 'garbage', 'failing'] as const) {
      relay.become(mood);
      now += 3_600_000;
      const startedAt = performance.now();
      assert.equal(await one.token(), provider.given().at(-1));
      assert.ok(performance.now() - startedAt < 2_500, mood);
    }
    assert.ok(one.problem?.());
    relay.become('good');
    await until('Redis is back', () => one.problem?.() === undefined);
    assert.equal(one.told.filter((what) => what === 'lost').length, one.told.filter((what) => what === 'back').length);
    now += 3_600_000;
    const token = await one.token();
    const two = await startReplica({ scope: 'outage', now: () => now });
    t.after(two.close);
    assert.equal(await two.token(), token);
  },
);
