/** Two whole services that find each other through a real Redis. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { startFaultyRelay } from '../peers/faulty-relay.ts';
import { adminToken, type Sallyport, startSallyport } from '../sallyport.ts';
import { needs } from '../servers/programs.ts';
import { startRedis } from '../servers/redis.ts';
import { request } from '../servers/request.ts';
import { until } from '../servers/until.ts';

const options = needs('redis');
const owner = { after };
const rules = (path: string) => `rules: [{ name: open, match: { path: "${path}" }, accept: [anonymous] }]\n`;

type Shown = Readonly<{
  id: string;
  generation: number;
  digest: string;
  behind: number | null;
  last_error: { problems: string[] } | null;
}>;

const call = async (gate: Sallyport, method: string, path: string) => {
  const headers = { Authorization: `Bearer ${adminToken}` };
  const { status, body } = await request(gate.adminUrl, path, { method, headers });
  return { status, body: JSON.parse(body) };
};
const statusOf = async (gate: Sallyport): Promise<{ id: string; replicas: Shown[]; problem: string | null }> =>
  (await call(gate, 'GET', '/admin/status')).body;
const ownOf = async (gate: Sallyport): Promise<Shown> => (await statusOf(gate)).replicas[0] ?? assert.fail();
const ask = async (gate: Sallyport, path: string) => (await request(gate.url, `/auth/native${path}`)).status;

test('two replicas and a Redis', options, async (t) => {
  const redis = await startRedis({ owner });
  const relay = await startFaultyRelay(redis.port, owner);
  /** Their files are the same; where they find Redis is not in them. */
  const start = (port: number) =>
    startSallyport({
      owner,
      store: '"sqlite:sallyport.db"',
      env: { REDIS_URL: `redis://127.0.0.1:${port}` },
      config: rules('/one/**'),
    });
  const [a, b] = await Promise.all([start(relay.port), start(redis.port)]);
  const write = (gate: Sallyport, rest: string): void => {
    const file = join(gate.directory, 'sallyport.yaml');
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, `${text.slice(0, text.indexOf('rules:'))}${rest}`);
  };
  const reload = async (gate: Sallyport) => (await call(gate, 'POST', '/admin/reload')).body;

  await t.test('a reload of one reaches the other: both say the same generation', async () => {
    for (const gate of [a, b]) {
      await until('each lists both', async () => (await statusOf(gate)).replicas.length === 2);
      write(gate, rules('/two/**'));
    }
    assert.equal((await reload(a)).generation, 2);
    await until('the other has followed', async () => (await ownOf(b)).generation === 2);
    assert.deepEqual([await ask(a, '/two/x'), await ask(b, '/two/x')], [200, 200]);
    const { id, replicas } = await statusOf(b);
    assert.equal(replicas[0]?.id, id);
  });

  await t.test('a file that arrives later is waited for, and the replica says that it is behind', async () => {
    write(b, rules('/three/**'));
    assert.equal((await reload(b)).generation, 3);
    await until('the other knows', async () => (await ownOf(a)).behind === 3);
    assert.deepEqual([await ask(a, '/two/x'), (await ownOf(a)).generation], [200, 2]);
    write(a, rules('/three/**'));
    await until('it has followed', async () => (await ownOf(a)).generation === 3, { deadlineMs: 20_000 });
    assert.deepEqual([await ask(a, '/three/x'), (await ownOf(a)).behind], [200, null]);
  });

  await t.test('a replica whose file is broken keeps its rules, and every replica shows why', async () => {
    write(a, rules('/four/**'));
    write(b, `nonsense: 1\n${rules('/four/**')}`);
    await reload(a);
    await until('the reason is told', async () => {
      const other = (await statusOf(a)).replicas[1];
      return other?.generation === 3 && /nonsense/.test(other.last_error?.problems[0] ?? '');
    });
    assert.deepEqual([await ask(a, '/four/x'), await ask(b, '/three/x')], [200, 200]);
    // The frame of the file ends where the rules begin.
    const file = join(b.directory, 'sallyport.yaml');
    writeFileSync(file, readFileSync(file, 'utf8').replace('nonsense: 1\n', ''));
    await until('it has followed', async () => (await ownOf(b)).generation === 4, { deadlineMs: 20_000 });
    assert.equal(await ask(b, '/four/x'), 200);
  });

  await t.test('Redis cut: the reload holds here, says so, and the other is told when Redis is back', async () => {
    relay.become('refusing');
    await until('Redis is away', async () => (await statusOf(a)).problem !== null);
    for (const gate of [a, b]) write(gate, rules('/five/**'));
    assert.equal((await reload(a)).outcome, 'changed');
    assert.deepEqual([await ask(a, '/five/x'), await ask(b, '/five/x')], [200, 403]);
    relay.become('good');
    await until('the other has followed', async () => (await ask(b, '/five/x')) === 200, { deadlineMs: 20_000 });
    await until(
      'both say the same generation',
      async () => (await ownOf(a)).generation === (await ownOf(b)).generation,
    );
  });
});
