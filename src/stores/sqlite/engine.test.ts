import assert from 'node:assert/strict';
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { createWorkdir } from '../../../test/servers/workdir.ts';
import { migrations } from '../sql/migrations.ts';
import { createTransaction, migrate, openDatabase } from './engine.ts';
import { openSqliteStores } from './stores.ts';

const folderFor = (t: TestContext): string => createWorkdir('engine', { after: (end) => t.after(end) }).path;

const pragmaOf = (database: DatabaseSync, pragma: string): unknown =>
  Object.values(database.prepare(`PRAGMA ${pragma}`).get() ?? {})[0];

test('a commit that returned survives a power cut, and readers do not wait for writers', (t) => {
  const database = openDatabase(join(folderFor(t), 'a', 'b', 'test.db'));
  t.after(() => database.close());
  assert.equal(pragmaOf(database, 'journal_mode'), 'wal');
  assert.equal(pragmaOf(database, 'synchronous'), 2);
  assert.equal(pragmaOf(database, 'foreign_keys'), 1);
});

test('the files, and a folder that is made for them, are for their owner alone', (t) => {
  const folder = join(folderFor(t), 'new');
  const database = openDatabase(join(folder, 'test.db'));
  t.after(() => database.close());
  migrate(database);
  assert.equal(statSync(folder).mode & 0o777, 0o700);
  for (const file of ['test.db', 'test.db-wal', 'test.db-shm']) {
    assert.equal(statSync(join(folder, file)).mode & 0o777, 0o600, file);
  }
});

test('the schema is made once, and opening again changes nothing', (t) => {
  const database = openDatabase(join(folderFor(t), 'test.db'));
  t.after(() => database.close());
  const schema = () => database.prepare('SELECT name, sql FROM sqlite_schema ORDER BY name').all();
  migrate(database);
  const first = schema();
  migrate(database);
  assert.deepEqual(schema(), first);
  assert.equal(pragmaOf(database, 'user_version'), migrations.length);
});

test('a file whose schema is there is opened while another writes', async (t) => {
  const path = join(folderFor(t), 'test.db');
  await openSqliteStores(path).close();
  const other = openDatabase(path);
  t.after(() => other.close());
  other.exec('BEGIN IMMEDIATE');
  await openSqliteStores(path).close();
});

test('a schema that is newer than this release is refused, and left as it is', async (t) => {
  const path = join(folderFor(t), 'test.db');
  await openSqliteStores(path).close();
  const database = new DatabaseSync(path);
  database.exec(`PRAGMA user_version = ${migrations.length + 1}`);
  assert.throws(() => openSqliteStores(path), /schema version \d+, this release knows \d+\. Use a newer release\./);
  assert.equal(pragmaOf(database, 'user_version'), migrations.length + 1);
  database.close();
});

test('a file that is no database is refused with its name', (t) => {
  const path = join(folderFor(t), 'test.db');
  writeFileSync(path, 'this is no database'.repeat(100));
  assert.throws(() => openSqliteStores(path), new RegExp(`the store ${path} cannot be opened: .*not a database`));
});

test('values go each to its number, also where a number comes twice or out of order', async (t) => {
  const database = openDatabase(join(folderFor(t), 'test.db'));
  t.after(() => database.close());
  const transaction = createTransaction(database);
  const select = (order: readonly number[]) => `SELECT ${order.map((n, at) => `$${n} AS c${at}`).join(', ')}`;
  for (const count of [3, 100]) {
    const numbers = Array.from({ length: count }, (_, index) => index + 1);
    const values = numbers.map((number) => `value ${number}`);
    for (const order of [numbers, numbers.toReversed(), [...numbers, 1], [2, 1, ...numbers.slice(2)]]) {
      const expected = order.map((number) => `value ${number}`);
      const [row = {}] = await transaction.all(select(order), values);
      assert.deepEqual(Object.values(row), expected);
      assert.deepEqual(Object.values((await transaction.first(select(order), values)) ?? {}), expected);
    }
  }
});

test('a statement with a value too few or too many is not run', async (t) => {
  const database = openDatabase(join(folderFor(t), 'test.db'));
  t.after(() => database.close());
  const transaction = createTransaction(database);
  for (const sql of ['SELECT $1 AS a, $2 AS b', 'SELECT $2 AS a, $1 AS b, $2 AS c']) {
    for (const values of [['one'], ['one', 'two', 'three'], []]) {
      await assert.rejects(transaction.first(sql, values), /values for the 2 of: SELECT/);
    }
  }
});
