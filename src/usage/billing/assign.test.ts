import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventOf, linesOf } from '../../../test/usage/usage-events.ts';
import { callersOf, createAssigningAdd } from './assign.ts';
import type { BillingAssignment } from './assignment.ts';

const added = { added: 0, known: 0, unreadable: 0 };
const terms = { windowMs: 60_000, lateMs: 0, isDry: false, meter: 'm', meterOf: {} };

test('each caller of billable usage is asked for once; what is no event is left alone', () => {
  const lines = linesOf([
    eventOf('1'),
    eventOf('2'),
    eventOf('3', { keyId: 'key_b' }),
    eventOf('4', { keyId: '', userId: 'bob' }),
    eventOf('5', { keyId: '', userId: '' }),
    eventOf('6', { keyId: 'key_c', status: 500 }),
  ]);
  const expected = [
    ['key_a', 'ann'],
    ['key_b', 'ann'],
    ['', 'bob'],
  ];
  assert.deepEqual(callersOf(lines), expected);
  assert.deepEqual(callersOf(`${lines}{"cut`), expected);
  assert.deepEqual(callersOf(`[1,2]\nnull\n["a",0,"b",3,4,"","","","",200,1]\n`), []);
  assert.deepEqual(callersOf(''), []);
});

const customersOf = (ofCallers: () => Promise<readonly (string | undefined)[]>) => ({
  ofCallers,
  put: () => assert.fail(),
  find: () => assert.fail(),
  remove: () => assert.fail(),
  list: () => assert.fail(),
});

const storeOf = (add: (lines: string, assignment: BillingAssignment) => Promise<typeof added>) => ({
  add,
  close: () => assert.fail(),
  lease: () => assert.fail(),
  conclude: () => assert.fail(),
  totals: () => assert.fail(),
  list: () => assert.fail(),
  resolve: () => assert.fail(),
  forget: () => assert.fail(),
});

test('only who is a customer is named to the store', async () => {
  const seen: BillingAssignment[] = [];
  const store = storeOf(async (_lines, assignment) => {
    seen.push(assignment);
    return added;
  });
  const add = createAssigningAdd(
    store,
    customersOf(async () => ['cus_1', undefined]),
    terms,
    () => 7,
  );
  await add(linesOf([eventOf('1'), eventOf('2', { keyId: 'key_b' })]));
  assert.deepEqual(seen, [{ ...terms, nowMs: 7, customers: [['key_a', 'ann', 'cus_1']] }]);
});

test('while customers cannot be read, nothing is written that would be on nobody’s bill', async () => {
  const failing = customersOf(() => Promise.reject(new Error('the store does not answer')));
  const add = createAssigningAdd(
    storeOf(() => assert.fail('written')),
    failing,
    terms,
    () => 7,
  );
  await assert.rejects(add(linesOf([eventOf('1')])), /the store does not answer/);
});
