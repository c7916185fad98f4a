import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createWorkdir } from '../../../test/servers/workdir.ts';
import { countOf, eventOf, linesOf, textOf } from '../../../test/usage/usage-events.ts';
import { usageStoreContract } from '../../../test/usage/usage-store-contract.ts';
import { openDatabase } from './engine.ts';
import { openSqliteStores } from './stores.ts';

const openTwo = (t: TestContext) => {
  const { path, remove } = createWorkdir('usage');
  const open = () => openSqliteStores(join(path, 'test.db'));
  const [one, other] = [open(), open()];
  t.after(async () => {
    await Promise.all([one.close(), other.close()]);
    remove();
  });
  return { one, other, path };
};

usageStoreContract('sqlite', async (t) => {
  const { one, other } = openTwo(t);
  return [one.usage, other.usage];
});

test('who writes keys does not wait for usage, which is in a file of its own', async (t) => {
  const { one, path } = openTwo(t);
  await one.usage.open();
  const usage = openDatabase(join(path, 'test.db-usage'));
  t.after(() => usage.close());
  usage.exec('BEGIN IMMEDIATE');
  const adding = one.usage.add(linesOf([eventOf('a')]));
  assert.deepEqual(await one.keys.list({ userId: 'ann', after: undefined, limit: 10 }), []);
  usage.exec('ROLLBACK');
  assert.equal((await adding).added, 1);
});

const told = (count: number) =>
  Array.from({ length: count }, (_, index) =>
    eventOf(`e${1_000 + index}`, { keyId: `key_${index % 2}`, path: `/${index}`, atMs: index, requestBytes: index }),
  );

test('an event is kept as it was told, whatever it has in common with others', async (t) => {
  const { one, path } = openTwo(t);
  const events = told(100);
  // The first alone, then many that are alike, of which those are known.
  await one.usage.add(linesOf(events.slice(0, 3)));
  assert.deepEqual(await one.usage.add(linesOf(events)), { added: 97, known: 3, unreadable: 0 });
  const usage = openDatabase(join(path, 'test.db-usage'));
  t.after(() => usage.close());
  const rows = usage.prepare('SELECT * FROM usage_events ORDER BY id').all();
  assert.deepEqual(
    rows.map((row) => Object.values(row)),
    textOf(events)
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line)),
  );
});

test('a hundred thousand events are counted', async (t) => {
  const { one } = openTwo(t);
  const batches = Array.from({ length: 100 }, (_, batch) =>
    linesOf(
      Array.from({ length: 1_000 }, (_each, index) => eventOf(`e${batch}-${index}`, { keyId: `k${index % 50}` })),
    ),
  );
  await Promise.all(batches.map((lines) => one.usage.add(lines)));
  assert.equal(await countOf(one.usage), 100_000);
});

test('a file that is no database is refused with its name, and the rest goes on', async (t) => {
  const { one, path } = openTwo(t);
  const file = join(path, 'test.db-usage');
  writeFileSync(file, 'this is no database'.repeat(100));
  await assert.rejects(one.usage.open(), new RegExp(`the store ${file} cannot be opened: .*not a database`));
  assert.deepEqual(await one.keys.list({ userId: 'ann', after: undefined, limit: 10 }), []);
});
