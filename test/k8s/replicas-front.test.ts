/** What k8s/replicas promises, from its configuration: two of Sallyport on a real PostgreSQL and a real Redis are as one. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { before, test } from 'node:test';
import { parse, stringify } from 'yaml';
import { createPayer } from '../../examples/play-mint/payer.ts';
import { startMint } from '../peers/mint.ts';
import { type Sallyport, startSallyport } from '../sallyport.ts';
import { createDatabase, startPostgres } from '../servers/postgres.ts';
import { needs } from '../servers/programs.ts';
import { startRedis } from '../servers/redis.ts';
import { request } from '../servers/request.ts';
import { ownerOfFile } from './file-owner.ts';
import { at, find, resourcesOf } from './manifests.ts';

const needed = needs('postgres', 'redis');
const owner = ownerOfFile();

const start = async () => {
  const [postgres, redis, mint] = await Promise.all([
    startPostgres({ owner }),
    startRedis({ owner }),
    startMint({ owner }),
  ]);
  const database = await createDatabase(postgres);
  const data = at(find(resourcesOf('replicas'), 'ConfigMap', 'sallyport'), 'data');
  const { http: _, grpc: __, store, ...config } = parse(Object(data)['sallyport.yaml']);
  const options = {
    owner,
    store: JSON.stringify(store),
    config: stringify({
      ...config,
      trusted_proxies: [...config.trusted_proxies, '127.0.0.0/8'],
      cashu: { ...config.cashu, mints: [{ ...config.cashu.mints[0], url: mint.url }] },
    }),
    env: { DATABASE_URL: database, REDIS_URL: redis.url, LEDGER_KEY: randomBytes(32).toString('hex') },
  };
  const replicas = await Promise.all([startSallyport(options), startSallyport(options)]);
  return { replicas, payer: createPayer(mint.url) };
};

let world: Awaited<ReturnType<typeof start>> | undefined;
const inWorld = () => world ?? assert.fail('The world has not started');
before(async () => {
  if (!needed.skip) world = await start();
});

const asked = async ({ url }: Sallyport, path: string, headers: Readonly<Record<string, string>>) =>
  (await request(url, `/auth/envoy${path}`, { headers: { Host: 'shop.example.com', ...headers } })).status;

test('one payment of ten requests is ten at both together', needed, async () => {
  const { replicas, payer } = inWorld();
  const headers = { 'X-Cashu': await payer.token(1000) };
  const statuses: number[] = [];
  for (let n = 0; n < 11; n += 1) statuses.push(await asked(replicas[n % 2] ?? replicas[0], '/premium/a', headers));
  assert.deepEqual(statuses, [...Array.from({ length: 10 }, () => 200), 402]);
});

test('a key that one makes opens at the other, and its limit is one limit', needed, async () => {
  const [one, other] = inWorld().replicas;
  const { key } = await one.createKey({ user_id: 'alice', rate_limit_per_minute: 2 });
  const headers = { 'X-API-Key': key };
  assert.deepEqual(
    [await asked(other, '/api/a', headers), await asked(one, '/api/a', headers), await asked(other, '/api/a', headers)],
    [200, 200, 429],
  );
});
