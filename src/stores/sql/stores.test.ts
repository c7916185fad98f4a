import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { createTransaction, migrate } from '../sqlite/engine.ts';
import { operations } from './operations.ts';
import { createStores } from './stores.ts';
import type { Execute } from './transaction.ts';

/** What would go through the thread that writes, or take a transaction of a remote database. */
const open = () => {
  const database = new DatabaseSync(':memory:');
  migrate(database);
  const transaction = createTransaction(database);
  const executed: string[] = [];
  const execute = ((name: keyof typeof operations, argument: never) => {
    executed.push(name);
    return operations[name](transaction, argument);
  }) as Execute<typeof operations>;
  const readRow = (sql: string, values: readonly (string | number | null)[]) => transaction.first(sql, values);
  return { ...createStores(execute, readRow), executed };
};

test('a service that has nothing to do looks for work without a transaction', async () => {
  const { ledger, proofs, executed } = open();
  assert.deepEqual(await ledger.outstanding(0, [], 10), { count: 0, oldestAtMs: undefined, due: [] });
  assert.deepEqual(await proofs.uncollected('', [], 10), []);
  assert.equal(await ledger.forget(0, 10), false);
  assert.deepEqual(await ledger.noteKeys(undefined, []), []);
  assert.deepEqual(executed, []);
});

test('a key is noted once, and another, or none, is noticed', async () => {
  const { ledger, executed } = open();
  for (const [current, known] of [
    ['a', ['a']],
    ['a', ['a']],
    ['b', ['b', 'a']],
    ['b', ['b', 'a']],
    [undefined, []],
  ] as const) {
    assert.deepEqual(await ledger.noteKeys(current, known), []);
  }
  assert.deepEqual(executed, ['noteSealingKeys', 'noteSealingKeys', 'noteSealingKeys', 'noteSealingKeys']);
});
