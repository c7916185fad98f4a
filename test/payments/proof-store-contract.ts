/** What every store of our own proofs holds to, whichever database is behind it. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Ledger } from '../../src/paywall/ledger.ts';
import type { NewProof, ProofStore } from '../../src/paywall/wallet/proof-store.ts';
import { isComplete } from '../../src/paywall/wallet/reconcile.ts';
import { paymentOf, setOf, signatures } from './ledger-contract.ts';

type Books = Readonly<{ ledger: Ledger; proofs: ProofStore }>;

export type OpenBooks = (t: TestContext) => Promise<Books>;

const mint = 'https://mint.example';

/** A payment that brought `amount`. */
const settle = async ({ ledger }: Books, letters: string, amount: number) => {
  const claims = setOf(letters);
  assert.ok(await ledger.prepare(paymentOf(claims, { credit: amount }), claims));
  await ledger.lease(claims.paymentId, 'us', 0, 1_000);
  await ledger.settle(claims.paymentId, 1, signatures, 0);
  return { paymentId: claims.paymentId, mint, unit: 'sat' };
};

const proofsOf = (name: string, amounts: readonly number[], state: NewProof['state'] = 'unspent'): NewProof[] =>
  amounts.map((amount, index) => ({
    id: `${name}-${index}`,
    keysetId: '00',
    amount,
    secret: `secret ${name} ${index}`,
    C: '02',
    state,
  }));

/** The proofs of a payment of its own. */
const collect = async (books: Books, letters: string, amount: number, proofs: readonly NewProof[]) =>
  books.proofs.collect([{ payment: await settle(books, letters, amount), proofs }], 0);

const written = (id: string, amount: number) => ({ id, mint, unit: 'sat', amount, createdAtMs: 0 });

const balanceOf = async ({ proofs }: Books) => {
  const [balance, ...more] = await proofs.balances();
  assert.deepEqual(more, []);
  assert.ok(balance && isComplete(balance), 'everything is somewhere');
  return balance;
};

/** `options`: of each test, for a database that may not be on this machine. */
export const proofStoreContract = (name: string, open: OpenBooks, options: { skip?: string | false } = {}): void => {
  const guarantee = (what: string, check: (books: Books) => Promise<void>) =>
    test(`${name}: ${what}`, options, async (t) => check(await open(t)));

  guarantee('what is settled waits to be collected, and is collected once', async (books) => {
    const payment = await settle(books, 'ab', 12);
    assert.deepEqual(await books.proofs.uncollected('', [], 10), [payment]);
    assert.deepEqual(await books.proofs.uncollected('', [mint], 10), []);
    assert.deepEqual(await books.proofs.uncollected(payment.paymentId, [], 10), []);
    assert.deepEqual(await books.proofs.signed(payment.paymentId), { outputs: 'outputs first', signatures });
    assert.equal((await balanceOf(books)).uncollected.amount, 12);
    const made = proofsOf('a', [8, 4]);
    const outcomes = await Promise.all([1, 2, 3].map(() => books.proofs.collect([{ payment, proofs: made }], 5)));
    assert.deepEqual(outcomes.flat(), [payment.paymentId]);
    assert.deepEqual(await books.proofs.uncollected('', [], 10), []);
    const balance = await balanceOf(books);
    assert.deepEqual(balance.received, { amount: 12, count: 1 });
    assert.deepEqual(balance.proofs.unspent, { amount: 12, count: 2 });
    assert.equal(balance.owed, 12);
  });

  guarantee('several payments are collected together or not at all', async (books) => {
    const [a, b] = [await settle(books, 'ab', 3), await settle(books, 'cd', 8)];
    const made = [
      { payment: b, proofs: proofsOf('b', [8]) },
      { payment: a, proofs: proofsOf('a', [2, 1]) },
    ];
    const sameId = { payment: b, proofs: proofsOf('a', [8]) };
    await assert.rejects(books.proofs.collect([sameId, ...made.slice(1)], 5));
    assert.equal((await balanceOf(books)).uncollected.amount, 11);
    assert.deepEqual((await books.proofs.collect(made, 5)).toSorted(), [a.paymentId, b.paymentId].toSorted());
    assert.deepEqual((await balanceOf(books)).proofs.unspent, { amount: 11, count: 3 });
  });

  guarantee('what is not settled is not collected', async (books) => {
    const claims = setOf('ab');
    await books.ledger.prepare(paymentOf(claims), claims);
    const payment = { paymentId: claims.paymentId, mint, unit: 'sat' };
    assert.deepEqual(await books.proofs.uncollected('', [], 10), []);
    assert.deepEqual(await books.proofs.collect([{ payment, proofs: proofsOf('a', [1]) }], 0), []);
    assert.equal(await books.proofs.signed(claims.paymentId), undefined);
    assert.deepEqual((await balanceOf(books)).inFlight, { amount: 101, count: 1 });
  });

  guarantee('an export takes all of its proofs or none, and of many that want one, one has it', async (books) => {
    await collect(books, 'ab', 7, proofsOf('a', [4, 2, 1]));
    const wishes = [
      ['a-0', 'a-1'],
      ['a-1', 'a-2'],
      ['a-2', 'a-0'],
    ];
    const outcomes = await Promise.all(
      wishes.map((ids, index) => books.proofs.export(written(`exp_${index}`, 1), `token ${index}`, ids)),
    );
    const winner = outcomes.indexOf(true);
    assert.equal(outcomes.filter(Boolean).length, 1);
    assert.equal((await books.proofs.exports(10)).length, 1);
    assert.equal((await books.proofs.findExport(`exp_${winner}`))?.token, `token ${winner}`);
    const { proofs } = await balanceOf(books);
    assert.equal(proofs.reserved.count, 2);
    assert.equal(proofs.unspent.count, 1);
    const [left] = await books.proofs.unspent(mint, 'sat');
    assert.ok(left && !wishes[winner]?.includes(left.id));
  });

  guarantee('an export waits to be delivered until it is marked, where its id begins as asked', async (books) => {
    await collect(books, 'ab', 7, proofsOf('a', [4, 2, 1]));
    for (const [index, id] of ['out_b', 'out_a', 'exp_c'].entries()) {
      assert.ok(await books.proofs.export({ ...written(id, 1), createdAtMs: index }, 'token', [`a-${index}`]));
    }
    assert.deepEqual(await books.proofs.undelivered('out_'), ['out_b', 'out_a'], 'the oldest first');
    await books.proofs.markDelivered('out_b', 5);
    assert.deepEqual(await books.proofs.undelivered('out_'), ['out_a']);
    assert.deepEqual(await books.proofs.undelivered('%'), []);
  });

  guarantee('bad proofs, and those of another mint, are never exported', async (books) => {
    await collect(books, 'ab', 5, [...proofsOf('a', [4]), ...proofsOf('b', [1], 'bad')]);
    assert.deepEqual(await books.proofs.unspent(mint, 'sat'), [{ id: 'a-0', amount: 4, keysetId: '00' }]);
    assert.deepEqual(await books.proofs.unspent(mint, 'usd'), []);
    assert.equal(await books.proofs.export(written('exp_1', 5), 'token', ['a-0', 'b-0']), false);
    const elsewhere = { ...written('exp_2', 4), mint: 'https://other.example' };
    assert.equal(await books.proofs.export(elsewhere, 'token', ['a-0']), false);
    assert.equal((await balanceOf(books)).proofs.bad.amount, 1);
  });

  guarantee('only what was exported becomes spent', async (books) => {
    await collect(books, 'ab', 3, proofsOf('a', [2, 1]));
    assert.ok(await books.proofs.export(written('exp_1', 2), 'token', ['a-0']));
    await books.proofs.markSpent(['a-0', 'a-1', 'unknown']);
    const { proofs } = await balanceOf(books);
    assert.deepEqual([proofs.spent.amount, proofs.unspent.amount, proofs.reserved.amount], [2, 1, 0]);
  });

  guarantee('proofs are listed by pages, and found by their ids', async (books) => {
    await collect(books, 'ab', 15, proofsOf('a', [8, 4, 2, 1]));
    const first = await books.proofs.proofs(mint, 'sat', 'unspent', '', 3);
    const second = await books.proofs.proofs(mint, 'sat', 'unspent', first.at(-1)?.id ?? '', 3);
    assert.deepEqual(
      [...first, ...second].map(({ id }) => id),
      ['a-0', 'a-1', 'a-2', 'a-3'],
    );
    assert.deepEqual(await books.proofs.find(['a-3', 'unknown']), second);
  });

  guarantee('the history tells each payment with its result', async (books) => {
    await settle(books, 'ab', 9);
    const claims = setOf('cd');
    await books.ledger.prepare(paymentOf(claims, { createdAtMs: 5 }), claims);
    const records = await books.proofs.payments(10);
    assert.deepEqual(
      records.map(({ state, amount, fee }) => [state, amount, fee]),
      [
        ['prepared', 101, undefined],
        ['settled', 10, 1],
      ],
    );
    assert.equal((await books.proofs.payments(1)).length, 1);
  });
};
