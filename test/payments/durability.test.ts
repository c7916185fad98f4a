/** What was said to be written is there, however the process ends; and several processes share one file. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { openSqliteStores } from '../../src/stores/sqlite/stores.ts';
import { until } from '../servers/until.ts';
import { createWorkdir } from '../servers/workdir.ts';

const script = join(import.meta.dirname, 'ledger-child.ts');

const pathFor = (t: TestContext): string =>
  join(createWorkdir('durability', { after: (end) => t.after(end) }).path, 'test.db');

const start = (t: TestContext, ...args: string[]): ChildProcess => {
  const child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => void child.kill('SIGKILL'));
  return child;
};

const linesOf = async (child: ChildProcess): Promise<string[]> => {
  assert.ok(child.stdout);
  return (await text(child.stdout)).split('\n').slice(0, -1);
};

const ROUNDS = 25;

test(`killed ${ROUNDS} times in the middle of its work, a ledger has lost nothing of what it said was written`, async (t) => {
  const path = pathFor(t);
  await openSqliteStores(path).close();
  const said: string[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const child = start(t, path, 'pay', `round-${round}`);
    const lines = linesOf(child);
    let seen = '';
    child.stdout?.on('data', (chunk) => {
      seen += chunk;
    });
    await until('it works', () => seen.includes('debited'));
    await pause(round * 3);
    child.kill('SIGKILL');
    said.push(...(await lines));
  }
  const database = new DatabaseSync(path);
  t.after(() => database.close());
  assert.equal(Object.values(database.prepare('PRAGMA integrity_check').get() ?? {})[0], 'ok');
  const payments = new Map(
    database
      .prepare(
        `SELECT payments.id, state, balance, (SELECT COUNT(*) FROM claims WHERE payment_id = payments.id) AS claims,
          (SELECT COUNT(*) FROM swaps WHERE payment_id = payments.id) AS swaps
          FROM payments LEFT JOIN credits ON credits.payment_id = payments.id`,
      )
      .all()
      .map((row) => [String(row['id']), row]),
  );
  assert.ok(said.filter((line) => line.startsWith('debited')).length > ROUNDS);
  for (const line of said) {
    const [what, id = ''] = line.split(' ');
    if (what === 'here') continue;
    const payment = payments.get(id);
    assert.ok(payment, `${line}, but it is not there`);
    if (what !== 'prepared') assert.equal(payment['state'], 'settled', line);
    if (what === 'debited') assert.equal(payment['balance'], 90, line);
  }
  // All or nothing: no payment without its claim and its swap, no settlement without its credit.
  for (const { state, balance, claims, swaps } of payments.values()) {
    assert.deepEqual([claims, swaps, balance !== null], [1, 1, state === 'settled']);
  }
});

test('a new file that another process is just making is waited for', async (t) => {
  const path = pathFor(t);
  const other = new DatabaseSync(path);
  t.after(() => other.close());
  other.exec('BEGIN IMMEDIATE'); // as one that switches to WAL does
  const child = start(t, path, 'open');
  const lines = linesOf(child);
  await once(child.stdout ?? child, 'data');
  await pause(300);
  other.exec('COMMIT');
  assert.deepEqual(await lines, ['here', 'open']);
});

test('four processes that begin with one new file at the same moment give exactly what was bought', async (t) => {
  const path = pathFor(t);
  const children = [1, 2, 3, 4].map(() => start(t, path, 'draw'));
  const said = (await Promise.all(children.map(linesOf))).flat();
  const count = (word: string) => said.filter((line) => line === word).length;
  assert.deepEqual([count('made'), count('found'), count('debited')], [1, 3, 100]);
  assert.ok(count('exhausted') >= 4);
});

test('ten processes race with sets of proofs that overlap: no proof is in two payments, and who lost, lost to a winner', async (t) => {
  const path = pathFor(t);
  await openSqliteStores(path).close();
  const children = Array.from({ length: 10 }, (_, index) => start(t, path, 'overlap', `${index}`));
  const said = (await Promise.all(children.map(linesOf))).flat().filter((line) => line.startsWith('won '));
  const won = said.flatMap((line) => line.replace('won ', '').split(','));
  const held = new Set(won);
  assert.equal(held.size, won.length);
  // Of three that follow each other one is held, or the set that they make would be free.
  for (let index = 0; index < 120; index++) {
    assert.ok(
      [0, 1, 2].some((next) => held.has(`proof ${index + next}`)),
      `${index}`,
    );
  }
  const database = new DatabaseSync(path, { readOnly: true });
  t.after(() => database.close());
  const [claims] = database.prepare('SELECT COUNT(*) AS count FROM claims').all();
  assert.equal(claims?.['count'], won.length, 'what was not won has left nothing');
});

test('a file that another process keeps locked: an error after a while, and afterwards all is well', async (t) => {
  const path = pathFor(t);
  const stores = openSqliteStores(path);
  t.after(stores.close);
  const other = new DatabaseSync(path);
  t.after(() => other.close());
  other.exec('BEGIN IMMEDIATE');
  const startedAt = performance.now();
  await assert.rejects(stores.ledger.lease('none', 'us', 0, 1), /locked/);
  assert.ok(performance.now() - startedAt < 8_000, 'sooner than callers lose their patience');
  other.exec('ROLLBACK');
  assert.deepEqual(await stores.ledger.lease('none', 'us', 0, 1), { lease: 'concluded' });
});
