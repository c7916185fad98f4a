import assert from 'node:assert/strict';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { createWorkdir } from '../../../test/servers/workdir.ts';
import { openDatabase } from './engine.ts';
import { openTurns } from './turns.ts';

/** Takes the lock again as soon as it has given it back, and keeps it for 100 ms each time. */
const greedy = `
  const { workerData, parentPort } = require('node:worker_threads');
  const load = (name) => import(new URL(name, workerData.here));
  Promise.all([load('engine.ts'), load('turns.ts')]).then(([{ openDatabase, pause }, { openTurns }]) => {
    const database = openDatabase(workerData.path, 0);
    const turns = openTurns(workerData.path);
    for (let times = 0; ; times++) {
      turns.begin(database);
      if (times === 0) parentPort.postMessage('writing');
      pause(100);
      database.exec('COMMIT');
    }
  });
`;

const open = (t: TestContext) => {
  const path = join(createWorkdir('turns', { after: (end) => t.after(end) }).path, 'test.db');
  const database = openDatabase(path, 0);
  const turns = openTurns(path);
  t.after(() => {
    turns.close();
    database.close();
  });
  const write = (): void => {
    turns.begin(database);
    database.exec('COMMIT');
  };
  return { path, write };
};

/** So many are writing while `run` runs. */
const beside = async (count: number, path: string, run: () => void): Promise<void> => {
  const workerData = { path, here: import.meta.url };
  const workers = Array.from({ length: count }, () => new Worker(greedy, { eval: true, workerData }));
  try {
    await Promise.all(workers.map((worker) => once(worker, 'message')));
    run();
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
};

test('those who write without a pause keep nobody out', async (t) => {
  const { path, write } = open(t);
  await beside(3, path, () => {
    for (const _ of [1, 2, 3, 4, 5]) write();
  });
});

test('those who end with the lock, or while they wait for it, keep nobody out', async (t) => {
  const { path, write } = open(t);
  await beside(2, path, () => undefined);
  write();
});

test('the file of the turn is for its owner alone', (t) => {
  const { path } = open(t);
  assert.equal(statSync(`${path}-turn`).mode & 0o777, 0o600);
});

test('a lock that is never given back is told of', (t) => {
  const { path, write } = open(t);
  const other = openDatabase(path);
  t.after(() => other.close());
  other.exec('BEGIN IMMEDIATE');
  assert.throws(write, /locked/);
  other.exec('COMMIT');
  write();
});
