/** What every ledger holds to, whichever database is behind it. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import type { Purchase } from '../../src/core/payment.ts';
import { claimsOf } from '../../src/paywall/claim.ts';
import type { Claims, Debit, Lease, Ledger, NewPayment, Rejection } from '../../src/paywall/ledger.ts';

export type OpenLedger = (t: TestContext) => Promise<Ledger>;

const mint = 'https://mint.example';

/** The proofs are told apart by their secrets: one letter each, or a list. */
export const setOf = (secrets: string | readonly string[]): Claims =>
  claimsOf({ mint, proofs: [...secrets].map((secret) => ({ id: '00', amount: 1, secret, C: '02' })) });

const swapOf = (text: string, credit = 100) => ({ fee: 1, credit, body: `body ${text}`, outputs: `outputs ${text}` });

export const paymentOf = (claims: Claims, { credit = 100, unit = 'sat', createdAtMs = 0 } = {}): NewPayment => ({
  id: claims.paymentId,
  mint,
  unit,
  amount: credit + 1,
  rule: 'premium',
  createdAtMs,
  swap: swapOf('first', credit),
});

export const signatures = JSON.stringify([{ amount: 1, id: '00', C_: '02' }]);
const spent: Rejection = { code: 'payment_spent', detail: 'gone' };

const debitOf = (changes: Partial<Debit> = {}): Debit => ({
  rule: 'premium',
  amount: 10,
  unit: 'sat',
  buys: { requests: 1 },
  nowMs: 1_000,
  ...changes,
});

const taken = (lease: Lease) => {
  assert.equal(lease.lease, 'taken');
  return lease;
};

/** A payment that is settled, worth `credit`. */
const settle = async (ledger: Ledger, letters: string, credit = 100, unit = 'sat'): Promise<Claims> => {
  const claims = setOf(letters);
  assert.equal(await ledger.prepare(paymentOf(claims, { credit, unit }), claims), true);
  taken(await ledger.lease(claims.paymentId, 'us', 0, 1_000));
  await ledger.settle(claims.paymentId, 1, signatures, 0);
  return claims;
};

const rejectIt = async (ledger: Ledger, claims: Claims, rejection = spent, keepSwaps = false): Promise<void> => {
  taken(await ledger.lease(claims.paymentId, 'us', 0, 1_000));
  assert.equal(await ledger.reject(claims.paymentId, 'us', rejection, keepSwaps, 0), true);
};

const standingOf = async (ledger: Ledger, claims: Claims, changes: Partial<Debit> = {}) =>
  (await ledger.present(claims, debitOf(changes), true)).standing;

const countDebited = async (ledger: Ledger, claims: Claims, times: number, changes: Partial<Debit> = {}) => {
  const standings = await Promise.all(Array.from({ length: times }, () => standingOf(ledger, claims, changes)));
  return standings.filter((standing) => standing === 'debited').length;
};

/** `options`: of each test, for a database that may not be on this machine. */
export const ledgerContract = (name: string, open: OpenLedger, options: { skip?: string | false } = {}): void => {
  const guarantee = (what: string, check: (ledger: Ledger, t: TestContext) => Promise<void>) =>
    test(`${name}: ${what}`, options, async (t) => check(await open(t), t));

  guarantee('a payment is written once, and found by its set of proofs in any order', async (ledger) => {
    const claims = setOf('ab');
    assert.equal(await standingOf(ledger, claims), 'unknown');
    assert.equal(await ledger.prepare(paymentOf(claims), claims), true);
    assert.equal(await ledger.prepare(paymentOf(claims), claims), false);
    assert.equal(await standingOf(ledger, setOf('ba')), 'prepared');
  });

  for (const state of ['prepared', 'settled'] as const) {
    for (const [other, standing] of [
      ['a', 'overlap'],
      ['b', 'overlap'],
      ['abc', 'overlap'],
      ['bc', 'overlap'],
      ['c', 'unknown'],
      ['cd', 'unknown'],
    ] as const) {
      guarantee(`beside a ${state} payment of ab, the proofs ${other} are ${standing}`, async (ledger) => {
        const claims = state === 'settled' ? await settle(ledger, 'ab') : setOf('ab');
        if (state === 'prepared') await ledger.prepare(paymentOf(claims), claims);
        const others = setOf(other);
        assert.equal(await standingOf(ledger, others), standing);
        assert.equal(await ledger.prepare(paymentOf(others), others), standing === 'unknown');
        assert.equal(await standingOf(ledger, claims), state === 'settled' ? 'debited' : 'prepared');
      });
    }
  }

  guarantee('a rejected payment gives its proofs up, and stays rejected', async (ledger) => {
    const claims = setOf('ab');
    await ledger.prepare(paymentOf(claims), claims);
    await rejectIt(ledger, claims);
    for (const letters of ['a', 'bc']) {
      assert.equal(await standingOf(ledger, setOf(letters)), 'unknown');
      assert.equal(await ledger.prepare(paymentOf(setOf(letters)), setOf(letters)), true);
    }
    assert.deepEqual(await ledger.present(claims, debitOf(), true), { standing: 'rejected', rejection: spent });
    assert.equal(await ledger.prepare(paymentOf(claims), claims), false);
  });

  guarantee('what is rejected never becomes settled, what is settled never rejected', async (ledger) => {
    const bad = setOf('a');
    await ledger.prepare(paymentOf(bad), bad);
    await rejectIt(ledger, bad);
    await ledger.settle(bad.paymentId, 1, signatures, 0);
    assert.equal(await standingOf(ledger, bad), 'rejected');
    const good = await settle(ledger, 'b');
    assert.equal(await ledger.reject(good.paymentId, 'us', spent, false, 0), false);
    assert.equal(await standingOf(ledger, good), 'debited');
  });

  guarantee('a rejection that may be an accident ends, and the token is as good as new', async (ledger) => {
    const claims = setOf('ab');
    await ledger.prepare(paymentOf(claims), claims);
    await rejectIt(ledger, claims, { ...spent, untilMs: 5_000 });
    assert.equal(await standingOf(ledger, claims, { nowMs: 4_999 }), 'rejected');
    assert.equal(await ledger.prepare(paymentOf(claims, { createdAtMs: 4_999 }), claims), false);
    assert.equal(await standingOf(ledger, claims, { nowMs: 5_000 }), 'unknown');
    assert.equal(await ledger.prepare(paymentOf(claims, { createdAtMs: 5_000 }), claims), true);
    const { payment, unansweredAtMs } = taken(await ledger.lease(claims.paymentId, 'us', 5_000, 6_000));
    assert.deepEqual([payment.swap.number, payment.earlier, unansweredAtMs], [1, [], undefined]);
    await ledger.settle(claims.paymentId, 1, signatures, 0);
    assert.equal(await standingOf(ledger, claims), 'debited');
  });

  guarantee('outputs that the mint may have signed are kept through a rejection', async (ledger) => {
    const claims = setOf('ab');
    await ledger.prepare(paymentOf(claims), claims);
    await rejectIt(ledger, claims, { ...spent, untilMs: 5_000 }, true);
    assert.equal(await ledger.prepare(paymentOf(claims, { createdAtMs: 5_000, credit: 7 }), claims), true);
    const { payment } = taken(await ledger.lease(claims.paymentId, 'us', 5_000, 6_000));
    assert.deepEqual(payment.earlier, [{ number: 1, ...swapOf('first') }]);
    assert.deepEqual(payment.swap, { number: 2, ...swapOf('first', 7) });
  });

  guarantee('a forgiven set is held back while others have one of its proofs', async (ledger) => {
    const claims = setOf('ab');
    await ledger.prepare(paymentOf(claims), claims);
    await rejectIt(ledger, claims, { ...spent, untilMs: 5_000 });
    await ledger.prepare(paymentOf(setOf('a')), setOf('a'));
    assert.equal(await standingOf(ledger, claims, { nowMs: 6_000 }), 'overlap');
    assert.equal(await ledger.prepare(paymentOf(claims, { createdAtMs: 6_000 }), claims), false);
  });

  guarantee('of many sets that race for the same proofs, those that win share none', async (ledger) => {
    const letters = fc.uniqueArray(fc.constantFrom(...'abcdefgh'), { minLength: 1, maxLength: 4 });
    let round = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(letters, { minLength: 2, maxLength: 12 }), async (sets) => {
        round += 1;
        const claims = sets.map((set) =>
          claimsOf({
            mint: `${mint}/${round}`,
            proofs: set.map((secret) => ({ id: '00', amount: 1, secret, C: '02' })),
          }),
        );
        const won = await Promise.all(claims.map((entry) => ledger.prepare(paymentOf(entry), entry)));
        const held = sets.filter((_, index) => won[index]).flat();
        assert.equal(new Set(held).size, held.length);
        const lost = sets.filter((_, index) => !won[index]);
        assert.ok(
          lost.every((set) => set.some((proof) => held.includes(proof))),
          'who lost, lost to a winner',
        );
      }),
      { numRuns: 40 },
    );
  });

  guarantee('a lease has one holder, who can renew it, and it ends by itself', async (ledger) => {
    const claims = setOf('a');
    const { paymentId } = claims;
    assert.deepEqual(await ledger.lease(paymentId, 'us', 0, 10), { lease: 'concluded' });
    await ledger.prepare(paymentOf(claims), claims);
    const first = taken(await ledger.lease(paymentId, 'us', 100, 200));
    assert.deepEqual(first, {
      lease: 'taken',
      payment: {
        ...paymentOf(claims),
        swap: { number: 1, ...swapOf('first') },
        earlier: [],
      },
      tries: 0,
      unansweredAtMs: undefined,
    });
    assert.deepEqual(await ledger.lease(paymentId, 'them', 199, 300), { lease: 'held' });
    taken(await ledger.lease(paymentId, 'us', 150, 250));
    assert.deepEqual(await ledger.lease(paymentId, 'them', 249, 300), { lease: 'held' });
    assert.equal(taken(await ledger.lease(paymentId, 'them', 250, 300)).unansweredAtMs, 150);
    assert.deepEqual(await ledger.lease(paymentId, 'us', 260, 300), { lease: 'held' });
    await ledger.settle(paymentId, 1, signatures, 0);
    assert.deepEqual(await ledger.lease(paymentId, 'them', 270, 300), { lease: 'concluded' });
  });

  guarantee('who writes a payment may take it with it, as by a lease right after', async (ledger) => {
    const claims = setOf('a');
    const { paymentId } = claims;
    const payment = paymentOf(claims, { createdAtMs: 100 });
    assert.equal(await ledger.prepare(payment, claims, { holder: 'us', untilMs: 200 }), 'leased');
    assert.equal(await ledger.prepare(payment, claims, { holder: 'them', untilMs: 200 }), false);
    assert.deepEqual(await ledger.lease(paymentId, 'them', 199, 300), { lease: 'held' });
    assert.deepEqual((await ledger.outstanding(199, [], 10)).due, []);
    const { payment: written, tries, unansweredAtMs } = taken(await ledger.lease(paymentId, 'them', 200, 300));
    assert.deepEqual([written, tries], [{ ...payment, swap: { number: 1, ...swapOf('first') }, earlier: [] }, 0]);
    assert.equal(unansweredAtMs, 100, 'whoever took it may have posted');
  });

  guarantee('what the mint was asked before is not taken blindly', async (ledger) => {
    const claims = setOf('ab');
    await ledger.prepare(paymentOf(claims), claims);
    await rejectIt(ledger, claims, { ...spent, untilMs: 5_000 }, true);
    const lease = { holder: 'us', untilMs: 6_000 };
    assert.equal(await ledger.prepare(paymentOf(claims, { createdAtMs: 5_000 }), claims, lease), true);
    assert.equal(taken(await ledger.lease(claims.paymentId, 'them', 5_000, 6_000)).payment.earlier.length, 1);
  });

  guarantee('of many that race to write and take a payment, one does', async (ledger) => {
    const claims = setOf('ab');
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        ledger.prepare(paymentOf(claims), claims, { holder: `holder ${index}`, untilMs: 100 }),
      ),
    );
    assert.deepEqual(outcomes.filter(Boolean), ['leased']);
  });

  guarantee('proofs are known from when they are written, a set for good', async (ledger) => {
    const known = async () =>
      Promise.all(['ab', 'ba', 'a', 'bc', 'c'].map((letters) => ledger.isKnown(setOf(letters))));
    const claims = setOf('ab');
    assert.deepEqual(await known(), [false, false, false, false, false]);
    await ledger.prepare(paymentOf(claims), claims);
    assert.deepEqual(await known(), [true, true, true, true, false]);
    await rejectIt(ledger, claims);
    assert.deepEqual(await known(), [true, true, false, false, false]);
  });

  guarantee('of many that race for a lease, one gets it', async (ledger) => {
    const claims = setOf('a');
    await ledger.prepare(paymentOf(claims), claims);
    const leases = await Promise.all(
      Array.from({ length: 20 }, (_, index) => ledger.lease(claims.paymentId, `holder ${index}`, 0, 100)),
    );
    assert.equal(leases.filter(({ lease }) => lease === 'taken').length, 1);
    assert.equal(leases.filter(({ lease }) => lease === 'held').length, 19);
  });

  guarantee('a released payment rests for everybody, and what has no answer is remembered', async (ledger) => {
    const claims = setOf('a');
    const { paymentId } = claims;
    await ledger.prepare(paymentOf(claims), claims);
    taken(await ledger.lease(paymentId, 'us', 0, 100));
    await ledger.release(paymentId, 'them', 900, undefined); // has nothing to give back
    await ledger.release(paymentId, 'us', 500, 42);
    for (const holder of ['us', 'them']) {
      assert.deepEqual(await ledger.lease(paymentId, holder, 499, 600), { lease: 'resting', untilMs: 500 });
    }
    const again = taken(await ledger.lease(paymentId, 'them', 500, 600));
    assert.deepEqual([again.tries, again.unansweredAtMs], [1, 42]);
    await ledger.release(paymentId, 'them', 700, undefined);
    assert.equal(taken(await ledger.lease(paymentId, 'us', 700, 800)).unansweredAtMs, undefined);
  });

  guarantee('what waits is told with its age, and is due when its lease or its rest has run out', async (ledger) => {
    const dueAt = async (nowMs: number) => (await ledger.outstanding(nowMs, [], 10)).due.map(({ id }) => id);
    assert.deepEqual(await ledger.outstanding(0, [], 10), { count: 0, oldestAtMs: undefined, due: [] });
    const [a, b, c] = [setOf('a'), setOf('b'), setOf('c')];
    await ledger.prepare(paymentOf(a, { createdAtMs: 30 }), a);
    await ledger.prepare(paymentOf(b, { createdAtMs: 20 }), b);
    await ledger.prepare(paymentOf(c, { createdAtMs: 40 }), c);
    taken(await ledger.lease(a.paymentId, 'us', 50, 100));
    assert.deepEqual(await ledger.outstanding(50, [], 1), {
      count: 3,
      oldestAtMs: 20,
      due: [{ id: b.paymentId, mint, createdAtMs: 20 }],
    });
    assert.deepEqual(new Set(await dueAt(99)), new Set([b.paymentId, c.paymentId]));
    assert.equal((await dueAt(100)).length, 3);
    await ledger.release(a.paymentId, 'us', 500, undefined);
    assert.equal((await dueAt(499)).length, 2);
    assert.equal((await dueAt(500)).at(-1), a.paymentId, 'the least tried first');
    await ledger.settle(b.paymentId, 1, signatures, 0);
    await rejectIt(ledger, c);
    assert.deepEqual(await ledger.outstanding(500, [], 10), {
      count: 1,
      oldestAtMs: 30,
      due: [{ id: a.paymentId, mint, createdAtMs: 30 }],
    });
  });

  guarantee('payments of mints that are left out are counted and not due', async (ledger) => {
    const mints = ['https://a.example', 'https://b.example', 'https://c.example', 'https://d.example'];
    for (const url of mints) {
      const claims = claimsOf({ mint: url, proofs: [{ id: '00', amount: 1, secret: 'x', C: '02' }] });
      await ledger.prepare({ ...paymentOf(claims), mint: url }, claims);
    }
    for (let left = 0; left <= mints.length; left++) {
      const { count, due } = await ledger.outstanding(0, mints.slice(left), 10);
      assert.deepEqual([count, due.map(({ mint: url }) => url).sort()], [4, mints.slice(0, left)]);
    }
  });

  guarantee('the age of a payment that was forgiven counts from when it came again', async (ledger) => {
    const claims = setOf('a');
    await ledger.prepare(paymentOf(claims), claims);
    await rejectIt(ledger, claims, { ...spent, untilMs: 5_000 });
    await ledger.prepare(paymentOf(claims, { createdAtMs: 6_000 }), claims);
    assert.equal((await ledger.outstanding(6_000, [], 10)).oldestAtMs, 6_000);
  });

  guarantee('only who holds the lease replaces the swap or rejects', async (ledger) => {
    const claims = setOf('a');
    const { paymentId } = claims;
    await ledger.prepare(paymentOf(claims), claims);
    taken(await ledger.lease(paymentId, 'us', 0, 100));
    assert.equal(await ledger.replaceSwap(paymentId, 'them', swapOf('second')), undefined);
    assert.equal(await ledger.reject(paymentId, 'them', spent, false, 0), false);
    assert.equal(await ledger.replaceSwap(paymentId, 'us', swapOf('second', 90)), 2);
    const { payment } = taken(await ledger.lease(paymentId, 'us', 0, 100));
    assert.deepEqual(payment.swap, { number: 2, ...swapOf('second', 90) });
    assert.deepEqual(payment.earlier, [{ number: 1, ...swapOf('first') }]);
  });

  for (const [number, credit] of [
    [1, 100],
    [2, 90],
  ] as const) {
    guarantee(`the credit is that of the swap that the mint signed, number ${number}`, async (ledger) => {
      const claims = setOf('a');
      await ledger.prepare(paymentOf(claims), claims);
      taken(await ledger.lease(claims.paymentId, 'us', 0, 100));
      await ledger.replaceSwap(claims.paymentId, 'us', swapOf('second', 90));
      await ledger.settle(claims.paymentId, number, signatures, 0);
      await ledger.settle(claims.paymentId, 3 - number, signatures, 0); // too late to change anything
      assert.deepEqual(await ledger.present(claims, debitOf(), true), {
        standing: 'debited',
        paymentId: claims.paymentId,
        balance: credit - 10,
      });
    });
  }

  guarantee('a settlement of a swap that there is none of leaves everything as it was', async (ledger) => {
    const claims = setOf('a');
    await ledger.prepare(paymentOf(claims), claims);
    await assert.rejects(ledger.settle(claims.paymentId, 2, signatures, 0));
    assert.equal(await standingOf(ledger, claims), 'prepared');
  });

  guarantee(
    'claims that are presented with the settlement are debited once, by whomever it is settled',
    async (ledger) => {
      const claims = setOf('a');
      await ledger.prepare(paymentOf(claims, { credit: 20 }), claims);
      const offer = { idHash: 'hash', salt: 'salt', expiresAtMs: 5_000 };
      const presented = { claims, debit: debitOf(), commit: true, offer };
      const standings = [];
      for (let times = 0; times < 3; times++) {
        standings.push(await ledger.settle(claims.paymentId, 1, signatures, 0, presented));
      }
      const paid = { standing: 'debited', paymentId: claims.paymentId };
      const session = { salt: 'salt', expiresAtMs: 5_000 };
      assert.deepEqual(standings, [
        { ...paid, balance: 10, session },
        { ...paid, balance: 0, session },
        { standing: 'exhausted', paymentId: claims.paymentId, balance: 0, unit: 'sat' },
      ]);
    },
  );

  guarantee('whoever settles too late is told what the claims came to', async (ledger) => {
    const claims = setOf('a');
    await ledger.prepare(paymentOf(claims), claims);
    await rejectIt(ledger, claims);
    const presented = { claims, debit: debitOf(), commit: true, offer: undefined };
    const standing = await ledger.settle(claims.paymentId, 1, signatures, 0, presented);
    assert.deepEqual(standing, { standing: 'rejected', rejection: spent });
  });

  guarantee('settling again gives no second credit', async (ledger) => {
    const claims = await settle(ledger, 'a', 20);
    await Promise.all(Array.from({ length: 5 }, () => ledger.settle(claims.paymentId, 1, signatures, 0)));
    assert.equal(await countDebited(ledger, claims, 5), 2);
    await ledger.settle(claims.paymentId, 1, signatures, 0);
    assert.equal(await standingOf(ledger, claims), 'exhausted');
  });

  for (const [credit, amount, buys, debited] of [
    [100, 10, { requests: 1 }, 10],
    [100, 100, { requests: 1 }, 1],
    [100, 101, { requests: 1 }, 0],
    [109, 10, { requests: 1 }, 10],
    [100, 40, { requests: 3 }, 6],
    [100, 100, { requests: 25 }, 25],
  ] as const satisfies [number, number, Purchase, number][]) {
    guarantee(
      `${credit} buy ${debited} requests at ${amount} for ${buys.requests}, however many ask`,
      async (ledger) => {
        const claims = await settle(ledger, 'a', credit);
        assert.equal(await countDebited(ledger, claims, 40, { amount, buys }), debited);
        const balance = credit - Math.ceil(debited / buys.requests) * amount;
        assert.deepEqual(await ledger.present(claims, debitOf({ amount, buys }), true), {
          standing: 'exhausted',
          paymentId: claims.paymentId,
          balance,
          unit: 'sat',
        });
      },
    );
  }

  guarantee('bought time runs out to the millisecond, and is bought again while credit lasts', async (ledger) => {
    const claims = await settle(ledger, 'a', 25);
    const at = (nowMs: number) => ledger.present(claims, debitOf({ nowMs, buys: { timeMs: 1_000 } }), true);
    const balances: (number | string)[] = [];
    for (const nowMs of [0, 500, 999, 1_000, 1_999, 2_000]) {
      const standing = await at(nowMs);
      balances.push(standing.standing === 'debited' ? standing.balance : standing.standing);
    }
    assert.deepEqual(balances, [15, 15, 15, 5, 5, 'exhausted']);
  });

  guarantee('many who ask at the same moment share one time pass', async (ledger) => {
    const claims = await settle(ledger, 'a', 25);
    assert.equal(await countDebited(ledger, claims, 30, { buys: { timeMs: 1_000 } }), 30);
    const { balance } = (await ledger.present(claims, debitOf({ buys: { timeMs: 1_000 } }), true)) as {
      balance: number;
    };
    assert.equal(balance, 15);
  });

  guarantee('each rule has its own purchases, and all share one balance', async (ledger) => {
    const claims = await settle(ledger, 'a', 100);
    const cheap = { rule: 'cheap', amount: 20, buys: { requests: 2 } };
    const dear = { rule: 'dear', amount: 60, buys: { timeMs: 1_000 } };
    assert.equal(await standingOf(ledger, claims, cheap), 'debited'); // 80 left
    assert.equal(await standingOf(ledger, claims, dear), 'debited'); // 20 left
    assert.equal(await standingOf(ledger, claims, { ...dear, nowMs: 5_000 }), 'exhausted');
    assert.equal(await countDebited(ledger, claims, 5, cheap), 3); // one that was bought, and two for the last 20
  });

  guarantee('a price in another unit buys nothing', async (ledger) => {
    const claims = await settle(ledger, 'a', 100, 'usd');
    assert.deepEqual(await ledger.present(claims, debitOf(), true), {
      standing: 'exhausted',
      paymentId: claims.paymentId,
      balance: 100,
      unit: 'usd',
    });
  });

  guarantee('a preview says what would be and changes nothing', async (ledger) => {
    const claims = await settle(ledger, 'a', 10);
    const preview = () => ledger.present(claims, debitOf(), false);
    for (const _ of [1, 2, 3]) assert.deepEqual((await preview()).standing, 'debited');
    assert.equal(await standingOf(ledger, claims), 'debited');
    assert.equal((await preview()).standing, 'exhausted');
  });

  guarantee('whatever is asked in whatever order, nobody gets more than was paid for, nor less', async (ledger) => {
    const rule = fc.record({ rule: fc.constantFrom('a', 'b', 'c'), preview: fc.boolean() });
    const prices = fc.record({
      a: fc.record({
        amount: fc.integer({ min: 1, max: 30 }),
        buys: fc.record({ requests: fc.integer({ min: 1, max: 4 }) }),
      }),
      b: fc.record({
        amount: fc.integer({ min: 1, max: 30 }),
        buys: fc.record({ requests: fc.integer({ min: 1, max: 4 }) }),
      }),
      c: fc.record({ amount: fc.integer({ min: 1, max: 30 }), buys: fc.record({ requests: fc.constant(1) }) }),
    });
    let round = 0;
    const world = [fc.integer({ min: 1, max: 100 }), prices, fc.array(rule, { minLength: 1, maxLength: 40 })] as const;
    await fc.assert(
      fc.asyncProperty(...world, async (credit, priceOf, asked) => {
        round += 1;
        const claims = claimsOf({ mint: `${mint}/${round}`, proofs: [{ id: '00', amount: 1, secret: 'x', C: '02' }] });
        await ledger.prepare(paymentOf(claims, { credit }), claims);
        await ledger.settle(claims.paymentId, 1, signatures, 0);
        const standings = await Promise.all(
          asked.map(({ rule: name, preview }) =>
            ledger.present(claims, debitOf({ rule: name, ...priceOf[name] }), !preview),
          ),
        );
        const granted = (name: 'a' | 'b' | 'c') =>
          asked.filter((ask, index) => ask.rule === name && !ask.preview && standings[index]?.standing === 'debited')
            .length;
        const names = ['a', 'b', 'c'] as const;
        const paid = names.map((name) => Math.ceil(granted(name) / priceOf[name].buys.requests) * priceOf[name].amount);
        const left = credit - paid.reduce((sum, one) => sum + one, 0);
        assert.ok(left >= 0, `${credit} paid for ${paid}`);
        const refusedAll = asked.filter((ask, index) => !ask.preview && standings[index]?.standing !== 'debited');
        for (const { rule: name } of refusedAll)
          assert.ok(left < priceOf[name].amount, `${left} left, ${name} refused`);
        const balance = await ledger.present(claims, debitOf({ rule: 'none', amount: 1_000 }), false);
        assert.equal(balance.standing === 'exhausted' && balance.balance, left);
      }),
      { numRuns: 60 },
    );
  });
};
