import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAssigningAdd } from './assign.ts';
import type { BillingAssignment } from './assignment.ts';

const added = { added: 0, known: 0, unreadable: 0 };
const terms = { windowMs: 60_000, lateMs: 0, isDry: false, meter: 'm', meterOf: {} };

const lines = { path: 'spool', from: 0, to: 10 };

const callersOf = async (asked: unknown) => {
  assert.equal(asked, lines);
  return [
    ['key_a', 'ann'],
    ['key_b', 'ann'],
  ] as const;
};

test('only who is a customer is named to the store', async () => {
  const seen: BillingAssignment[] = [];
  const add = createAssigningAdd(
    {
      callersOf,
      async add(given, assignment) {
        assert.equal(given, lines);
        seen.push(assignment);
        return added;
      },
    },
    { ofCallers: async () => ['cus_1', undefined] },
    terms,
    () => 7,
  );
  assert.equal(await add(lines), added);
  assert.deepEqual(seen, [{ ...terms, nowMs: 7, customers: [['key_a', 'ann', 'cus_1']] }]);
});

test('while customers cannot be read, nothing is written that would be on nobody’s bill', async () => {
  const add = createAssigningAdd(
    { callersOf, add: () => assert.fail('written') },
    { ofCallers: () => Promise.reject(new Error('the store does not answer')) },
    terms,
    () => 7,
  );
  await assert.rejects(add(lines), /the store does not answer/);
});
