/** What every store of refunds holds to, whichever database is behind it. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { DeferredLedger } from '../../src/paywall/deferred/deferred-ledger.ts';
import type { Debit, Ledger } from '../../src/paywall/ledger.ts';
import type { ProofStore } from '../../src/paywall/wallet/proof-store.ts';
import type { RefundRequest, RefundStore } from '../../src/paywall/wallet/refund-store.ts';
import type { SpendStore } from '../../src/paywall/wallet/spend-store.ts';
import { paymentOf, setOf, signatures } from './ledger-contract.ts';

type Books = Readonly<{
  ledger: Ledger;
  proofs: ProofStore;
  spends: SpendStore;
  refunds: RefundStore;
  deferred: DeferredLedger;
}>;

const mint = 'https://mint.example';
const debit: Debit = { rule: 'r', amount: 10, unit: 'sat', buys: { requests: 1 }, nowMs: 1 };
const session = { idHash: 'hash', salt: 'salt', expiresAtMs: 1_000 };

/** 60 left of 70 that came in as 64 after a fee of 7, one of which was the payer's to bear; held as one proof of 64. */
const fill = async ({ ledger, proofs }: Books): Promise<string> => {
  const claims = setOf('ab');
  const { paymentId } = claims;
  const payment = paymentOf(claims, { credit: 70 });
  await ledger.prepare({ ...payment, amount: 71, swap: { ...payment.swap, fee: 7 } }, claims);
  await ledger.lease(paymentId, 'us', 0, 1_000);
  await ledger.settle(paymentId, 1, signatures, 0);
  const proof = { id: 'a-0', keysetId: '00', amount: 64, secret: 'secret', C: '02', state: 'unspent' } as const;
  await proofs.collect([{ payment: { paymentId, mint, unit: 'sat' }, proofs: [proof] }], 0);
  assert.equal((await ledger.present(claims, debit, true, session)).standing, 'debited');
  return paymentId;
};

let asked = 0;

const request = (changes: Partial<RefundRequest> = {}): RefundRequest => {
  asked += 1;
  return { id: `ref_${asked}`, asker: { sessions: ['hash'] }, least: 1, nowMs: 10, shownSinceMs: 5, ...changes };
};

export const refundStoreContract = (
  name: string,
  open: (t: TestContext) => Promise<Books>,
  options: { skip?: string | false } = {},
): void => {
  const guarantee = (what: string, check: (books: Books, accountId: string) => Promise<void>) =>
    test(`${name}: ${what}`, options, async (t) => {
      const books = await open(t);
      await check(books, await fill(books));
    });

  guarantee(
    'what is left, less the fees that were borne, is taken at once and the sessions closed',
    async (books, accountId) => {
      const standing = await books.refunds.request(request());
      const due = standing.refund === 'due' ? standing.due : assert.fail(standing.refund);
      assert.deepEqual([due.accountId, due.amount, due.unit, due.exportId], [accountId, 54, 'sat', undefined]);
      assert.equal((await books.ledger.draw(accountId, debit, true)).standing, 'exhausted');
      assert.equal((await books.ledger.findSession('hash', 10)).session, 'closed');
      const [balance] = await books.proofs.balances();
      assert.equal(balance?.owed, 54);
      assert.deepEqual(await books.refunds.find(due.id), due);
    },
  );

  guarantee('asked again, by the closed session or by the payment, it is the same refund', async (books, accountId) => {
    const first = await books.refunds.request(request());
    for (const asker of [{ sessions: ['none', 'hash'] }, { paymentId: accountId }]) {
      assert.deepEqual(await books.refunds.request(request({ asker })), first);
    }
    assert.deepEqual(await books.refunds.request(request({ asker: { sessions: ['none'] } })), { refund: 'unknown' });
    assert.deepEqual(await books.refunds.request(request({ asker: { paymentId: 'pay_none' } })), { refund: 'unknown' });
  });

  guarantee('of many refunds and debits that race, one has each unit', async (books, accountId) => {
    const drawing = Array.from({ length: 8 }, () => books.ledger.draw(accountId, debit, true));
    const refunding = Array.from({ length: 4 }, () =>
      books.refunds.request(request({ asker: { paymentId: accountId } })),
    );
    const drawn = (await Promise.all(drawing)).filter(({ standing }) => standing === 'debited').length;
    const ids = new Set<string>();
    let given = 0;
    for (const standing of await Promise.all(refunding)) {
      if (standing.refund !== 'due' || ids.has(standing.due.id)) continue;
      ids.add(standing.due.id);
      given += standing.due.amount;
    }
    assert.ok(ids.size <= 1);
    assert.ok(ids.size === 1 ? given === 54 - 10 * drawn : drawn === 6, `${drawn} debits, ${given} given back`);
  });

  guarantee('one token is made for it, however many try', async (books) => {
    const standing = await books.refunds.request(request());
    const { id } = standing.refund === 'due' ? standing.due : assert.fail();
    const claim = { refundId: id, before: undefined };
    const written = { id: 'exp_1', mint, unit: 'sat', amount: 64, createdAtMs: 0 };
    const drawn = { body: 'body', outputs: 'outputs', sent: 1 };
    const spend = { ...written, ...drawn, id: 'exp_2', kind: 'swap' } as const;
    const outcomes = await Promise.all([
      books.proofs.export(written, 'token', ['a-0'], claim),
      books.spends.prepare(spend, ['a-0'], claim),
    ]);
    assert.equal(outcomes.filter(Boolean).length, 1);
    const latest = (await books.refunds.find(id))?.exportId;
    assert.equal(latest, outcomes[0] ? 'exp_1' : 'exp_2');
    await books.spends.lease('exp_2', 'us', 0, 10);
    await books.spends.fail('exp_2', 'us', 'no', [], 0);
    assert.equal(await books.proofs.export({ ...written, id: 'exp_3' }, 'token', ['a-0'], claim), false, 'stale');
  });

  guarantee('too little, not held any more, or in use: nothing is taken', async (books, accountId) => {
    assert.deepEqual(await books.refunds.request(request({ least: 55 })), {
      refund: 'too-little',
      amount: 54,
      withheld: 0,
      unit: 'sat',
    });
    const units = { useId: 'use_1', units: 1, reserve: 1, reportWithinMs: 1_000 };
    await books.ledger.draw(accountId, { ...debit, rule: 'metered', buys: units }, true);
    assert.deepEqual(await books.refunds.request(request()), { refund: 'in-use' });
    assert.deepEqual(await books.refunds.request(request({ nowMs: 999, shownSinceMs: 0 })), { refund: 'in-use' });
    await books.ledger.reportUse('use_1', 1, 20);
    await books.proofs.export({ id: 'exp_1', mint, unit: 'sat', amount: 64, createdAtMs: 0 }, 'token', ['a-0']);
    assert.deepEqual(await books.refunds.request(request()), { refund: 'not-held', mint });
    assert.equal((await books.ledger.findSession('hash', 10)).session, 'open');
    assert.equal((await books.ledger.draw(accountId, debit, true)).standing, 'debited');
  });

  guarantee(
    'what was accepted without asking its mint is not given back before it is settled',
    async (books, accountId) => {
      const claims = setOf('cd');
      const swap = { fee: 0, credit: 20, body: 'body', outputs: '[]' };
      const payment = { ...paymentOf(claims), amount: 20, swap, accountId };
      const acceptance = { payment, claims, proofs: 1, cap: 1_000 };
      assert.ok(await books.deferred.accept(acceptance, debit, true, { ...session, idHash: 'another' }));
      assert.deepEqual(await books.refunds.request(request()), { refund: 'in-use' });
    },
  );

  guarantee(
    'what was credited for a payment that its mint refuses is not given back, and all else is, at once',
    async (books, accountId) => {
      const claims = setOf('cd');
      const payment = { ...paymentOf(claims), amount: 20, swap: { fee: 0, credit: 20, body: 'body', outputs: '[]' } };
      const acceptance = { payment: { ...payment, accountId }, claims, proofs: 1, cap: 1_000 };
      assert.ok(await books.deferred.accept(acceptance, debit, true, { ...session, idHash: 'another' }));
      const batch = { id: 'bat_1', mint, unit: 'sat', amount: 20, createdAtMs: 0, swap: payment.swap };
      assert.ok(await books.deferred.openBatch(batch, [payment.id]));
      await books.ledger.lease('bat_1', 'us', 0, 1_000);
      assert.deepEqual(await books.refunds.request(request()), { refund: 'in-use' });
      const refused = { batchId: 'bat_1', holder: 'us', nowMs: 5, isWhole: true, restUntilMs: 900, pauseUntilMs: 900 };
      assert.equal((await books.deferred.refuse(refused)).division, 'kept');
      // 60 and 20 less 10 that were used up; 6 were borne, and 20 never came in.
      assert.deepEqual(await books.refunds.request(request({ least: 45 })), {
        refund: 'too-little',
        amount: 44,
        withheld: 20,
        unit: 'sat',
      });
      const standing = await books.refunds.request(request());
      assert.equal(standing.refund === 'due' && standing.due.amount, 44);
      assert.equal(await books.ledger.balanceOf(accountId), 20);
      const again = request({ asker: { paymentId: accountId } });
      assert.deepEqual(await books.refunds.request(again), standing, 'the same, and not what was withheld');
    },
  );

  guarantee('a refund is shown for a while once it is made, and until it is made', async (books) => {
    const standing = await books.refunds.request(request());
    const { id } = standing.refund === 'due' ? standing.due : assert.fail();
    const late = request({ nowMs: 900, shownSinceMs: 800 });
    assert.equal((await books.refunds.request(late)).refund, 'due', 'not made yet');
    const written = { id: 'exp_1', mint, unit: 'sat', amount: 64, createdAtMs: 0 };
    assert.ok(await books.proofs.export(written, 'token', ['a-0'], { refundId: id, before: undefined }));
    assert.equal((await books.refunds.request(request({ nowMs: 900, shownSinceMs: 9 }))).refund, 'due');
    assert.equal((await books.refunds.request(late)).refund, 'unknown');
  });
};
