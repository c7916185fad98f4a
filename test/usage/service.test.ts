/** Usage of the whole service: what it allowed is counted once, whatever happens to process, store and disk. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openSqliteStores } from '../../src/stores/sqlite/stores.ts';
import { adminToken, runSallyport, type Sallyport, startSallyport } from '../sallyport.ts';
import { ask as query, startPostgres } from '../servers/postgres.ts';
import { needs } from '../servers/programs.ts';
import { request } from '../servers/request.ts';
import { until } from '../servers/until.ts';
import { createWorkdir } from '../servers/workdir.ts';
import { countOf } from './usage-events.ts';

const rules = `
rules:
  - { name: api, match: { path: "/api/**" }, accept: [api_key] }
  - { name: open, match: { path: "/open/**" }, accept: [anonymous] }
`;
const soon = `usage: { flush_interval: 20ms }\n${rules}`;
/** Nothing goes to the store before the end. */
const late = `usage: { flush_interval: 60s }\n${rules}`;

const ask = async (gate: Sallyport, path: string, key?: string, dialect = 'native'): Promise<number> => {
  const authorization = key !== undefined && { Authorization: `Bearer ${key}` };
  const headers = { Host: 'a.example.com', ...authorization };
  return (await request(gate.url, `/auth/${dialect}${path}`, { headers })).status;
};

const metric = async (gate: Sallyport, name: string): Promise<number> => {
  const text = await (await fetch(`${gate.url}/metrics`)).text();
  const line = text.split('\n').find((one) => one.startsWith(`sallyport_usage_${name} `));
  return Number(line?.split(' ')[1] ?? 0);
};

const spoolOf = ({ directory }: Sallyport): string => join(directory, 'data', 'usage');

const usageOf = async (gate: Sallyport, question: string): Promise<{ usage: Record<string, unknown>[] }> => {
  const headers = { Authorization: `Bearer ${adminToken}` };
  return (await fetch(`${gate.adminUrl}/api/usage?${question}`, { headers })).json() as Promise<never>;
};

test('requests that were let through are usage, by key, user and rule; refused ones are not', async (t) => {
  const gate = await startSallyport({ owner: t, config: soon });
  const { key, id } = await gate.createKey({ user_id: 'ann' });
  for (const path of ['/api/orders', '/api/orders', '/open/a']) assert.equal(await ask(gate, path, key), 200);
  assert.equal(await ask(gate, '/open/b'), 200);
  assert.equal(await ask(gate, '/api/orders'), 401);
  assert.equal(await ask(gate, '/api/orders', `${key}x`), 401);
  const expected = [
    { key_id: '', user_id: '', rule: 'open', requests: 2, billable_requests: 2 },
    { key_id: id, user_id: 'ann', rule: 'api', requests: 2, billable_requests: 2 },
  ];
  const seen = async () =>
    (await usageOf(gate, 'group_by=key,user,rule')).usage.map(
      ({ key_id, user_id, rule, requests, billable_requests }) => ({
        ...{ key_id, user_id, rule, requests, billable_requests },
      }),
    );
  await until('they are in the store', async () => {
    assert.deepEqual(await seen(), expected);
    return true;
  });

  const config = join(gate.directory, 'sallyport.yaml');
  const run = (...args: string[]) => runSallyport(['usage', '--config', config, ...args], { cwd: gate.directory });
  const { status, stdout } = run('--user', 'ann', '--by', 'key', '--json');
  assert.deepEqual([status, JSON.parse(stdout).usage.length, JSON.parse(stdout).usage[0].key_id], [0, 1, id]);
  assert.match(run('--by', 'key,user').stdout, /^start +key_id +user_id +requests .*\n\S+ +- +- +2 /);
  const none = run('--rule', 'none');
  assert.deepEqual([none.status, none.stdout], [0, '']);
  assert.match(none.stderr, /^nothing was used from /);
  const wrong = run('--by', 'method');
  assert.deepEqual([wrong.status, wrong.stdout], [2, '']);
  assert.match(wrong.stderr, /^--by: is not of key, user, rule/);
});

test('no query and no credential is in the spool or in the store', async (t) => {
  const gate = await startSallyport({ owner: t, config: late });
  const { key } = await gate.createKey();
  const canaries = ['canary-query', key, key.slice(3, 20)];
  assert.equal(await ask(gate, '/api/orders?token=canary-query&x', key), 200);
  const textOf = (folder: string) =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !entry.name.endsWith('.yaml'))
      .map(({ parentPath, name }) => readFileSync(join(parentPath, name), 'latin1'))
      .join('');
  assert.match(textOf(spoolOf(gate)), /"\/api\/orders"/);
  for (const canary of canaries) assert.ok(!textOf(spoolOf(gate)).includes(canary), canary);
  await gate.stop();
  assert.match(textOf(gate.directory), /\/api\/orders/);
  for (const canary of canaries) assert.ok(!textOf(gate.directory).includes(canary), canary);
});

test('SIGTERM under load: the usage of every answer is in the store when the process has ended, and the spool is empty', async (t) => {
  const gate = await startSallyport({ owner: t, config: late });
  const { key } = await gate.createKey({ rate_limit_per_minute: null, rate_limit_per_day: null });
  let answered = 0;
  let ended = false;
  const lane = async (): Promise<void> => {
    while (!ended) {
      const status = await ask(gate, '/api/orders', key).catch(() => undefined);
      if (status === 200) answered += 1;
      else if (status === undefined) return;
    }
  };
  const lanes = Array.from({ length: 8 }, lane);
  await until('it answers', () => answered > 50);
  gate.signal('SIGTERM');
  await gate.exited();
  ended = true;
  await Promise.all(lanes);
  const stores = openSqliteStores(join(gate.directory, 'sallyport.db'));
  t.after(stores.close);
  assert.equal(await countOf(stores.usage), answered);
  assert.deepEqual(readdirSync(spoolOf(gate)), []);
});

test('a disk that takes no more: requests go on, what is not kept is counted, and one line says so', async (t) => {
  const gate = await startSallyport({ owner: t, config: soon });
  const limit = (to: string) => execFileSync('prlimit', ['--pid', String(gate.pid), `--fsize=${to}:`]);
  assert.equal(await ask(gate, '/open/before'), 200);
  await until('it is stored', async () => (await metric(gate, 'events_total{result="stored"}')) === 1);
  limit('1');
  for (let count = 0; count < 5; count++) assert.equal(await ask(gate, '/open/during'), 200);
  assert.equal(await metric(gate, 'events_total{result="spool_failed"}'), 5);
  limit('unlimited');
  assert.equal(await ask(gate, '/open/after'), 200);
  await until('it is stored', async () => (await metric(gate, 'events_total{result="stored"}')) === 2);
  const said = () => gate.log().filter(({ event }) => event === 'usage_dropped');
  await until('the log says so', () => said().length > 0);
  assert.deepEqual(
    said().map(({ reason, count }) => [reason, count]),
    [['spool_failed', 1]],
  );
  assert.deepEqual(
    (await usageOf(gate, 'window=hour')).usage.map(({ requests }) => requests),
    [2],
  );
});

test('a full queue: requests go on, and what is over is dropped and counted', async (t) => {
  const gate = await startSallyport({ owner: t, config: `usage: { queue_size: 5, flush_interval: 60s }\n${rules}` });
  for (let count = 0; count < 8; count++) assert.equal(await ask(gate, '/open/a'), 200);
  assert.deepEqual(
    [await metric(gate, 'events_total{result="recorded"}'), await metric(gate, 'events_total{result="queue_full"}')],
    [5, 3],
  );
  await gate.stop();
  const stores = openSqliteStores(join(gate.directory, 'sallyport.db'));
  t.after(stores.close);
  assert.equal(await countOf(stores.usage), 5);
});

test('several workers share a spool and a store, and each answer of any of them is counted', async (t) => {
  const gate = await startSallyport({ owner: t, config: `workers: 2\n${soon}` });
  for (let count = 0; count < 40; count++) assert.equal(await ask(gate, '/open/a'), 200);
  await until('all of them are stored', async () => (await metric(gate, 'events_total{result="stored"}')) === 40);
  await gate.stop();
  assert.deepEqual(readdirSync(spoolOf(gate)), []);
  const stores = openSqliteStores(join(gate.directory, 'sallyport.db'));
  t.after(stores.close);
  assert.equal(await countOf(stores.usage), 40);
});

test('where Envoy’s access log tells of requests, its own dialect does not, and the others do', async (t) => {
  const directory = createWorkdir('usage', t).path;
  // The listener itself is not started by anything that is tested here.
  const { serve } = await import('../../src/serve.ts');
  const { loadConfig } = await import('../../src/config/load.ts');
  const file = join(directory, 'sallyport.yaml');
  writeFileSync(
    file,
    `store: "sqlite:${directory}/s.db"\nhttp: { addr: "127.0.0.1:0" }\ngrpc: { addr: "127.0.0.1:0" }
usage: { spool: "${directory}/spool", flush_interval: 60s }\nlogger: { level: fatal }\n${rules}`,
  );
  const { config } = loadConfig({ path: file, env: {}, insecure: new Set() });
  const service = await serve(config);
  const url = `http://127.0.0.1:${service.address.port}`;
  for (const dialect of ['envoy', 'native']) {
    const answer = await request(url, `/auth/${dialect}/open/${dialect}`, { headers: { Host: 'a.example.com' } });
    assert.equal(answer.status, 200, dialect);
  }
  await service.stop(0, 1_000);
  const stores = openSqliteStores(join(directory, 's.db'));
  t.after(stores.close);
  assert.equal(await countOf(stores.usage), 1);
});

test('whoever asks for usage that is not recorded is told so', (t) => {
  const directory = createWorkdir('usage', t).path;
  const config = join(directory, 'sallyport.yaml');
  writeFileSync(config, `store: "sqlite:${directory}/s.db"\n`);
  const { status, stderr } = runSallyport(['usage', '--config', config], { cwd: directory });
  assert.equal(status, 0);
  assert.match(
    stderr,
    /^nothing was used from \S+ to \S+: it is not recorded, for the configuration has no block "usage"$/m,
  );
});

test('a spool that cannot be written ends the start, with its name', (t) => {
  const directory = createWorkdir('usage', t).path;
  const spool = join(directory, 'spool');
  writeFileSync(spool, 'a file');
  const config = join(directory, 'sallyport.yaml');
  writeFileSync(
    config,
    `store: "sqlite:${directory}/s.db"\nhttp: { addr: "127.0.0.1:0" }\nusage: { spool: "${spool}" }\n`,
  );
  const { status, stderr } = runSallyport(['--config', config], { cwd: directory });
  assert.equal(status, 1);
  assert.match(stderr, new RegExp(`cannot start: usage.spool ${spool} cannot be written: `));
});

test(
  'PostgreSQL goes away and comes back: usage waits, the service says so, and all of it arrives once',
  needs('postgres'),
  async (t) => {
    const directory = createWorkdir('usage-postgres', t).path;
    let server = await startPostgres({ directory, owner: t });
    const { url, port } = server;
    const store = `{ type: postgres, url: "${url}" }`;
    const start = (kept?: string) =>
      startSallyport({ owner: t, config: soon, store, ...(kept !== undefined && { directory: kept }) });
    const gate = await start();
    const many = async (of: Sallyport): Promise<void> => {
      for (let count = 0; count < 20; count++) assert.equal(await ask(of, '/open/a'), 200);
    };
    const counted = async () =>
      Number((await query(url, 'SELECT SUM(requests)::int AS sum FROM usage_hourly'))[0]?.['sum']);
    await many(gate);
    await until('it is stored', async () => (await counted()) === 20);

    server.signal('SIGKILL');
    await server.exited();
    await many(gate);
    const usagePart = async () => {
      const { parts } = (await (await fetch(`${gate.url}/ready`)).json()) as {
        parts: { name: string; status: string; problem?: string }[];
      };
      return parts.find(({ name }) => name === 'usage');
    };
    await until('readiness says so', async () => (await usagePart())?.status === 'degraded');
    assert.match((await usagePart())?.problem ?? '', /^usage waits for the store: /);
    await until('all of them wait', async () => (await metric(gate, 'waiting')) === 20);
    server = await startPostgres({ directory, port, owner: t });
    await until('it is stored', async () => (await counted()) === 40);
    await until('readiness is well again', async () => (await usagePart())?.status === 'ok');

    server.signal('SIGKILL');
    await server.exited();
    await many(gate);
    await gate.stop();
    assert.notDeepEqual(readdirSync(spoolOf(gate)), [], 'the spool keeps what the store did not take');
    server = await startPostgres({ directory, port, owner: t });
    const next = await start(gate.directory);
    await until('the next life stores it', async () => (await counted()) === 60);
    await next.stop();
    assert.deepEqual(readdirSync(spoolOf(gate)), []);
    assert.deepEqual(await query(url, 'SELECT COUNT(*)::int AS count FROM usage_events'), [{ count: 60 }]);
  },
);
