import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, readdirSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createWorkdir } from '../../../test/servers/workdir.ts';
import type { Segment } from '../../usage/spool.ts';
import { readSpooled } from './spooled-lines.ts';
import { createUsageSpool } from './usage-spool.ts';

const folderFor = (t: TestContext): string =>
  join(createWorkdir('spool', { after: (end) => t.after(end) }).path, 'usage');

const open = (folder: string, batchSize = 100) => {
  const spool = createUsageSpool(folder, { now: () => 5, batchSize });
  spool.open();
  return spool;
};

const textOf = (segments: readonly Segment[]): string[][] => segments.map(({ batches }) => batches.map(readSpooled));

test('what was written is taken once, in batches of whole lines, and nothing is left when it was removed', async (t) => {
  const folder = folderFor(t);
  const spool = open(folder, 3);
  spool.write('a\nb\n', 2);
  spool.write('ü\n', 1);
  spool.write('d\n', 1);
  const first = spool.take();
  spool.write('e\n', 1);
  const second = spool.take();
  assert.deepEqual(textOf(first), [['a\nb\nü\n', 'd\n']]);
  assert.deepEqual(textOf(second), [['e\n']]);
  assert.deepEqual(
    [...first, ...second].map(({ events, sinceMs }) => [events, sinceMs]),
    [
      [4, 5],
      [1, 5],
    ],
  );
  assert.deepEqual(spool.take(), []);
  for (const segment of [...first, ...second]) await segment.remove();
  spool.close();
  assert.deepEqual(readdirSync(folder), []);
});

test('the folder and its files are for their owner alone', (t) => {
  const folder = folderFor(t);
  const spool = open(folder);
  spool.write('a\n', 1);
  assert.equal(statSync(folder).mode & 0o777, 0o700);
  for (const file of readdirSync(folder)) assert.equal(statSync(join(folder, file)).mode & 0o777, 0o600, file);
  spool.close();
});

test('what a process left is taken over when it has ended, and not before; by one of those who want it', async (t) => {
  const folder = folderFor(t);
  const ended = open(folder);
  const [one, other] = [open(folder), open(folder)];
  ended.write('a\nb\n', 2);
  assert.deepEqual(ended.take().length, 1);
  ended.write('c\n', 1);
  assert.deepEqual(await one.adopt(), []);
  ended.close();
  const adopted = await one.adopt();
  assert.deepEqual(textOf(adopted), [['a\nb\n'], ['c\n']]);
  assert.deepEqual(
    adopted.map(({ events }) => events),
    [2, 1],
  );
  assert.deepEqual([await one.adopt(), await other.adopt()], [[], []], 'they are taken over already');
  for (const segment of adopted) await segment.remove();
  one.close();
  other.close();
  assert.deepEqual(readdirSync(folder), []);
});

test('half a line at the end, which nobody was answered about, is left out', async (t) => {
  const folder = folderFor(t);
  const ended = open(folder);
  ended.write('a\nb\n', 2);
  const [file = ''] = readdirSync(folder).filter((name) => name.endsWith('.events'));
  appendFileSync(join(folder, file), '["half');
  ended.close();
  const spool = open(folder);
  const adopted = await spool.adopt();
  assert.deepEqual(textOf(adopted), [['a\nb\n']]);
  assert.equal(adopted[0]?.events, 2);
  spool.close();
});

test('a lock that ended without a segment is cleared away', async (t) => {
  const folder = folderFor(t);
  mkdirSync(folder);
  writeFileSync(join(folder, '0123456789abcdef.lock'), '');
  const spool = open(folder);
  assert.deepEqual(await spool.adopt(), []);
  assert.equal(readdirSync(folder).length, 1);
  spool.close();
});

test('a folder that is gone keeps nothing, says so, and keeps again when it is back', async (t) => {
  const folder = folderFor(t);
  const spool = open(folder);
  renameSync(folder, `${folder}-away`);
  assert.throws(() => spool.write('a\n', 1), { code: 'ENOENT' });
  assert.deepEqual(spool.take(), []);
  renameSync(`${folder}-away`, folder);
  spool.write('b\n', 1);
  assert.deepEqual(textOf(spool.take()), [['b\n']]);
  spool.close();
});

test('a place that is no folder is refused', (t) => {
  const folder = folderFor(t);
  writeFileSync(folder, '');
  assert.throws(() => open(folder), { code: /EEXIST|ENOTDIR/ });
});

test('a turn of any size is one segment, and its batches are whole lines of the size that is wanted', (t) => {
  const spool = open(folderFor(t), 1_000);
  const line = `${'x'.repeat(999)}\n`;
  spool.write(line.repeat(100), 100);
  spool.write(line.repeat(9_000), 9_000);
  spool.write(line, 1);
  const segments = spool.take();
  assert.deepEqual(
    segments.map(({ events }) => events),
    [9_100, 1],
  );
  const batches = textOf(segments).flat();
  assert.deepEqual(
    batches.map((lines) => lines.length / line.length),
    [...Array.from({ length: 9 }, () => 1_000), 100, 1],
  );
  assert.equal(batches.join(''), line.repeat(9_101));
  spool.close();
});
