/** What every store of our own spends holds to, whichever database is behind it. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Ledger } from '../../src/paywall/ledger.ts';
import type { NewProof, ProofStore } from '../../src/paywall/wallet/proof-store.ts';
import type { Spend, SpendStore } from '../../src/paywall/wallet/spend-store.ts';
import { paymentOf, setOf, signatures } from './ledger-contract.ts';
import { balanceOf } from './taker.ts';

type Books = Readonly<{ ledger: Ledger; proofs: ProofStore; spends: SpendStore }>;

const mint = 'https://mint.example';

const proofsOf = (name: string, amounts: readonly number[]): NewProof[] =>
  amounts.map((amount, index) => {
    const id = `${name}-${index}`;
    return { id, keysetId: '00', amount, secret: `secret ${id}`, C: '02', state: 'unspent' };
  });

/** Proofs `a-0` of 8, `a-1` of 4, `a-2` of 2. */
const fill = async ({ ledger, proofs }: Books): Promise<void> => {
  const claims = setOf('ab');
  await ledger.prepare(paymentOf(claims, { credit: 14 }), claims);
  await ledger.lease(claims.paymentId, 'us', 0, 1_000);
  await ledger.settle(claims.paymentId, 1, signatures, 0);
  const collected = { paymentId: claims.paymentId, mint, unit: 'sat' };
  await proofs.collect([{ payment: collected, proofs: proofsOf('a', [8, 4, 2]) }], 0);
};

const spendOf = (id: string, changes: Partial<Spend> = {}): Spend => {
  const drawn = { body: `body of ${id}`, outputs: `outputs of ${id}`, sent: 2 };
  return { id, kind: 'swap', mint, unit: 'sat', amount: 5, createdAtMs: 1, ...drawn, ...changes };
};

const statesOf = async (books: Books) => {
  const { proofs } = await balanceOf(books);
  const { unspent, pending, exchanged, reserved, lost } = proofs;
  return [unspent, pending, exchanged, reserved, lost].map(({ amount }) => amount);
};

export const spendStoreContract = (
  name: string,
  open: (t: TestContext) => Promise<Books>,
  options: { skip?: string | false } = {},
): void => {
  const guarantee = (what: string, check: (books: Books) => Promise<void>) =>
    test(`${name}: ${what}`, options, async (t) => {
      const books = await open(t);
      await fill(books);
      await check(books);
    });

  guarantee('a spend takes all of its proofs or none, and of many that want one, one has it', async (books) => {
    const wishes = [
      ['a-0', 'a-1'],
      ['a-1', 'a-2'],
      ['a-2', 'a-0'],
    ];
    const outcomes = await Promise.all(wishes.map((ids, index) => books.spends.prepare(spendOf(`s${index}`), ids)));
    assert.equal(outcomes.filter(Boolean).length, 1);
    assert.equal((await books.spends.list(10)).length, 1);
    const written = { id: 'exp_1', mint, unit: 'sat', amount: 1, createdAtMs: 0 };
    const taken = wishes[outcomes.indexOf(true)] ?? [];
    assert.equal(await books.proofs.export(written, 'token', taken), false, 'nor is what is under way exported');
    const elsewhere = spendOf('s9', { mint: 'https://other.example' });
    assert.equal(await books.spends.prepare(elsewhere, ['a-0']), false);
  });

  guarantee(
    'one holder at a time, who may go on; then whoever comes; and never once it is concluded',
    async (books) => {
      const { spends } = books;
      const spend = spendOf('s1');
      await spends.prepare(spend, ['a-0']);
      assert.deepEqual(await spends.due(0, 10), [{ id: 's1', mint }]);
      const first = { lease: 'taken', spend, tries: 0, unansweredAtMs: undefined };
      assert.deepEqual(await spends.lease('s1', 'us', 0, 10), first);
      assert.deepEqual(await spends.lease('s1', 'them', 5, 15), { lease: 'held' });
      assert.deepEqual(await spends.due(9, 10), []);
      const renewed = { ...first, unansweredAtMs: 0 };
      assert.deepEqual(await spends.lease('s1', 'us', 5, 20), renewed);
      await spends.release('s1', 'them', 99, undefined);
      await spends.release('s1', 'us', 30, 5);
      assert.deepEqual(await spends.lease('s1', 'them', 29, 40), { lease: 'resting', untilMs: 30 });
      assert.deepEqual(await spends.lease('s1', 'them', 30, 40), { ...first, tries: 1, unansweredAtMs: 5 });
      assert.equal(await spends.fail('s1', 'us', 'no', [], 30), false, 'whose lease is over decides nothing');
      assert.equal(await spends.fail('s1', 'them', 'no', [], 30), true);
      assert.deepEqual(await spends.lease('s1', 'us', 99, 100), { lease: 'concluded' });
      assert.deepEqual(await spends.due(99, 10), []);
      const [record] = await spends.list(10);
      assert.deepEqual([record?.state, record?.failure], ['failed', 'no']);
    },
  );

  guarantee('it is settled once: token, change, fee, and not what it was made of', async (books) => {
    await books.spends.prepare(spendOf('s1'), ['a-0']);
    assert.deepEqual(await statesOf(books), [6, 8, 0, 0, 0]);
    const proceeds = { made: proofsOf('b', [4, 1, 2]), token: 'token of s1', fee: 1 };
    const outcomes = await Promise.all([1, 2, 3].map(() => books.spends.settle('s1', proceeds, 9)));
    assert.deepEqual(outcomes.sort(), [false, false, true]);
    assert.deepEqual(await statesOf(books), [8, 0, 8, 5, 0]);
    const exported = { id: 's1', mint, unit: 'sat', amount: 5, createdAtMs: 1, token: 'token of s1' };
    assert.deepEqual(await books.proofs.findExport('s1'), exported);
    assert.equal((await balanceOf(books)).fees.amount, 1);
    assert.equal((await books.spends.find('s1'))?.fee, 1);
    const [change] = await books.proofs.find(['b-2']);
    assert.equal(change?.secret, 'secret b-2');
    await books.spends.prepare(spendOf('s2'), ['b-2', 'a-1']);
    assert.equal(await books.spends.fail('s2', 'nobody', 'no', [], 9), false);
  });

  guarantee('without a token what came of it is held', async (books) => {
    await books.spends.prepare(spendOf('s1'), ['a-0']);
    const [bad, ...good] = proofsOf('b', [4, 1, 3]);
    assert.ok(bad);
    await books.spends.settle('s1', { made: [{ ...bad, state: 'bad', C: '' }, ...good], token: undefined, fee: 0 }, 9);
    const { proofs } = await balanceOf(books);
    assert.deepEqual([proofs.unspent.amount, proofs.bad.amount, proofs.reserved.amount], [10, 4, 0]);
    assert.equal(await books.proofs.findExport('s1'), undefined);
  });

  guarantee('where it fails its proofs are held again, but for those that are lost', async (books) => {
    await books.spends.prepare(spendOf('s1'), ['a-0', 'a-1']);
    await books.spends.lease('s1', 'us', 0, 10);
    assert.equal(await books.spends.fail('s1', 'us', 'spent elsewhere', ['a-1', 'a-2'], 9), true);
    assert.deepEqual(await statesOf(books), [10, 0, 0, 0, 4]);
    assert.equal(await books.spends.settle('s1', { made: [], token: undefined, fee: 0 }, 9), false);
    assert.equal(await books.spends.prepare(spendOf('s2'), ['a-0']), true);
  });

  guarantee('an invoice is melted once, and one payment at a time is under way for a payee', async (books) => {
    const meltOf = (id: string, invoice: string, payee: string) =>
      spendOf(id, { kind: 'melt', sent: 0, melt: { quoteId: `quote ${id}`, invoice, payee } });
    const { spends } = books;
    const first = meltOf('m1', 'invoice 1', 'ann');
    const racing = [first, meltOf('m2', 'invoice 1', 'ben'), meltOf('m3', 'invoice 3', 'ann')];
    const outcomes = await Promise.all(racing.map((spend, index) => spends.prepare(spend, [`a-${index}`])));
    const winner = racing.find((_, index) => outcomes[index]) ?? assert.fail();
    if (winner.id === 'm1') assert.deepEqual(outcomes, [true, false, false]);
    const lease = await spends.lease(winner.id, 'us', 0, 10);
    assert.deepEqual(lease.lease === 'taken' && lease.spend, winner);
    for (const { id } of await spends.due(99, 10)) {
      await spends.lease(id, 'us', 20, 30);
      await spends.fail(id, 'us', 'no route', [], 25);
    }
    assert.equal(await spends.findMelt('invoice 1', 'ann'), undefined);
    assert.ok(await spends.prepare(meltOf('m4', 'invoice 1', 'ann'), ['a-0']), 'what failed may be tried again');
    assert.equal((await spends.findMelt('another', 'ann'))?.id, 'm4');
    await spends.settle('m4', { made: proofsOf('b', [2]), token: undefined, fee: 1 }, 9);
    assert.equal((await balanceOf(books)).melted.amount, 5);
    assert.equal(await spends.findMelt('another', 'ann'), undefined);
    assert.equal((await spends.findMelt('invoice 1', 'ann'))?.state, 'settled');
    assert.equal(await spends.prepare(meltOf('m5', 'invoice 1', 'ben'), ['a-1']), false);
  });
};
