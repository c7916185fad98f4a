/** The service on PostgreSQL, as several replicas: processes that share nothing else. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createPayer } from '../../examples/play-mint/payer.ts';
import { startMint } from '../peers/mint.ts';
import { runSallyport, startSallyport } from '../sallyport.ts';
import { freePort } from '../servers/free-port.ts';
import { ask as query, startPostgres } from '../servers/postgres.ts';
import { needs } from '../servers/programs.ts';
import { request } from '../servers/request.ts';
import { until } from '../servers/until.ts';
import { createWorkdir } from '../servers/workdir.ts';
import { ask, codeOf, tally, times } from './ask.ts';

const options = needs('postgres');
const encryptionKey = randomBytes(32).toString('hex');

const configOf = (mint: string, more = '') => `
cashu: { mints: ["${mint}"], encryption_key: "${encryptionKey}" }
${more}
rules:
  - { name: free, match: { path: "/free/**" }, accept: [anonymous] }
  - { name: premium, match: { path: "/premium/**" }, accept: [cashu, api_key], price: { amount: 8, buys: { requests: 60 } } }
`;

const enter = async (t: TestContext, more = '') => {
  const [database, mint] = await Promise.all([startPostgres({ owner: t }), startMint({ owner: t })]);
  const start = (args: readonly string[] = []) =>
    startSallyport({ owner: t, config: configOf(mint.url, more), store: database.url, args });
  return { database, mint, pay: createPayer(mint.url), start };
};

test(
  '200 requests that race with one token through three replicas: what was bought, and one swap',
  options,
  async (t) => {
    const { mint, pay, start } = await enter(t);
    const gates = await Promise.all(times(3, () => start()));
    const tokens = await Promise.all(times(3, () => pay.token(8)));
    const counts = await Promise.all(
      tokens.map((token) => tally(times(200, (index) => ask(gates[index % 3]?.url ?? '', token)))),
    );
    assert.deepEqual(
      counts,
      times(3, () => ({ 200: 60, 402: 140 })),
    );
    assert.equal(mint.faults.seen('/v1/swap'), 3);
    assert.equal(mint.spentAmount(), 24);
  },
);

test('a key that one replica revokes is refused by the others within cache_max_age', options, async (t) => {
  const { start } = await enter(t, 'api_keys: { cache_max_age: 1s }');
  const [one, other] = await Promise.all([start(), start()]);
  const { key, id } = await one.createKey();
  const open = async ({ url }: { url: string }) => (await ask(url, key, { header: 'X-API-Key' })).status;
  assert.deepEqual([await open(one), await open(other)], [200, 200]);
  const revoked = await fetch(`${one.adminUrl}/api/keys/${id}`, {
    method: 'DELETE',
    headers: { authorization: 'Bearer admin-token-of-the-tests' },
  });
  assert.ok(revoked.ok);
  const revokedAt = performance.now();
  assert.equal(await open(one), 401);
  await until('the other knows', async () => (await open(other)) === 401);
  assert.ok(performance.now() - revokedAt < 3_000);
});

test(
  'PostgreSQL away: 503 with Retry-After, /ready says so, free paths stay open; back: all as before',
  options,
  async (t) => {
    const directory = createWorkdir('postgres-data', t).path;
    const mint = await startMint({ owner: t });
    const pay = createPayer(mint.url);
    const database = await startPostgres({ owner: t, directory });
    const gate = await startSallyport({ owner: t, config: configOf(mint.url), store: database.url });
    const { key } = await gate.createKey();
    const [known, fresh] = [await pay.token(8), await pay.token(8)];
    assert.equal(codeOf(await ask(gate.url, known)), 'paid');
    database.signal('SIGKILL');
    await database.exited();

    for (const [credential, asked] of [
      [known, {}],
      [fresh, {}],
      [key, { header: 'X-API-Key' }],
    ] as const) {
      const answer = await ask(gate.url, credential, asked);
      assert.deepEqual([answer.status, codeOf(answer)], [503, 'store_unavailable']);
      assert.ok(Number(answer.headers['retry-after']) > 0);
      assert.ok(!answer.body.includes('127.0.0.1'), 'callers are not told where the database is');
    }
    assert.equal((await ask(gate.url, '', { path: '/free/1', header: 'X-Nothing' })).status, 200);
    const ready = await request(gate.url, '/ready');
    assert.equal(ready.status, 503);
    assert.match(ready.body, /"name":"store","status":"failed","problem":"PostgreSQL cannot be reached/);
    assert.equal(mint.spentAmount(), 8, 'nothing that could not be written was asked of the mint');

    await startPostgres({ owner: t, directory, port: database.port });
    for (const [credential, asked] of [
      [known, {}],
      [fresh, {}],
      [key, { header: 'X-API-Key' }],
    ] as const) {
      assert.equal((await ask(gate.url, credential, asked)).status, 200);
    }
    assert.equal((await request(gate.url, '/ready')).status, 200);
    assert.equal(mint.spentAmount(), 16);
  },
);

test('several workers, each with connections of its own, and no more than configured', options, async (t) => {
  const { database, mint, pay } = await enter(t);
  const gate = await startSallyport({
    owner: t,
    config: `workers: 2\n${configOf(mint.url)}`,
    store: `{ type: postgres, url: "${database.url}", max_connections: 2 }`,
  });
  const token = await pay.token(8);
  assert.deepEqual(await tally(times(100, () => ask(gate.url, token))), { 200: 60, 402: 40 });
  const sql = `SELECT COUNT(*)::int AS count FROM pg_stat_activity WHERE application_name = 'sallyport'`;
  const [{ count } = { count: 0 }] = await query(database.url, sql);
  assert.ok(Number(count) >= 1 && Number(count) <= 4, `${count} connections`);
});

test('the commands for keys work on the database itself', options, async (t) => {
  const { database } = await enter(t);
  const cwd = createWorkdir('keys', t).path;
  const keys = (...args: string[]) =>
    runSallyport(['keys', ...args, '--json'], { cwd, env: { DATABASE_URL: database.url } });
  const made = JSON.parse(keys('create', '--user', 'ann', '--name', 'laptop').stdout);
  assert.match(made.key, /^sk-/);
  assert.deepEqual(
    JSON.parse(keys('list', 'ann').stdout).keys.map(({ id }: { id: string }) => id),
    [made.id],
  );
  assert.ok(JSON.parse(keys('revoke', made.id).stdout).revoked_at);
});

for (const [what, url, says] of [
  [
    'a wrong database',
    (origin: string) => origin.replace('/postgres', '/nowhere'),
    /database "nowhere" does not exist/,
  ],
  ['a server without TLS', (origin: string) => `${origin}?sslmode=require`, /does not support SSL/],
] as const) {
  test(`${what}: the service does not start, and says why without the password`, options, async (t) => {
    const database = await startPostgres({ owner: t });
    const cwd = createWorkdir('wrong', t).path;
    const canary = 'pw-canary-4711';
    writeFileSync(join(cwd, 'url'), url(database.url).replace('sallyport@', `sallyport:${canary}@`));
    writeFileSync(
      join(cwd, 'sallyport.yaml'),
      'store: { type: postgres, url: file:url }\nhttp: { addr: "127.0.0.1:0" }\n',
    );
    const { status, stdout, stderr } = runSallyport(['--config', 'sallyport.yaml'], { cwd });
    assert.equal(status, 1);
    assert.match(stderr, /cannot start: the store \w+ on 127\.0\.0\.1:\d+ cannot be opened: PostgreSQL/);
    assert.match(stderr, says);
    assert.ok(!`${stdout}${stderr}`.includes(canary));
  });
}

test('a command that cannot reach the database says so, without the password', async () => {
  const { path: cwd, remove } = createWorkdir('nobody');
  const canary = 'pw-canary-4711';
  const env = { DATABASE_URL: `postgres://ann:${canary}@127.0.0.1:${await freePort()}/db` };
  const { status, stdout, stderr } = runSallyport(['keys', 'list', 'ann'], { cwd, env });
  remove();
  assert.equal(status, 1);
  assert.match(stderr, /PostgreSQL cannot be reached: connect ECONNREFUSED/);
  assert.ok(!`${stdout}${stderr}`.includes(canary));
});
