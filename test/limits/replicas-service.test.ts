/** Three whole services on one database and one Redis: no key outlives its revocation, no limit is dodged. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { generateKey } from '../../src/keys/api-key.ts';
import { startFaultyRelay } from '../peers/faulty-relay.ts';
import { adminToken, runSallyport, type Sallyport, startSallyport } from '../sallyport.ts';
import { createDatabase, startPostgres } from '../servers/postgres.ts';
import { needs } from '../servers/programs.ts';
import { startRedis } from '../servers/redis.ts';
import { request } from '../servers/request.ts';
import { until } from '../servers/until.ts';

const options = needs('redis', 'postgres');

type Scene = Readonly<{ redis: readonly number[]; database: string; maxAge: string; more?: string }>;

/** One replica for each port at which it finds Redis. */
const startReplicas = (t: TestContext, { redis, database, maxAge, more = '' }: Scene): Promise<Sallyport[]> =>
  Promise.all(
    redis.map((port) =>
      startSallyport({
        owner: t,
        store: `"${database}"`,
        config: `
redis: { address: "127.0.0.1:${port}", timeout: 1s }
api_keys: { cache_max_age: ${maxAge} }
logger: { format: json }
${more}
rules:
  - { name: api, match: { path: "/api/**" }, accept: [api_key] }
  - { name: slow, match: { path: "/slow/**" }, accept: [api_key], limits: { per_hour: 30 } }
`,
      }),
    ),
  );

const ask = (gate: Sallyport, key: string, path = '/api/1', headers: Readonly<Record<string, string>> = {}) =>
  request(gate.url, `/auth/native${path}`, { headers: { 'X-API-Key': key, ...headers } });

const statusesOf = async (replicas: readonly Sallyport[], key: string): Promise<number[]> =>
  (await Promise.all(replicas.map((gate) => ask(gate, key)))).map(({ status }) => status);

const revoke = async (gate: Sallyport | undefined, id: string): Promise<void> => {
  assert.ok(gate);
  const headers = { Authorization: `Bearer ${adminToken}` };
  assert.equal((await request(gate.adminUrl, `/api/keys/${id}`, { method: 'DELETE', headers })).status, 204);
};

const refusedByAll = (replicas: readonly Sallyport[], key: string, deadlineMs: number): Promise<void> =>
  until('every replica refuses', async () => (await statusesOf(replicas, key)).every((status) => status === 401), {
    deadlineMs,
  });

test('three replicas on PostgreSQL and Redis', options, async (t) => {
  const server = await startPostgres({ owner: t });
  const database = await createDatabase(server);
  const redis = await startRedis({ owner: t });
  const relay = await startFaultyRelay(redis.port, t);
  // What is cached would be believed for ten seconds: only Redis can be faster.
  const replicas = await startReplicas(t, { redis: [redis.port, redis.port, relay.port], database, maxAge: '10s' });
  const [first = assert.fail(), second = assert.fail(), third = assert.fail()] = replicas;

  const knownKey = async () => {
    const made = await first.createKey();
    assert.deepEqual(await statusesOf(replicas, made.key), [200, 200, 200]);
    return made;
  };

  await t.test('a revoked key is refused by all of them within a second, each of twenty times', async () => {
    for (let time = 0; time < 20; time++) {
      const { key, id } = await knownKey();
      await revoke(replicas[time % 3], id);
      await refusedByAll(replicas, key, 1_000);
    }
  });

  await t.test('a key revoked by the command line as well', async () => {
    const { key, id } = await knownKey();
    const config = join(second.directory, 'sallyport.yaml');
    const { status, stderr } = runSallyport(['keys', 'revoke', id, '--config', config], { cwd: second.directory });
    assert.deepEqual([status, stderr], [0, '']);
    await refusedByAll(replicas, key, 1_000);
  });

  await t.test('a key that was unknown a moment ago is known to all as soon as it is made', async () => {
    const { key } = await second.createKey();
    await until('all know it', async () => (await statusesOf(replicas, key)).every((status) => status === 200), {
      deadlineMs: 1_000,
    });
  });

  await t.test('whoever was cut off from Redis believes nothing of before once it is back', async () => {
    const { key, id } = await knownKey();
    relay.become('refusing');
    await until('it is cut off', async () => (await request(third.url, '/ready')).body.includes('degraded'));
    await revoke(first, id);
    await refusedByAll([first, second], key, 1_000);
    relay.become('good');
    await refusedByAll(replicas, key, 5_000);
  });

  await t.test('what a replica could not tell while it was cut off, it tells when it is back', async () => {
    const { key, id } = await knownKey();
    relay.become('refusing');
    await until('it is cut off', async () => (await request(third.url, '/ready')).body.includes('degraded'));
    await revoke(third, id);
    assert.deepEqual(await statusesOf([third], key), [401]);
    relay.become('good');
    await refusedByAll(replicas, key, 5_000);
  });

  await t.test("a key's own limits and those of a rule hold for all of them together", async () => {
    await until('all have Redis', async () => !(await request(third.url, '/ready')).body.includes('degraded'));
    for (const [path, limits, expected] of [
      ['/api/1', { rate_limit_per_minute: 20 }, 20],
      ['/slow/1', { rate_limit_per_minute: 1_000 }, 30],
    ] as const) {
      const { key } = await first.createKey(limits);
      const asked = Array.from({ length: 30 }, () => replicas.map((gate) => ask(gate, key, path))).flat();
      const statuses = (await Promise.all(asked)).map(({ status }) => status);
      assert.equal(statuses.filter((status) => status === 200).length, expected);
      assert.equal(statuses.filter((status) => status === 429).length, 90 - expected);
    }
  });

  await t.test('who guesses at one replica is slowed down at the others', async () => {
    const from = { 'X-Forwarded-For': '198.51.100.77' };
    await Promise.all(Array.from({ length: 120 }, () => ask(first, generateKey('sk-'), '/api/1', from)));
    await until('the others know', async () => {
      const answers = await Promise.all([second, third].map((gate) => ask(gate, generateKey('sk-'), '/api/1', from)));
      return answers.every(({ status }) => status === 429);
    });
    const elsewhere = await ask(second, generateKey('sk-'), '/api/1', { 'X-Forwarded-For': '198.51.100.78' });
    assert.equal(elsewhere.status, 401);
  });
});

test(
  'with Redis killed, a revoked key is refused by all replicas within cache_max_age (here 2 s, by default 10 s)',
  options,
  async (t) => {
    const server = await startPostgres({ owner: t });
    const redis = await startRedis({ owner: t });
    const replicas = await startReplicas(t, {
      redis: [redis.port, redis.port, redis.port],
      database: await createDatabase(server),
      maxAge: '2s',
    });
    redis.signal('SIGKILL');
    await redis.exited();
    for (let time = 0; time < 3; time++) {
      const { key, id } = await (replicas[0] ?? assert.fail()).createKey();
      assert.deepEqual(await statusesOf(replicas, key), [200, 200, 200]);
      await revoke(replicas[time], id);
      await refusedByAll(replicas, key, 2_500);
    }
    const [first] = replicas;
    assert.ok(first);
    const { id } = await first.createKey();
    const config = join(first.directory, 'sallyport.yaml');
    const { status, stderr } = runSallyport(['keys', 'revoke', id, '--config', config], { cwd: first.directory });
    assert.equal(status, 0);
    assert.match(stderr, /^Redis cannot be told \(.*ECONNREFUSED.*\): it takes up to 2 s until every replica knows$/m);
  },
);

test('workers share one limit by Redis, and by their primary process while Redis is away', options, async (t) => {
  const server = await startPostgres({ owner: t });
  const redis = await startRedis({ owner: t });
  const [gate] = await startReplicas(t, {
    redis: [redis.port],
    database: await createDatabase(server),
    maxAge: '10s',
    more: 'workers: 2',
  });
  assert.ok(gate);
  const passing = async (key: string) => {
    const asked = Array.from({ length: 60 }, () => ask(gate, key, '/slow/1'));
    return (await Promise.all(asked)).filter(({ status }) => status === 200).length;
  };
  assert.equal(await passing((await gate.createKey()).key), 30);
  redis.signal('SIGKILL');
  await redis.exited();
  await until('both workers know', async () =>
    /^sallyport_redis_up 0$/m.test((await request(gate.url, '/metrics')).body),
  );
  assert.equal(await passing((await gate.createKey()).key), 30);
});
