/** What is recalled of the ledger: never for longer, for others or for more than was paid for. On a real database. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Debit, Ledger } from '../../src/paywall/ledger.ts';
import { createRecentLedger, RECALLED_FOR_MS, type RecentLedger } from '../../src/paywall/recent-ledger.ts';
import type { Stores } from '../../src/stores/sql/stores.ts';
import { openSqliteStores } from '../../src/stores/sqlite/stores.ts';
import { createWorkdir } from '../servers/workdir.ts';
import { paymentOf, setOf, signatures } from './ledger-contract.ts';
import { orderOf } from './pod-store-contract.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
const START_MS = 1_700_000_000_000;

const passAt = (nowMs: number, changes: Partial<Debit> = {}): Debit => ({
  rule: 'premium',
  amount: 10,
  unit: 'sat',
  buys: { timeMs: HOUR_MS },
  nowMs,
  ...changes,
});

const openStores = (t: TestContext): Stores => {
  const stores = openSqliteStores(join(createWorkdir('recent-ledger', t).path, 'test.db'));
  t.after(stores.close);
  return stores;
};

const openDatabase = (t: TestContext): Ledger => openStores(t).ledger;

/** A settled payment of 100 sat by which time and a session named like it were bought; both have been read since. */
const enter = async (ledger: RecentLedger, letters: string, expiresAtMs = START_MS + DAY_MS) => {
  const claims = setOf(letters);
  await ledger.prepare(paymentOf(claims), claims);
  await ledger.lease(claims.paymentId, 'us', START_MS, START_MS + 1_000);
  await ledger.settle(claims.paymentId, 1, signatures, START_MS);
  const offer = { idHash: letters, salt: `salt ${letters}`, expiresAtMs };
  for (const _ of ['bought', 'read']) await ledger.present(claims, passAt(START_MS), true, offer);
  await ledger.findSession(letters, START_MS);
  return { claims, id: claims.paymentId, offer };
};

/** Whether session, account's time and token's time are recalled. */
const recalled = (ledger: RecentLedger, letters: string, debit: Debit): boolean[] => {
  const { paymentId } = setOf(letters);
  return [
    ledger.recallSession(letters, debit.nowMs) !== undefined,
    ledger.recallTime(paymentId, debit) !== undefined,
    ledger.recallTimeOf(paymentId, debit) !== undefined,
  ];
};

test('time that is bought with the settlement is recalled, until its session is closed', async (t) => {
  const ledger = createRecentLedger(openDatabase(t));
  const claims = setOf('a');
  const { paymentId } = claims;
  await ledger.prepare(paymentOf(claims), claims);
  const offer = { idHash: 'a', salt: 'salt a', expiresAtMs: START_MS + DAY_MS };
  const presented = { claims, debit: passAt(START_MS), commit: true, offer };
  // What is bought has been read by the next look.
  for (const _ of ['bought', 'read']) await ledger.settle(paymentId, 1, signatures, START_MS, presented);
  const debit = passAt(START_MS + 1);
  assert.deepEqual(ledger.recallTimeOf(paymentId, debit), await ledger.present(claims, debit, true, offer));
  await ledger.revokeSessions(paymentId, START_MS + 1);
  assert.equal(ledger.recallTimeOf(paymentId, debit), undefined);
});

test('what was read is recalled as it was read', async (t) => {
  const ledger = createRecentLedger(openDatabase(t));
  const { claims, id, offer } = await enter(ledger, 'a');
  const debit = passAt(START_MS + 1);
  assert.deepEqual(ledger.recallSession('a', debit.nowMs), await ledger.findSession('a', debit.nowMs));
  assert.deepEqual(ledger.recallTimeOf(id, debit), await ledger.present(claims, debit, true, offer));
  assert.deepEqual(ledger.recallTime(id, debit), await ledger.draw(id, debit, true));
  assert.equal(ledger.recallTime(id, debit), ledger.recallTime(id, debit), 'one object');
});

for (const [what, atMs, expected] of [
  ['for a moment', RECALLED_FOR_MS - 1, [true, true, true]],
  ['no longer', RECALLED_FOR_MS, [false, false, false]],
  ['not by a clock that went back', -1, [false, false, false]],
] as const) {
  test(`what was read is recalled ${what}`, async (t) => {
    const ledger = createRecentLedger(openDatabase(t));
    await enter(ledger, 'a');
    assert.deepEqual(recalled(ledger, 'a', passAt(START_MS + atMs)), expected);
  });
}

test('a session is recalled until the millisecond it ends, and neither does its token open by it', async (t) => {
  const ledger = createRecentLedger(openDatabase(t));
  await enter(ledger, 'a', START_MS + 500);
  assert.deepEqual(recalled(ledger, 'a', passAt(START_MS + 499)), [true, true, true]);
  assert.deepEqual(recalled(ledger, 'a', passAt(START_MS + 500)), [false, true, false]);
});

test('time is recalled until the millisecond it ends', async (t) => {
  const ledger = createRecentLedger(openDatabase(t));
  const { claims, id, offer } = await enter(ledger, 'a');
  const lateMs = START_MS + HOUR_MS - 500;
  await ledger.present(claims, passAt(lateMs), true, offer);
  await ledger.findSession('a', lateMs);
  assert.deepEqual(recalled(ledger, 'a', passAt(lateMs + 499)), [true, true, true]);
  assert.deepEqual(recalled(ledger, 'a', passAt(lateMs + 500)), [true, false, false]);
  assert.equal((await ledger.draw(id, passAt(lateMs + 500), true)).balance, 80, 'bought again');
});

for (const [what, changes] of [
  ['another rule', { rule: 'other' }],
  ['a raised price', { rule: 'premium@5000', amount: 5_000 }],
  ['requests at the same rule', { buys: { requests: 1 } }],
] as const) {
  test(`time that was bought is not recalled for ${what}`, async (t) => {
    const ledger = createRecentLedger(openDatabase(t));
    await enter(ledger, 'a');
    assert.deepEqual(recalled(ledger, 'a', passAt(START_MS, changes)), [true, false, false]);
  });
}

test('nothing is recalled of requests that were bought: each is taken from the ledger', async (t) => {
  const ledger = createRecentLedger(openDatabase(t));
  const { id } = await enter(ledger, 'a');
  const request = passAt(START_MS, { rule: 'counted', buys: { requests: 5 } });
  const draws = Array.from({ length: 60 }, () => ledger.draw(id, request, true));
  const debited = (await Promise.all(draws)).filter(({ standing }) => standing === 'debited');
  assert.equal(debited.length, 45, '90 were left, at 10 for 5');
  assert.equal(ledger.recallTime(id, request), undefined);
});

test('what a debit leaves is not hidden by what was recalled before', async (t) => {
  const ledger = createRecentLedger(openDatabase(t));
  const { id } = await enter(ledger, 'a');
  assert.equal(ledger.recallTime(id, passAt(START_MS))?.balance, 90);
  await ledger.draw(id, passAt(START_MS, { rule: 'counted', buys: { requests: 1 } }), true);
  assert.equal(ledger.recallTime(id, passAt(START_MS)), undefined);
  assert.equal((await ledger.draw(id, passAt(START_MS), true)).balance, 80);
});

test('sessions that are ended here are forgotten at once, with every other of the account and no more', async (t) => {
  const ledger = createRecentLedger(openDatabase(t));
  const { id } = await enter(ledger, 'a');
  await enter(ledger, 'b');
  await ledger.revokeSessions(id, START_MS);
  assert.deepEqual(recalled(ledger, 'a', passAt(START_MS)), [false, true, false]);
  assert.deepEqual(recalled(ledger, 'b', passAt(START_MS)), [true, true, true]);
  assert.equal((await ledger.findSession('a', START_MS)).session, 'closed');
});

test('sessions that are ended by another payment of their account are forgotten at once', async (t) => {
  const ledger = createRecentLedger(openDatabase(t));
  const { id } = await enter(ledger, 'a');
  const more = setOf('m');
  await ledger.prepare({ ...paymentOf(more), accountId: id }, more);
  await ledger.settle(more.paymentId, 1, signatures, START_MS);
  await ledger.revokeSessions(more.paymentId, START_MS);
  assert.deepEqual(recalled(ledger, 'a', passAt(START_MS)), [false, true, false]);
});

test('sessions that another process ended are closed here within a second', async (t) => {
  const database = openDatabase(t);
  const [here, there] = [createRecentLedger(database), createRecentLedger(database)];
  const { id } = await enter(here, 'a');
  await there.revokeSessions(id, START_MS);
  assert.deepEqual(recalled(here, 'a', passAt(START_MS + RECALLED_FOR_MS)), [false, false, false]);
  assert.equal((await here.findSession('a', START_MS + RECALLED_FOR_MS)).session, 'closed');
});

test('a session that was found closed is not recalled as open', async (t) => {
  const database = openDatabase(t);
  const [here, there] = [createRecentLedger(database), createRecentLedger(database)];
  const { id } = await enter(here, 'a');
  await there.revokeSessions(id, START_MS);
  assert.equal((await here.findSession('a', START_MS)).session, 'closed');
  assert.equal(here.recallSession('a', START_MS), undefined);
});

test('what was read before a session ended, and came after, is not recalled', async (t) => {
  const database = openDatabase(t);
  const came = Promise.withResolvers<void>();
  const late =
    <A extends unknown[], T>(read: (...asked: A) => Promise<T>) =>
    async (...asked: A): Promise<T> => {
      const found = await read(...asked);
      await came.promise;
      return found;
    };
  const { claims, id, offer } = await enter(createRecentLedger(database), 'a');
  const slow = { ...database, findSession: late(database.findSession), present: late(database.present) };
  const ledger = createRecentLedger(slow);
  const reads = [ledger.findSession('a', START_MS), ledger.present(claims, passAt(START_MS), true, offer)] as const;
  await ledger.revokeSessions(id, START_MS);
  came.resolve();
  assert.equal((await reads[0]).session, 'open', 'it was, when it was read');
  await reads[1];
  assert.deepEqual(recalled(ledger, 'a', passAt(START_MS)), [false, true, false]);
});

test('of many sessions and accounts those that were not asked for the longest are forgotten', async (t) => {
  const ledger = createRecentLedger(openDatabase(t), 2);
  for (const letters of ['a', 'b', 'c']) await enter(ledger, letters);
  assert.deepEqual(recalled(ledger, 'a', passAt(START_MS)), [false, false, false]);
  for (const letters of ['b', 'c']) assert.deepEqual(recalled(ledger, letters, passAt(START_MS)), [true, true, true]);
});

test('the purchases of one account that are recalled are few, whatever amounts are required', async (t) => {
  const ledger = createRecentLedger(openDatabase(t));
  const { id } = await enter(ledger, 'a');
  const rules = Array.from({ length: 40 }, (_, index) => passAt(START_MS, { rule: `premium@${index}`, amount: 1 }));
  for (const debit of [...rules, ...rules]) await ledger.draw(id, debit, true);
  const left = rules.filter((debit) => ledger.recallTime(id, debit) !== undefined);
  assert.ok(left.length > 0 && left.length <= 16, `${left.length} are recalled`);
});

test('a pod is recalled from when it is there, as it is after each extension', async (t) => {
  const stores = openStores(t);
  const ledger = createRecentLedger(stores.ledger);
  const debit = passAt(START_MS, { pod: orderOf() });
  const claims = setOf('a');
  const { paymentId } = claims;
  await ledger.prepare({ ...paymentOf(claims), wants: debit }, claims);
  for (const _ of ['bought', 'read']) {
    await ledger.settle(paymentId, 1, signatures, START_MS, { claims, debit, commit: true, offer: undefined });
  }
  assert.equal(ledger.recallTime(paymentId, debit), undefined, 'it may be made at any moment');
  const [wanted] = await stores.pods.wanted(1);
  await stores.pods.noteCreated(wanted?.name ?? '', START_MS);
  await ledger.draw(paymentId, debit, true);
  const { name, runsMs } = ledger.recallTime(paymentId, debit)?.pod ?? assert.fail();
  assert.deepEqual([name, runsMs], [wanted?.name, HOUR_MS]);
  const more = setOf('m');
  await ledger.prepare({ ...paymentOf(more), accountId: paymentId, wants: debit }, more);
  await ledger.settle(more.paymentId, 1, signatures, START_MS, { claims: more, debit, commit: true, offer: undefined });
  assert.equal(ledger.recallTime(paymentId, debit), undefined);
  await ledger.draw(paymentId, debit, true);
  assert.equal(ledger.recallTime(paymentId, debit)?.pod?.runsMs, 2 * HOUR_MS);
});
