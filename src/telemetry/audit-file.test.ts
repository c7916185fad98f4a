import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { until } from '../../test/servers/until.ts';
import { createAuditFile } from './audit-file.ts';

const open = (t: TestContext, folder = mkdtempSync(join(tmpdir(), 'sallyport-audit-'))) => {
  const path = join(folder, 'audit.log');
  const kept: unknown[] = [];
  const file = createAuditFile(path, {
    batchLength: 1_000,
    mostWaiting: 100_000,
    onLost: () => undefined,
    onKept: (error) => kept.push(error),
  });
  t.after(() => {
    file.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return { path, folder, file, kept };
};

test('lines are appended to what is there, in a file that not everybody reads', (t) => {
  const { path, folder, file } = open(t);
  file.write('one\n');
  file.close();
  const again = open(t, folder);
  again.file.write('two\n');
  again.file.close();
  assert.equal(readFileSync(path, 'utf8'), 'one\ntwo\n');
  assert.equal(statSync(path).mode & 0o007, 0);
});

test('a file that was moved away is opened anew, and no line is lost', async (t) => {
  const { path, file } = open(t);
  file.write('before\n');
  await until('it is written', () => readFileSync(path, 'utf8') !== '');
  renameSync(path, `${path}.1`);
  file.write('between\n');
  await until('there is a new one', () => existsSync(path), { deadlineMs: 5_000 });
  file.write('after\n');
  await until('it is written', () => readFileSync(path, 'utf8') !== '', { deadlineMs: 5_000 });
  assert.equal(readFileSync(`${path}.1`, 'utf8') + readFileSync(path, 'utf8'), 'before\nbetween\nafter\n');
});

test('where another cannot be opened the one that is open is kept, and that is told once', async (t) => {
  const { path, folder, file, kept } = open(t);
  renameSync(folder, `${folder}.gone`);
  t.after(() => rmSync(`${folder}.gone`, { recursive: true }));
  await until('it is told', () => kept.length > 0, { deadlineMs: 5_000 });
  file.write('still\n');
  file.close();
  assert.equal(readFileSync(path.replace(folder, `${folder}.gone`), 'utf8'), 'still\n');
  assert.equal(kept.length, 1);
});

test('a file that cannot be opened at all is an error at once', () => {
  const options = { batchLength: 1, mostWaiting: 1, onLost: () => undefined, onKept: () => undefined };
  assert.throws(() => createAuditFile('/dev/null/audit.log', options), /ENOTDIR/);
});
