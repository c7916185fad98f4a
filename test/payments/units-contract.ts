/** What every ledger holds to about units: reserved by requests, reported later. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { claimsOf } from '../../src/paywall/claim.ts';
import type { Debit, Ledger } from '../../src/paywall/ledger.ts';
import { type OpenLedger, paymentOf, signatures } from './ledger-contract.ts';

/** 10 sat buy 100 units; a request reserves 30 of them for a second. */
const price = { amount: 10, units: 100, reserve: 30, reportWithinMs: 1_000 };

type Changes = Partial<Omit<Debit, 'buys'>> & Readonly<{ units?: number; reserve?: number }>;

const debitOf = (useId: string, { units = price.units, reserve = price.reserve, ...changes }: Changes): Debit => ({
  rule: 'premium',
  amount: price.amount,
  unit: 'sat',
  buys: { units, reserve, reportWithinMs: price.reportWithinMs, useId },
  nowMs: 0,
  ...changes,
});

let accounts = 0;

const settle = async (ledger: Ledger, credit: number): Promise<string> => {
  accounts += 1;
  const claims = claimsOf({
    mint: `https://mint.example/${accounts}`,
    proofs: [{ id: '00', amount: 1, secret: 'x', C: '02' }],
  });
  await ledger.prepare(paymentOf(claims, { credit }), claims);
  await ledger.settle(claims.paymentId, 1, signatures, 0);
  return claims.paymentId;
};

/** What is left after a request: sat, and units that nobody has reserved; or that it was not let in. */
const draw = async (ledger: Ledger, account: string, useId: string, changes: Changes = {}, commit = true) => {
  const drawn = await ledger.draw(account, debitOf(useId, changes), commit);
  return drawn.standing === 'debited' ? [drawn.balance, drawn.use?.unitsLeft] : drawn.standing;
};

const report = async (ledger: Ledger, useId: string, units: number, nowMs = 0) => {
  const reported = await ledger.reportUse(useId, units, nowMs);
  return reported.report === 'written' ? reported.charged : reported.report;
};

/** Without changing anything. */
const leftOf = async (ledger: Ledger, account: string, nowMs = 0) => {
  const drawn = await ledger.draw(account, debitOf('none', { units: 1e6, reserve: 1e6, amount: 1e6, nowMs }), false);
  return drawn.standing === 'exhausted' ? [drawn.balance, drawn.unitsLeft] : drawn.standing;
};

const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));

type Step =
  | Readonly<{ do: 'draw' }>
  | Readonly<{ do: 'report'; use: number; units: number }>
  | Readonly<{ do: 'wait'; ms: number }>;

/** Draws on an account and reports, as it is told, and keeps a book of what was charged. */
const play = (ledger: Ledger, account: string) => {
  const uses: string[] = [];
  const charged = new Map<string, number>();
  let nowMs = 0;
  let asked = 0;

  const drawOne = async (): Promise<void> => {
    asked += 1;
    const useId = `${account} ${asked}`;
    if ((await draw(ledger, account, useId, { nowMs })) !== 'exhausted') uses.push(useId);
  };

  const reportOne = async (useId: string, units: number): Promise<void> => {
    const took = await report(ledger, useId, units, nowMs);
    if (typeof took !== 'number') return assert.equal(took, 'contradicted');
    assert.ok(took <= units);
    assert.equal(charged.get(useId) ?? took, took);
    charged.set(useId, took);
  };

  const act = async (step: Step): Promise<void> => {
    if (step.do === 'wait') nowMs += step.ms;
    if (step.do === 'draw') await drawOne();
    const useId = step.do === 'report' ? uses[step.use] : undefined;
    if (step.do === 'report' && useId !== undefined) await reportOne(useId, step.units);
  };

  return { act, charged, now: () => nowMs };
};

/** `options`: of each test, for a database that may not be on this machine. */
export const unitsContract = (name: string, open: OpenLedger, options: { skip?: string | false } = {}): void => {
  const guarantee = (what: string, check: (ledger: Ledger, t: TestContext) => Promise<void>) =>
    test(`${name}: ${what}`, options, async (t) => check(await open(t), t));

  guarantee('a request reserves units; its report takes what was used and gives back the rest', async (ledger) => {
    const account = await settle(ledger, 25);
    assert.deepEqual(await draw(ledger, account, 'a'), [15, 70]);
    assert.deepEqual(await draw(ledger, account, 'b'), [15, 40]);
    assert.equal(await report(ledger, 'a', 12), 12);
    assert.deepEqual(await leftOf(ledger, account), [15, 58]);
    assert.equal(await report(ledger, 'b', 0), 0);
    assert.deepEqual(await leftOf(ledger, account), [15, 88]);
    const { paymentId, rule } = { paymentId: '', rule: '', ...(await ledger.reportUse('b', 0, 0)) };
    assert.deepEqual([paymentId, rule], [account, 'premium']);
  });

  guarantee('as many requests are under way as their reservations fit in, however many ask', async (ledger) => {
    const account = await settle(ledger, 25);
    const drawn = await Promise.all(times(40, (index) => draw(ledger, account, `${index}`)));
    const exhausted = drawn.filter((one) => one === 'exhausted').length;
    assert.equal(
      40 - exhausted,
      6,
      '100 units hold three reservations of 30, 10 are left over; the next 100 hold three more',
    );
    assert.deepEqual(await leftOf(ledger, account), [5, 20]);
  });

  guarantee('what a report says is taken once, however often and by however many it is said', async (ledger) => {
    const account = await settle(ledger, 10);
    await draw(ledger, account, 'a');
    const charged = await Promise.all(times(20, () => report(ledger, 'a', 25)));
    assert.deepEqual(new Set(charged), new Set([25]));
    assert.deepEqual(await leftOf(ledger, account), [0, 75]);
    assert.equal(await report(ledger, 'a', 26), 'contradicted');
    assert.deepEqual(await ledger.reportUse('a', 24, 0), { report: 'contradicted', units: 25 });
    assert.deepEqual(await leftOf(ledger, account), [0, 75]);
  });

  guarantee('a use that there is none of is unknown', async (ledger) => {
    const account = await settle(ledger, 10);
    assert.deepEqual(await draw(ledger, account, 'preview', {}, false), [0, 70]);
    assert.deepEqual(await draw(ledger, account, 'refused', { reserve: 101, amount: 11 }), 'exhausted');
    for (const useId of ['preview', 'refused', 'none']) assert.equal(await report(ledger, useId, 1), 'unknown');
    assert.deepEqual(await leftOf(ledger, account), [10, 0]);
  });

  guarantee(
    'more than was reserved comes of what is left, then of the credit, and never below zero',
    async (ledger) => {
      const account = await settle(ledger, 35);
      await draw(ledger, account, 'a'); // 25 sat, 100 units
      assert.equal(await report(ledger, 'a', 90), 90);
      assert.deepEqual(await leftOf(ledger, account), [25, 10]);
      await draw(ledger, account, 'b'); // 15 sat, 110 units
      assert.equal(await report(ledger, 'b', 160), 160, 'by buying 100 more');
      assert.deepEqual(await leftOf(ledger, account), [5, 50]);
      await draw(ledger, account, 'c');
      assert.equal(await report(ledger, 'c', 1_000), 50, 'no more is there');
      assert.deepEqual(await leftOf(ledger, account), [5, 0]);
      assert.equal(await draw(ledger, account, 'd'), 'exhausted');
      assert.equal(await report(ledger, 'c', 1_000), 50);
    },
  );

  guarantee('no report takes what another request has reserved', async (ledger) => {
    const account = await settle(ledger, 10);
    for (const useId of ['a', 'b', 'c']) await draw(ledger, account, useId);
    assert.equal(await report(ledger, 'a', 1_000), 40, 'its own 30, and 10 that nobody had reserved');
    assert.deepEqual([await report(ledger, 'b', 30), await report(ledger, 'c', 30)], [30, 30]);
    assert.deepEqual(await leftOf(ledger, account), [0, 0]);
  });

  guarantee('a reservation ends to the millisecond; a late report takes what is left', async (ledger) => {
    const account = await settle(ledger, 10);
    for (const useId of ['a', 'b', 'c']) await draw(ledger, account, useId);
    assert.equal(await draw(ledger, account, 'd', { nowMs: 999 }), 'exhausted');
    assert.deepEqual(await draw(ledger, account, 'd', { nowMs: 1_000 }), [0, 70]);
    assert.equal(await report(ledger, 'a', 65, 1_500), 65);
    assert.equal(await report(ledger, 'b', 20, 1_500), 5);
    assert.equal(await report(ledger, 'd', 30, 1_500), 30);
    assert.deepEqual(await leftOf(ledger, account, 1_500), [0, 0]);
  });

  guarantee('a use is forgotten after its end, and what was charged for it stays so', async (ledger) => {
    const account = await settle(ledger, 10);
    for (const useId of ['a', 'b']) await draw(ledger, account, useId);
    await report(ledger, 'a', 25);
    assert.equal(await ledger.forget(999, 10), false);
    assert.equal(await report(ledger, 'a', 25, 999), 25);
    assert.equal(await ledger.forget(1_000, 2), true);
    for (const useId of ['a', 'b']) assert.equal(await report(ledger, useId, 25, 1_000), 'unknown');
    assert.deepEqual(await leftOf(ledger, account, 1_000), [0, 75]);
  });

  guarantee('a question that is asked twice is one use', async (ledger) => {
    const account = await settle(ledger, 10);
    const once = { key: 'request', untilMs: 500 };
    const ask = async (useId: string, nowMs: number) => {
      const drawn = await ledger.draw(account, debitOf(useId, { once, nowMs }), true);
      return drawn.standing === 'debited' ? drawn.use : drawn.standing;
    };
    const asked = await Promise.all(times(5, (index) => ask(`${index}`, 0)));
    assert.equal(new Set(asked.map((use) => typeof use === 'object' && use.id)).size, 1);
    assert.deepEqual(await leftOf(ledger, account), [0, 70]);
    assert.deepEqual(await ask('late', 500), { id: 'late', unitsLeft: 40 });
  });

  guarantee('units of one rule, and of one raised price, do not open another', async (ledger) => {
    const account = await settle(ledger, 30);
    assert.deepEqual(await draw(ledger, account, 'a'), [20, 70]);
    assert.deepEqual(await draw(ledger, account, 'b', { rule: 'premium@20', amount: 20 }), [0, 70]);
    assert.equal(await draw(ledger, account, 'c', { rule: 'other' }), 'exhausted');
    assert.deepEqual(await draw(ledger, account, 'd'), [0, 40]);
  });

  guarantee('a rule that sold requests before sells units beside what is left of them', async (ledger) => {
    const account = await settle(ledger, 30);
    const requests: Debit = { rule: 'premium', amount: 10, unit: 'sat', buys: { requests: 2 }, nowMs: 0 };
    assert.equal((await ledger.draw(account, requests, true)).standing, 'debited'); // 20 sat, one request
    assert.deepEqual(await draw(ledger, account, 'a'), [10, 70]);
    const { standing, balance } = await ledger.draw(account, requests, true);
    assert.deepEqual([standing, balance], ['debited', 10]);
    assert.deepEqual(await leftOf(ledger, account), [10, 70]);
  });

  guarantee('a price in another unit opens nothing', async (ledger) => {
    const account = await settle(ledger, 30);
    await draw(ledger, account, 'a');
    assert.equal(await draw(ledger, account, 'b', { unit: 'usd' }), 'exhausted');
  });

  guarantee('whatever is drawn and reported, all that was bought is taken, reserved or left', async (ledger) => {
    const step: fc.Arbitrary<Step> = fc.oneof(
      fc.record({ do: fc.constant('draw' as const) }),
      fc.record({ do: fc.constant('report' as const), use: fc.nat(9), units: fc.nat(120) }),
      fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(1, 500, 1_000) }),
    );
    const turns = fc.array(fc.array(step), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 10, max: 60 }), turns, async (credit, played) => {
        const account = await settle(ledger, credit);
        const { act, charged, now } = play(ledger, account);
        for (const race of played) await Promise.all(race.map(act));
        const left = await leftOf(ledger, account, now() + 10_000);
        assert.ok(Array.isArray(left));
        const [sat = -1, units = -1] = left;
        assert.ok(sat >= 0 && units >= 0);
        const taken = [...charged.values()].reduce((sum, one) => sum + one, 0);
        assert.equal(((credit - sat) / price.amount) * price.units, units + taken);
      }),
      { numRuns: 60 },
    );
  });
};
