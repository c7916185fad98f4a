/** The whole service while its Redis is killed, frozen, mad and back again: answers in time, and never an open door. */
import assert from 'node:assert/strict';
import { Agent } from 'node:http';
import { type TestContext, test } from 'node:test';
import { type Mood, startFaultyRelay } from '../peers/faulty-relay.ts';
import { type Sallyport, startSallyport } from '../sallyport.ts';
import { needs } from '../servers/programs.ts';
import { startRedis } from '../servers/redis.ts';
import { request } from '../servers/request.ts';
import { until } from '../servers/until.ts';

const options = needs('redis');
/** Longer than a busy machine stands still: that would be an outage of its own. */
const TIMEOUT_MS = 600;
/** The deadline of Redis, and what a busy machine adds to it. */
const ANSWERED_WITHIN_MS = TIMEOUT_MS + 1_500;
const LIMIT = 20;

const start = (owner: TestContext, port: number): Promise<Sallyport> =>
  startSallyport({
    owner,
    config: `
redis: { address: "127.0.0.1:${port}", timeout: ${TIMEOUT_MS}ms }
logger: { format: json, sample_allows: 0 } # all of the log is looked at, of which so much is kept
rules:
  - { name: wide, match: { path: "/wide/**" }, accept: [anonymous], limits: { per_minute: 1000000 } }
  - { name: narrow, match: { path: "/narrow/**" }, accept: [anonymous], limits: { per_hour: ${LIMIT} } }
`,
  });

const statusOfRedis = async (gate: Sallyport): Promise<string> => {
  const { status, body } = await request(gate.url, '/ready');
  assert.equal(status, 200, 'a gate without Redis still decides');
  const { parts } = JSON.parse(body) as { parts: { name: string; status: string }[] };
  return parts.find(({ name }) => name === 'redis')?.status ?? 'not told';
};

const events = (gate: Sallyport, event: string) => gate.log().filter((line) => line['event'] === event);

/** Lines come a moment late, and no more of them than these. */
const toldOf = async (gate: Sallyport, outages: number): Promise<void> => {
  const counts = () => [events(gate, 'redis_lost').length, events(gate, 'redis_back').length].join();
  await until(`there are ${outages} lines of each kind`, () => counts() === `${outages},${outages}`);
};

/** Asks without a pause, from several connections, until it is told to stop. */
const load = (gate: Sallyport) => {
  const agent = new Agent({ keepAlive: true });
  const statuses = new Map<number, number>();
  let slowestMs = 0;
  let stopped = false;
  const lane = async (number: number): Promise<void> => {
    while (!stopped) {
      const startedAt = performance.now();
      const { status } = await request(gate.url, `/auth/native/wide/${number}`, { agent });
      slowestMs = Math.max(slowestMs, performance.now() - startedAt);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  };
  const lanes = Array.from({ length: 8 }, (_, number) => lane(number));
  return {
    count: () => [...statuses.values()].reduce((sum, count) => sum + count, 0),
    async stop() {
      stopped = true;
      await Promise.all(lanes);
      agent.destroy();
      return { statuses: Object.fromEntries(statuses), slowestMs };
    },
  };
};

/** How many of so many requests of one caller pass. */
const passing = async (gate: Sallyport, from: string, count = LIMIT + 10): Promise<number> => {
  const headers = { 'X-Forwarded-For': from };
  const asked = Array.from({ length: count }, () => request(gate.url, '/auth/native/narrow/1', { headers }));
  const statuses = (await Promise.all(asked)).map(({ status }) => status);
  assert.deepEqual(
    statuses.filter((status) => status !== 200 && status !== 429),
    [],
  );
  return statuses.filter((status) => status === 200).length;
};

const moods: readonly Mood[] = ['silent', 'refusing', 'garbage', 'endless', 'failing'];

test('Redis under load', options, async (t) => {
  const redis = await startRedis({ owner: t });
  const relay = await startFaultyRelay(redis.port, t);
  const gate = await start(t, relay.port);
  let lost = 0;

  for (const [index, mood] of moods.entries()) {
    await t.test(`${mood}: every request is answered in time, the limit holds, and it is told of once`, async () => {
      await until('Redis is good', async () => (await statusOfRedis(gate)) === 'ok');
      const before = `198.51.100.${index}`;
      assert.equal(await passing(gate, before), LIMIT);
      const { stop, count } = load(gate);
      await until('there is load', () => count() > 50);
      relay.become(mood);
      lost += 1;
      await until('it is degraded', async () => (await statusOfRedis(gate)) === 'degraded');
      const sofar = count();
      await until('there was more load', () => count() > sofar + 500);
      assert.equal(await passing(gate, before), 0, 'who had used it up has nothing left');
      assert.equal(await passing(gate, `203.0.113.${index}`), LIMIT, 'who comes now has as much');
      relay.become('good');
      await until('it is back', async () => (await statusOfRedis(gate)) === 'ok');
      assert.equal(await passing(gate, `203.0.113.${index}`), 0, 'what was counted meanwhile is not forgotten');
      const { statuses, slowestMs } = await stop();
      assert.deepEqual(Object.keys(statuses), ['200']);
      assert.ok(slowestMs < ANSWERED_WITHIN_MS, `${slowestMs} ms`);
      await toldOf(gate, lost);
      // One is for decisions, the other for what replicas tell each other of their configuration.
      await until('no connection is left behind', () => relay.connections() === 2);
    });
  }

  await t.test('it is told what went, and how many requests were decided without it', async () => {
    const reasons = events(gate, 'redis_lost').map(({ reason }) => String(reason));
    assert.equal(
      reasons.every((reason) => reason.length > 5 && reason.length < 250),
      true,
      reasons.join('\n'),
    );
    assert.match(reasons[0] ?? '', new RegExp(`no answer within ${TIMEOUT_MS} ms`));
    const { body } = await request(gate.url, '/metrics');
    assert.match(body, /^sallyport_redis_up 1$/m);
    assert.match(body, /^sallyport_limits_without_redis_total [1-9]\d*$/m);
  });
});

test('Redis is killed and started again, frozen and let go on, under load', options, async (t) => {
  const first = await startRedis({ owner: t });
  const gate = await start(t, first.port);
  const { stop, count } = load(gate);
  await until('there is load', () => count() > 50);
  assert.equal(await passing(gate, '198.51.100.1'), LIMIT);

  first.signal('SIGKILL');
  await first.exited();
  await until('it is degraded', async () => (await statusOfRedis(gate)) === 'degraded');
  const second = await startRedis({ owner: t, port: first.port });
  await until('it is back, and has lost everything', async () => (await statusOfRedis(gate)) === 'ok');
  assert.equal(await passing(gate, '198.51.100.1'), 0, 'what this process let through stays counted');

  second.signal('SIGSTOP');
  await until('it is degraded again', async () => (await statusOfRedis(gate)) === 'degraded');
  assert.equal(await passing(gate, '198.51.100.2'), LIMIT);
  second.signal('SIGCONT');
  await until('it is back again', async () => (await statusOfRedis(gate)) === 'ok');
  assert.equal(await passing(gate, '198.51.100.2'), 0);

  const { statuses, slowestMs } = await stop();
  assert.deepEqual(Object.keys(statuses), ['200']);
  assert.ok(slowestMs < ANSWERED_WITHIN_MS, `${slowestMs} ms`);
  await toldOf(gate, 2);
});

test('without Redis it starts, says so once, and finds Redis when it comes', options, async (t) => {
  const relay = await startFaultyRelay((await startRedis({ owner: t })).port, t);
  relay.become('failing');
  const gate = await start(t, relay.port);
  assert.equal(await statusOfRedis(gate), 'degraded');
  assert.match((await request(gate.url, '/ready')).body, /OOM command not allowed/);
  assert.equal(await passing(gate, '198.51.100.1'), LIMIT);
  relay.become('refusing');
  await until('it was tried again and again', () => relay.seen() > 5);
  relay.become('good');
  await until('it is good', async () => (await statusOfRedis(gate)) === 'ok');
  await toldOf(gate, 1);
});
