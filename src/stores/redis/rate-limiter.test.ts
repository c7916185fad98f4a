/** The limiter against a real Redis. The clock is a key that the script reads in place of Redis' own. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { describeLimiter, perMinute } from '../../../test/limits/limiter-contract.ts';
import { needs } from '../../../test/servers/programs.ts';
import { startRedis } from '../../../test/servers/redis.ts';
import { createClient } from './client.ts';
import { createRedisRateLimiter } from './rate-limiter.ts';
import { takeScript } from './take-script.ts';

const { skip } = needs('redis');
if (skip) test('Redis', { skip });
else {
  const { port } = await startRedis({ owner: { after } });
  const client = createClient({
    host: '127.0.0.1',
    port,
    db: 0,
    username: undefined,
    password: undefined,
    tls: undefined,
  });
  await client.connect();
  after(() => client.disconnect());
  const failures: string[] = [];
  const link = { client: () => client, fail: (_: unknown, reason: string) => void failures.push(reason) };
  const testClock = "redis.call('MGET', 'clock:s', 'clock:us')";
  let limiters = 0;

  const create = async (startMs: number) => {
    let nowMs = startMs;
    const set = () => client.mset('clock:s', Math.floor(nowMs / 1_000), 'clock:us', (nowMs % 1_000) * 1_000);
    await set();
    const limiter = createRedisRateLimiter({
      link,
      keyPrefix: `${++limiters}:`,
      timeoutMs: 10_000,
      script: takeScript(testClock),
    });
    return {
      take: async (...asked: Parameters<typeof limiter.take>) => {
        const taken = await limiter.take(...asked);
        assert.ok(taken, failures.join());
        return taken;
      },
      pass: async (ms: number) => {
        nowMs += ms;
        await set();
      },
    };
  };

  describeLimiter('Redis', create, 30);

  test("the clock is Redis' own, and the script is sent again after Redis forgot it", async () => {
    const { take } = createRedisRateLimiter({ link, keyPrefix: 'own clock:', timeoutMs: 10_000 });
    assert.equal((await take([perMinute(2)], true))?.remaining, 1);
    await client.script('FLUSH');
    const taken = await take([perMinute(2)], true);
    assert.deepEqual([taken?.passed, taken?.remaining], [true, 0]);
    assert.ok(taken && taken.moreAfterMs > 59_000 && taken.moreAfterMs <= 61_000);
  });

  test('a counter is small, however much it counts, and is gone when its window is over', async () => {
    const { take, pass } = await create(1_700_000_000_000);
    const [counter] = [perMinute(1_000_000, 'busy')];
    for (let slice = 0; slice < 200; slice++) {
      await Promise.all(Array.from({ length: 20 }, () => take([counter], true)));
      await pass(1_000);
    }
    const key = `${limiters}:busy`;
    assert.equal(await client.strlen(key), 22 + 60 * 5);
    const ttlMs = await client.pttl(key);
    assert.ok(ttlMs > 0 && ttlMs <= 62_000, `${ttlMs}`);
  });

  test('what is asked in one turn of the event loop is told apart, in few commands', async () => {
    const { take } = await create(1_700_000_000_000);
    await client.config('RESETSTAT');
    const answers = await Promise.all(
      Array.from({ length: 64 }, (_, index) =>
        take([perMinute(5, `caller ${index % 8}`), perMinute(1_000, 'all')], true),
      ),
    );
    assert.equal(answers.filter(({ passed }) => passed).length, 40);
    assert.match(String(await client.info('commandstats')), /cmdstat_eval(sha)?:calls=[45],/);
  });

  test('what Redis answers is believed only in the form that was asked for', async () => {
    for (const script of [
      'return {1, 1, 1}',
      'return {2, 1, 1, 1}',
      'return {1, 2, 1, 1}',
      'return {1, 1, -1, 1}',
      "return 'OK'",
      'return nil',
    ]) {
      failures.length = 0;
      const { take } = createRedisRateLimiter({ link, keyPrefix: 'odd:', timeoutMs: 10_000, script });
      await assert.rejects(take([perMinute(1)], true) ?? Promise.resolve(), /another form/);
      assert.equal(failures.length, 1, script);
    }
  });
}
