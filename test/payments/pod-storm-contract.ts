/** What every store of pods holds to when processes are killed, whichever database is behind it. */
import assert from 'node:assert/strict';
import { type TestContext, type TestOptions, test } from 'node:test';
import { claimsOf } from '../../src/paywall/claim.ts';
import type { PodRow } from '../../src/pods/pod-store.ts';
import { wire } from '../peers/purse.ts';
import { createWorkdir } from '../servers/workdir.ts';
import {
  type Aftermath,
  type Gift,
  podPoints,
  points,
  requestsTrade,
  type StormStore,
  storm,
  type Trade,
} from './storm.ts';
import { balanceBooks } from './storm-books.ts';
import { AMOUNT, openPlayMint, type StormMint } from './storm-mints.ts';
import { isForeign, podsIn, RUNS_MS } from './storm-namespace.ts';

const tradeIn = (namespace: string): Trade => ({
  points: [...points.filter((point) => point !== 'collecting'), ...podPoints],
  price: `{ amount: ${AMOUNT}, buys: { time: ${RUNS_MS / 1_000}s } }`,
  answers: [...requestsTrade.answers, 'pods_full', 'pods_unavailable', 'pod_pending'],
  namespace,
});

const accountOf = ({ url: mint }: StormMint, { proofs }: Gift): string =>
  claimsOf({ mint, proofs: proofs.map(wire).map(({ id, amount, secret, C }) => ({ id, amount, secret, C })) })
    .paymentId;

/** Each token bought one pod at most that was there, and its payer was told of no other. */
const checkGift = (gift: Gift, rows: readonly PodRow[], balance: number): void => {
  const had = rows.filter(({ ending }) => ending !== 'given_back');
  assert.ok(had.length <= 1, 'one pod for one price');
  assert.ok(rows.every(({ name, ending }) => !isForeign(name) || ending === 'given_back'));
  assert.deepEqual(
    [...gift.pods].filter((name) => !had.some((row) => row.name === name)),
    [],
    'what was told is there',
  );
  assert.ok(rows.length === 0 || balance === AMOUNT * (1 - had.length), 'paid for it, or back on the account');
};

const checkPods = async ({ open }: StormStore, mint: StormMint, { gifts, nowMs }: Aftermath, folder: string) => {
  const { ledger, pods, close } = await open();
  try {
    const rows = await pods.list({ alive: false, limit: 10_000 });
    const byAccount = Map.groupBy(rows, ({ paymentId }) => paymentId);
    for (const gift of gifts) {
      const accountId = accountOf(mint, gift);
      checkGift(gift, byAccount.get(accountId) ?? [], await ledger.balanceOf(accountId));
    }
    const alive = rows.filter(({ ending, expiresAtMs }) => ending === undefined && expiresAtMs > nowMs);
    assert.deepEqual(
      [...podsIn(folder)].sort(),
      alive.map(({ name }) => name).sort(),
      'what is paid for is there, and nothing else',
    );
    await pods.releaseReserved(nowMs);
    assert.equal((await pods.counts()).reserved, 0, 'no place is kept for ever');
    return {
      made: rows.filter(({ ending }) => ending !== 'given_back').length,
      givenBack: rows.filter(({ ending }) => ending === 'given_back').length,
    };
  } finally {
    await close();
  }
};

export const podStormContract = (
  name: string,
  make: (t: TestContext) => Promise<StormStore>,
  kills: number,
  options: TestOptions = {},
): void => {
  test(
    `${name}: ${kills} processes are killed between payments and pods, and rows, pods and books agree`,
    options,
    async (t) => {
      const [mint, store] = [await openPlayMint(t), await make(t)];
      const folder = createWorkdir('storm-pods', { after: (end) => t.after(end) }).path;
      const aftermath = await storm(t, mint, store, kills, tradeIn(folder));
      t.diagnostic(JSON.stringify(Object.fromEntries(aftermath.died)));
      const deadly = [...aftermath.died.values()].filter((count) => count > 0).length;
      // Not every storm gets to every point.
      assert.ok(deadly >= kills / 2 - 1, `${deadly} points`);
      const pods = await checkPods(store, mint, aftermath, folder);
      const books = await balanceBooks(store, mint, aftermath);
      assert.ok(books.settled > 0 && pods.made > 0);
      t.diagnostic(`${aftermath.gifts.length} tokens; pods: ${JSON.stringify(pods)}; in sat: ${JSON.stringify(books)}`);
    },
  );
};
