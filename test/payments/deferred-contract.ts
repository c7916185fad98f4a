/** What every ledger of accepted payments holds to, whichever database is behind it. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Accepted, DeferredLedger, Refused } from '../../src/paywall/deferred/deferred-ledger.ts';
import type { Claims, Debit, Ledger } from '../../src/paywall/ledger.ts';
import type { ProofStore } from '../../src/paywall/wallet/proof-store.ts';
import { isComplete } from '../../src/paywall/wallet/reconcile.ts';
import { paymentOf, setOf, signatures } from './ledger-contract.ts';

type Books = Readonly<{ ledger: Ledger; proofs: ProofStore; deferred: DeferredLedger }>;

export type OpenBooks = (t: TestContext) => Promise<Books>;

const mint = 'https://mint.example';
const CAP = 1_000;

type Changes = Readonly<{ amount?: number; cap?: number; nowMs?: number; proofs?: number }>;

/** Face value and credit are the same. */
const acceptanceOf = (claims: Claims, { amount = 100, cap = CAP, nowMs = 0, proofs = 1 }: Changes) => {
  const swap = { fee: 1, credit: amount, body: `body of ${claims.paymentId}`, outputs: '[]' };
  return { payment: { ...paymentOf(claims, { createdAtMs: nowMs }), amount, swap }, claims, proofs, cap };
};

const debit: Debit = { rule: 'premium', amount: 10, unit: 'sat', buys: { requests: 1 }, nowMs: 0 };
const offer = { idHash: 'hash', salt: 'salt', expiresAtMs: 1_000 };

const accept = ({ deferred }: Books, letters: string | readonly string[], changes: Changes = {}) => {
  const claims = setOf(letters);
  return deferred.accept(acceptanceOf(claims, changes), debit, true, { ...offer, idHash: `hash ${claims.paymentId}` });
};

const wordOf = (accepted: Accepted | undefined): string => accepted?.standing.standing ?? 'ask';

const waitingOf = async ({ deferred }: Books, mostProofs = 100) =>
  (await deferred.waiting(mint, 'sat', mostProofs)).map(({ paymentId }) => paymentId);

const batchOf = (id: string, amount: number) => ({
  id,
  mint,
  unit: 'sat',
  amount,
  createdAtMs: 0,
  swap: { fee: 1, credit: amount - 1, body: `body of ${id}`, outputs: `outputs of ${id}` },
});

/** Everything that waits, in one batch. */
const openBatch = async (books: Books, id: string): Promise<number> => {
  const waiting = await books.deferred.waiting(mint, 'sat', 100);
  const amount = waiting.reduce((sum, payment) => sum + payment.amount, 0);
  assert.ok(
    await books.deferred.openBatch(
      batchOf(id, amount),
      waiting.map(({ paymentId }) => paymentId),
    ),
  );
  return waiting.length;
};

const refusal: Refused = {
  batchId: 'bat',
  holder: 'us',
  nowMs: 1_000,
  isWhole: false,
  restUntilMs: 5_000,
  pauseUntilMs: 9_000,
};

const refuse = async (books: Books, batchId: string, changes: Partial<Refused> = {}) => {
  assert.equal((await books.ledger.lease(batchId, 'us', 10_000, 20_000)).lease, 'taken');
  return books.deferred.refuse({ ...refusal, batchId, ...changes });
};

const balanceOf = async ({ proofs }: Books) => {
  const [balance] = await proofs.balances();
  assert.ok(balance && isComplete(balance), 'everything is somewhere');
  const { unsettled, refused, inFlight, received, uncollected, owed } = balance;
  return {
    unsettled: unsettled.amount,
    refused: refused.amount,
    inFlight: inFlight.amount,
    received: received.amount,
    uncollected: uncollected.amount,
    owed,
  };
};

const nothing = { unsettled: 0, refused: 0, inFlight: 0, received: 0, uncollected: 0, owed: 0 };

/** `options`: of each test, for a database that may not be on this machine. */
export const deferredContract = (name: string, open: OpenBooks, options: { skip?: string | false } = {}): void => {
  const guarantee = (what: string, check: (books: Books) => Promise<void>) =>
    test(`${name}: ${what}`, options, async (t) => check(await open(t)));

  guarantee('an accepted payment is credited, debited and has its session at once', async (books) => {
    const claims = setOf('ab');
    const { standing } = (await accept(books, 'ab')) ?? {};
    const session = { salt: 'salt', expiresAtMs: 1_000 };
    assert.deepEqual(standing, { standing: 'debited', paymentId: claims.paymentId, balance: 90, session });
    assert.equal((await books.ledger.findSession(`hash ${claims.paymentId}`, 0)).session, 'open');
    assert.deepEqual(await balanceOf(books), { ...nothing, unsettled: 100, owed: 90 });
    assert.deepEqual(
      (await books.proofs.payments(10)).map(({ id, state, amount, fee }) => ({ id, state, amount, fee })),
      [{ id: claims.paymentId, state: 'accepted', amount: 100, fee: undefined }],
    );
  });

  guarantee('a deposit is credited and not debited', async (books) => {
    const claims = setOf('ab');
    const accepted = await books.deferred.accept(acceptanceOf(claims, {}), debit, false, offer);
    assert.equal(wordOf(accepted), 'debited');
    assert.deepEqual(await balanceOf(books), { ...nothing, unsettled: 100, owed: 100 });
  });

  guarantee('the same proofs again are the same payment, at once or later', async (books) => {
    const all = await Promise.all(Array.from({ length: 12 }, () => accept(books, 'ab')));
    assert.equal(all.filter((accepted) => accepted?.isNew).length, 1);
    assert.equal(all.filter((accepted) => wordOf(accepted) === 'debited').length, 10);
    assert.equal(wordOf(await accept(books, 'ba')), 'exhausted');
    assert.deepEqual(await balanceOf(books), { ...nothing, unsettled: 100, owed: 0 });
  });

  guarantee('proofs of another payment are an overlap, whoever has them', async (books) => {
    await accept(books, 'ab');
    const claims = setOf('cd');
    await books.ledger.prepare(paymentOf(claims), claims);
    for (const letters of ['a', 'bc', 'abc', 'c', 'de']) assert.equal(wordOf(await accept(books, letters)), 'overlap');
    for (const letters of ['a', 'abc']) {
      assert.equal(await books.ledger.prepare(paymentOf(setOf(letters)), setOf(letters)), false);
    }
    assert.equal(wordOf(await accept(books, 'cd')), 'prepared', 'it is on its way to the mint');
    assert.deepEqual(await balanceOf(books), { ...nothing, unsettled: 100, inFlight: 101, owed: 90 });
  });

  guarantee('a payment that the mint rejected is for the mint', async (books) => {
    const claims = setOf('ab');
    await books.ledger.prepare(paymentOf(claims), claims);
    await books.ledger.lease(claims.paymentId, 'us', 0, 1_000);
    await books.ledger.reject(claims.paymentId, 'us', { code: 'payment_rejected', detail: '', untilMs: 0 }, true, 0);
    assert.equal(wordOf(await accept(books, 'ab')), 'ask');
  });

  guarantee('credit is added to the account of a session', async (books) => {
    await accept(books, 'a');
    const [first, claims] = [setOf('a'), setOf('b')];
    const { payment, ...rest } = acceptanceOf(claims, {});
    const added = { ...rest, payment: { ...payment, accountId: first.paymentId } };
    const { standing } = (await books.deferred.accept(added, debit, true, offer)) ?? {};
    assert.equal(standing?.standing === 'debited' && standing.paymentId, first.paymentId);
    assert.deepEqual(await balanceOf(books), { ...nothing, unsettled: 200, owed: 180 });
  });

  guarantee('up to the cap, and not by one beyond it, however many race for it', async (books) => {
    const letters = Array.from({ length: 30 }, (_, index) => [`race ${index}`]);
    const all = await Promise.all(letters.map((one) => accept(books, one)));
    assert.equal(all.filter((accepted) => accepted?.isNew).length, 10);
    assert.equal(all.filter((accepted) => accepted === undefined).length, 20);
    assert.deepEqual(await balanceOf(books), { ...nothing, unsettled: 1_000, owed: 900 });
    assert.equal(wordOf(await accept(books, 'z', { amount: 1, cap: 1_000 })), 'ask');
    assert.equal(wordOf(await accept(books, 'z', { amount: 10, cap: 1_010 })), 'debited');
  });

  guarantee('what is settled makes room under the cap, and is there once', async (books) => {
    for (const letter of 'abcdefghij') await accept(books, letter);
    assert.equal(wordOf(await accept(books, 'k')), 'ask');
    assert.equal(await openBatch(books, 'bat'), 10);
    assert.deepEqual(await balanceOf(books), { ...nothing, unsettled: 1_000, owed: 900 });
    assert.deepEqual(await books.proofs.uncollected('', [], 10), []);
    await books.ledger.lease('bat', 'us', 0, 1_000);
    for (let times = 0; times < 2; times++) await books.ledger.settle('bat', 1, signatures, 0);
    assert.deepEqual(await balanceOf(books), { ...nothing, received: 999, uncollected: 999, owed: 900 });
    assert.deepEqual(await books.proofs.uncollected('', [], 10), [{ paymentId: 'bat', mint, unit: 'sat' }]);
    assert.deepEqual(await books.proofs.signed('bat'), { outputs: 'outputs of bat', signatures });
    const payments = await books.proofs.payments(100);
    assert.deepEqual([payments.length, new Set(payments.map(({ state }) => state))], [10, new Set(['settled'])]);
    assert.deepEqual(await books.deferred.unsettled(0), { count: 0, oldestAtMs: undefined, groups: [], due: [] });
    assert.equal(wordOf(await accept(books, 'k', { amount: 1_000 })), 'debited');
    assert.equal(wordOf(await accept(books, 'a')), 'debited', 'its credit is as it was');
  });

  guarantee('batches are no payments that wait for their callers', async (books) => {
    await accept(books, 'a');
    await openBatch(books, 'bat');
    assert.deepEqual(await books.ledger.outstanding(10_000, [], 10), { count: 0, oldestAtMs: undefined, due: [] });
    assert.deepEqual((await books.deferred.unsettled(10_000)).due, [{ id: 'bat', mint }]);
    await books.ledger.lease('bat', 'us', 10_000, 20_000);
    assert.deepEqual((await books.deferred.unsettled(15_000)).due, []);
  });

  guarantee('a payment gets into one batch, however many are opened', async (books) => {
    for (const letter of 'abc') await accept(books, letter);
    const ids = await waitingOf(books);
    const opened = await Promise.all(
      Array.from({ length: 8 }, (_, index) => books.deferred.openBatch(batchOf(`bat ${index}`, 300), ids)),
    );
    assert.equal(opened.filter(Boolean).length, 1);
    assert.equal(await books.deferred.openBatch(batchOf('late', 100), ids.slice(0, 1)), false);
    assert.equal((await books.deferred.unsettled(0)).due.length, 1, 'nothing is left of the others');
    assert.deepEqual(await waitingOf(books), []);
  });

  guarantee('the oldest come first, as many as their proofs allow, and always one', async (books) => {
    for (const [index, letter] of [...'abcd'].entries()) await accept(books, letter, { nowMs: 4 - index, proofs: 3 });
    const [d, c, b] = [...'dcb'].map((letter) => setOf(letter).paymentId);
    assert.deepEqual(await waitingOf(books, 9), [d, c, b]);
    assert.deepEqual(await waitingOf(books, 8), [d, c]);
    assert.deepEqual(await waitingOf(books, 1), [d]);
    const { groups, oldestAtMs } = await books.deferred.unsettled(0);
    assert.deepEqual(groups, [
      { mint, unit: 'sat', amount: 400, proofs: 12, oldestAtMs: 1, checkedAtMs: 1, isDivided: false },
    ]);
    assert.equal(oldestAtMs, 1);
    const [first] = await books.deferred.waiting(mint, 'sat', 1);
    assert.deepEqual(first, { paymentId: d, amount: 100, body: `body of ${d}` });
  });

  guarantee('a refused batch is halved until one is alone, which is kept and counts against the cap', async (books) => {
    for (const letter of 'abcd') await accept(books, letter);
    await openBatch(books, 'all');
    assert.deepEqual(await refuse(books, 'all'), { division: 'divided' });
    assert.deepEqual(await books.deferred.refuse({ ...refusal, batchId: 'all' }), { division: 'lost' });
    assert.equal((await books.deferred.unsettled(0)).groups[0]?.isDivided, true);
    assert.equal(await openBatch(books, 'half'), 2);
    assert.deepEqual(await refuse(books, 'half'), { division: 'divided' });
    const sizes = [await openBatch(books, 'one'), await openBatch(books, 'two')];
    assert.deepEqual(sizes.toSorted(), [1, 1]);
    const sum = { mint, unit: 'sat', amount: 100, count: 1 };
    assert.deepEqual(await refuse(books, 'one'), { division: 'kept', isFirst: true, sum });
    assert.deepEqual(await refuse(books, 'one'), { division: 'kept', isFirst: false, sum });
    await books.ledger.lease('two', 'us', 0, 1_000);
    await books.ledger.settle('two', 1, signatures, 0);
    assert.deepEqual(await balanceOf(books), {
      ...nothing,
      unsettled: 200,
      refused: 100,
      received: 99,
      uncollected: 99,
      owed: 360,
    });
    assert.equal(wordOf(await accept(books, 'z', { nowMs: 8_999 })), 'ask', 'the mint is paused');
    assert.equal(
      wordOf(await accept(books, 'z', { nowMs: 9_000, amount: 701 })),
      'ask',
      'what it refused still counts',
    );
    assert.equal(wordOf(await accept(books, 'z', { nowMs: 9_000, amount: 700 })), 'debited');
    await books.ledger.lease('one', 'us', 30_000, 40_000);
    await books.ledger.settle('one', 1, signatures, 0);
    assert.equal((await balanceOf(books)).refused, 0, 'it was found after all');
  });

  guarantee('a batch of which all is spent is not divided: its outputs may be signed', async (books) => {
    for (const letter of 'ab') await accept(books, letter);
    await openBatch(books, 'bat');
    const sum = { mint, unit: 'sat', amount: 200, count: 2 };
    assert.deepEqual(await refuse(books, 'bat', { isWhole: true }), { division: 'kept', isFirst: true, sum });
    assert.deepEqual((await books.deferred.unsettled(4_999)).due, []);
    assert.deepEqual((await books.deferred.unsettled(5_000)).due, [{ id: 'bat', mint }]);
  });

  guarantee('what was not checked for long is checked, and what is suspect is to be settled alone', async (books) => {
    const [a, b, c] = [...'abc'].map((letter) => setOf(letter).paymentId);
    for (const [nowMs, letter] of [...'abc'].entries()) await accept(books, letter, { nowMs, proofs: 3 });
    const uncheckedBy = async (beforeMs: number, mostProofs = 100) =>
      (await books.deferred.unchecked(mint, 'sat', beforeMs, mostProofs)).map(({ paymentId }) => paymentId);
    assert.deepEqual([await uncheckedBy(1), await uncheckedBy(5, 8), await uncheckedBy(5, 1)], [[a, b], [a, b], [a]]);
    await books.deferred.noteChecked([a ?? ''], [b ?? ''], 7);
    assert.deepEqual(await uncheckedBy(6), [c]);
    assert.deepEqual(await uncheckedBy(7), [c, ...[a, b].toSorted()]);
    assert.equal((await books.deferred.unsettled(0)).groups[0]?.isDivided, true);
    assert.deepEqual(await waitingOf(books), [a]);
    assert.ok(await books.deferred.openBatch(batchOf('bat', 100), [a ?? '']));
    assert.deepEqual(await waitingOf(books), [b]);
  });

  guarantee('only the holder of the lease refuses', async (books) => {
    for (const letter of 'ab') await accept(books, letter);
    await openBatch(books, 'bat');
    await books.ledger.lease('bat', 'them', 0, 1_000);
    assert.deepEqual(await books.deferred.refuse({ ...refusal, batchId: 'bat' }), { division: 'lost' });
    assert.deepEqual(await waitingOf(books), []);
  });
};
