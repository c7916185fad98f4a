import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createTokenFolder } from './token-folder.ts';

const enter = (owner: { after(cleanUp: () => void): void }): string => {
  const directory = mkdtempSync(join(tmpdir(), 'sallyport-tokens-'));
  owner.after(() => rmSync(directory, { recursive: true }));
  return directory;
};

test('a token is a file of its own, in a folder that is made, for its owner alone, the same when it comes twice', async (t) => {
  const folder = join(enter(t), 'tokens', 'out');
  const deliver = createTokenFolder(folder);
  await deliver('out_1', 'cashuB1');
  await deliver('out_2', 'cashuB2');
  await deliver('out_1', 'cashuB1');
  assert.deepEqual(readdirSync(folder).sort(), ['out_1.txt', 'out_2.txt']);
  assert.equal(readFileSync(join(folder, 'out_1.txt'), 'utf8'), 'cashuB1\n');
  assert.equal(statSync(join(folder, 'out_1.txt')).mode & 0o777, 0o600);
  assert.equal(statSync(folder).mode & 0o777, 0o700);
});

test('a folder that cannot be is an error', async (t) => {
  const file = join(enter(t), 'file');
  writeFileSync(file, '');
  await assert.rejects(createTokenFolder(join(file, 'folder'))('out_1', 'cashuB1'));
});
