import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { keyRecord } from '../../../test/keys/key-record.ts';
import { createWorkdir } from '../../../test/servers/workdir.ts';
import type { StoreThread } from '../sql/store-thread.ts';
import { migrate, openDatabase } from './engine.ts';
import { createWriter } from './writer.ts';

const insert = (writer: StoreThread, id: string) => writer.execute('insertKey', { record: keyRecord(id) });

const open = (t: TestContext) => {
  const path = join(createWorkdir('writer', { after: (end) => t.after(end) }).path, 'test.db');
  const reader = openDatabase(path);
  migrate(reader);
  reader.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  const writer = createWriter(path);
  t.after(async () => {
    await writer.close();
    reader.close();
  });
  const ids = () =>
    reader
      .prepare('SELECT id FROM api_keys ORDER BY id')
      .all()
      .map(({ id }) => String(id));
  return { path, reader, writer, ids };
};

/** Frames that end a transaction say how large the database is then (SQLite, file format, section 4.2). */
const commitsIn = (path: string): number => {
  const wal = readFileSync(`${path}-wal`);
  const frame = 24 + wal.readUInt32BE(8);
  let commits = 0;
  for (let at = 32; at + frame <= wal.length; at += frame) if (wal.readUInt32BE(at + 4) > 0) commits += 1;
  return commits;
};

test('operations that wait are committed together: one fsync serves them all', async (t) => {
  const { path, writer, ids } = open(t);
  await Promise.all(Array.from({ length: 100 }, (_, index) => insert(writer, `key-${index}`)));
  assert.equal(ids().length, 100);
  assert.ok(commitsIn(path) <= 3, `${commitsIn(path)} commits`);
});

test('more than one commit takes, asked in one turn, are all written and answered', async (t) => {
  const { writer, ids } = open(t);
  await Promise.all(Array.from({ length: 700 }, (_, index) => insert(writer, `key-${index}`)));
  assert.equal(ids().length, 700);
});

test('operations that come one after another are each on disk before they resolve', async (t) => {
  const { path, writer } = open(t);
  for (const id of ['a', 'b', 'c']) await insert(writer, id);
  assert.equal(commitsIn(path), 3);
});

test('one that fails takes no other with it', async (t) => {
  const { writer, ids } = open(t);
  const outcomes = await Promise.allSettled(['a', 'b', 'a', 'c', 'b', 'd'].map((id) => insert(writer, id)));
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['fulfilled', 'fulfilled', 'rejected', 'fulfilled', 'rejected', 'fulfilled'],
  );
  assert.deepEqual(ids(), ['a', 'b', 'c', 'd']);
});

test('where the thread cannot live, callers get an error; when it can again, the next write starts another', async (t) => {
  const folder = createWorkdir('writer', { after: (end) => t.after(end) }).path;
  const path = join(folder, 'place', 'test.db');
  writeFileSync(join(folder, 'place'), 'a file where the folder must be');
  const writer = createWriter(path);
  t.after(writer.close);
  const outcomes = await Promise.allSettled(['a', 'b'].map((id) => insert(writer, id)));
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['rejected', 'rejected'],
  );
  rmSync(join(folder, 'place'));
  const reader = openDatabase(path);
  t.after(() => reader.close());
  migrate(reader);
  await insert(writer, 'c');
  assert.equal(reader.prepare('SELECT COUNT(*) AS count FROM api_keys').get()?.['count'], 1);
});

test('close writes what was asked before, and later calls are refused', async (t) => {
  const { writer, ids } = open(t);
  const writes = Array.from({ length: 20 }, (_, index) => insert(writer, `key-${index}`));
  await writer.close();
  await Promise.all(writes);
  assert.equal(ids().length, 20);
  await assert.rejects(insert(writer, 'late'), /closed/);
  await writer.close();
});
