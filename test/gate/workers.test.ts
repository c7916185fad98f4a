import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, test } from 'node:test';
import { adminToken, startSallyport } from '../sallyport.ts';
import { request } from '../servers/request.ts';
import { until } from '../servers/until.ts';

const owner = { after };

const gate = await startSallyport({
  owner,
  config: `
workers: 3
rules:
  - { name: open, match: { path: "/open/**" }, accept: [anonymous] }
  - { name: api, match: { path: "/api/**" }, accept: [api_key] }
  - { name: slow, match: { path: "/slow/**" }, accept: [api_key], limits: { per_day: 10 } }
`,
});

/** Without an agent each request has a connection of its own, and connections go to the workers in turn. */
const ask = (path: string, key?: string) =>
  request(gate.url, `/auth/native${path}`, { headers: key === undefined ? {} : { 'X-API-Key': key } });

const statuses = async (count: number, path: string, key: string): Promise<number[]> =>
  (await Promise.all(Array.from({ length: count }, () => ask(path, key)))).map(({ status }) => status);

test('a limit holds for all workers together', async () => {
  const { key } = await gate.createKey();
  const answers = await statuses(60, '/slow/1', key);
  assert.equal(answers.filter((status) => status === 200).length, 10);
  assert.equal(answers.filter((status) => status === 429).length, 50);
});

test('a revocation reaches every worker at once', async () => {
  const { key, id } = await gate.createKey();
  assert.deepEqual(new Set(await statuses(12, '/api/1', key)), new Set([200]));
  const revoked = await request(gate.adminUrl, `/api/keys/${id}`, {
    method: 'DELETE',
    headers: { Authorization: `Bearer ${adminToken}` },
  });
  assert.equal(revoked.status, 204);
  await until(
    'no worker takes the key',
    async () => (await statuses(12, '/api/1', key)).every((status) => status === 401),
    {
      deadlineMs: 1_000,
    },
  );
});

test('metrics are those of all workers', async () => {
  const counted = async () => {
    const { body } = await request(gate.url, '/metrics');
    return Number(/^sallyport_decisions_total\{rule="open".*\} (\d+)$/m.exec(body)?.[1] ?? 0);
  };
  for (let asked = 0; asked < 9; asked++) await ask('/open/1');
  assert.equal(await counted(), 9);
});

test('a worker that dies is replaced, and nobody else notices', async () => {
  const children = (): number[] =>
    execFileSync('pgrep', ['-P', String(gate.pid)], { encoding: 'utf8' })
      .trim()
      .split('\n')
      .map(Number);
  // One that dies right after its start is taken for one that cannot start.
  await until('the workers are some seconds old', () => process.uptime() > 8, { deadlineMs: 15_000 });
  const before = children();
  process.kill(before[0] ?? 0, 'SIGKILL');
  const told: number[] = [];
  await until('there are three again, and one of them was asked while it started', async () => {
    // A connection that went to the one that was killed has no answer.
    told.push((await request(gate.url, '/metrics', { deadlineMs: 500 })).status);
    const now = children();
    return now.length === 3 && !now.includes(before[0] ?? 0) && told.length >= 5;
  });
  assert.deepEqual(new Set(told), new Set([200]));
  await until('all of them answer', async () =>
    (await Promise.all(Array.from({ length: 9 }, () => ask('/open/2')))).every(({ status }) => status === 200),
  );
  assert.match(gate.output(), /ended \(SIGKILL\); another is started/);
});

test('all of it ends on a signal', async () => {
  await gate.stop();
  assert.equal(await gate.exited(), 'code 0');
});
