/** Whatever is done to pods in whatever order and at once: no more than there may be, and every sat in one place. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { claimsOf } from '../../src/paywall/claim.ts';
import type { Debit } from '../../src/paywall/ledger.ts';
import type { PodRow } from '../../src/pods/pod-store.ts';
import { paymentOf, signatures } from './ledger-contract.ts';
import { orderOf, type PodBooks } from './pod-store-contract.ts';

const PRICE = 10;
const HOUR_MS = 3_600_000;
const MOST = 3;
const LONGEST_HOURS = 3;

const acts = ['pay', 'deposit', 'add', 'draw', 'create', 'delete', 'give back', 'expire', 'release'] as const;

type Act = Readonly<{ act: (typeof acts)[number]; who: number; credit: number; lateHours: number }>;

const anAct: fc.Arbitrary<Act> = fc.record({
  act: fc.constantFrom(...acts),
  who: fc.integer({ min: 0, max: 3 }),
  credit: fc.integer({ min: PRICE, max: 4 * PRICE }),
  lateHours: fc.integer({ min: 0, max: 2 }),
});

/** Each batch at once, one batch after the other. */
const anHistory = fc.array(fc.array(anAct, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 8 });

const createWorld = (books: PodBooks, round: number) => {
  const { ledger, pods } = books;
  const mint = `https://mint.example/${round}`;
  const isOurs = ({ paymentId }: PodRow): boolean => ours.has(paymentId);
  const ours = new Set<string>();
  let nowMs = 1_700_000_000_000;
  let paid = 0;
  let made = 0;
  const accounts = new Map<number, string>();
  const debit = (): Debit => ({
    rule: 'premium',
    amount: PRICE,
    unit: 'sat',
    buys: { timeMs: HOUR_MS },
    nowMs,
    pod: orderOf({ mostInAll: MOST, longestMs: LONGEST_HOURS * HOUR_MS }),
  });

  const pay = async (who: number, credit: number, commit: boolean): Promise<void> => {
    made += 1;
    const claims = claimsOf({ mint, proofs: [{ id: '00', amount: 1, secret: `${made}`, C: '02' }] });
    const accountId = accounts.get(who);
    const payment = { ...paymentOf(claims, { credit, createdAtMs: nowMs }), mint, accountId, wants: debit() };
    if ((await ledger.prepare(payment, claims)) !== true) return;
    ours.add(accountId ?? claims.paymentId);
    const presented = { claims, debit: debit(), commit, offer: undefined };
    await ledger.settle(claims.paymentId, 1, signatures, nowMs, presented);
    paid += credit;
    if (!accounts.has(who)) accounts.set(who, claims.paymentId);
  };

  const podOf = async (who: number): Promise<string> => {
    const rows = await pods.list({ alive: true, limit: 100 });
    return rows.find(({ paymentId }) => paymentId === accounts.get(who))?.name ?? 'none';
  };

  const doOne = async ({ act, who, credit }: Act): Promise<unknown> => {
    const accountId = accounts.get(who);
    switch (act) {
      case 'pay':
      case 'add':
        return pay(act === 'pay' ? made + 10 : who, credit, true);
      case 'deposit':
        return pay(who, credit, false);
      case 'draw':
        return accountId && ledger.draw(accountId, debit(), true);
      case 'create':
        return pods.noteCreated(await podOf(who), nowMs);
      case 'delete':
        return pods.end(await podOf(who), 'deleted', nowMs);
      case 'give back':
        return pods.giveBack(await podOf(who), nowMs);
      case 'expire':
        return Promise.all((await pods.expired(nowMs, 9)).map(({ name }) => pods.end(name, 'expired', nowMs)));
      case 'release':
        return pods.releaseReserved(nowMs);
    }
  };

  const check = async (): Promise<void> => {
    const { reserved, wanted, created } = await pods.counts();
    assert.ok(reserved + wanted + created <= MOST, `${reserved} + ${wanted} + ${created}`);
    const rows = (await pods.list({ alive: false, limit: 10_000 })).filter(isOurs);
    const had = rows.filter(({ ending }) => ending !== 'given_back');
    assert.ok(had.every(({ runsMs }) => runsMs <= LONGEST_HOURS * HOUR_MS));
    const live = had.filter((pod) => pod.ending === undefined && (pod.stage === 'wanted' || pod.expiresAtMs > nowMs));
    assert.equal(new Set(live.map(({ paymentId }) => paymentId)).size, live.length, 'one of each payer');
    const balance = (await books.proofs.balances()).find((one) => one.mint === mint);
    const spent = had.reduce((sum, { runsMs }) => sum + (runsMs / HOUR_MS) * PRICE, 0);
    assert.equal((balance?.owed ?? 0) + spent, paid);
  };

  return {
    async run(batch: readonly Act[]): Promise<void> {
      nowMs += (batch[0]?.lateHours ?? 0) * HOUR_MS;
      await Promise.all(batch.map(doOne));
      await check();
    },

    /** Leaves nothing that counts for the next round. */
    async end(): Promise<void> {
      for (const { name } of await pods.list({ alive: true, limit: 100 })) await pods.end(name, 'deleted', nowMs);
      await pods.releaseReserved(nowMs + 1);
    },
  };
};

export const podLedgerProperty = (
  name: string,
  open: (t: TestContext) => Promise<PodBooks>,
  numRuns: number,
  options: { skip?: string | false } = {},
): void => {
  test(
    `${name}: whatever is done to pods at once, there are no more than there may be, and every sat is in one place`,
    options,
    async (t) => {
      const books = await open(t);
      let round = 0;
      await fc.assert(
        fc.asyncProperty(anHistory, async (history) => {
          round += 1;
          const world = createWorld(books, round);
          for (const batch of history) await world.run(batch);
          await world.end();
        }),
        { numRuns, endOnFailure: true },
      );
    },
  );
};
