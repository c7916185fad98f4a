/** What every store holds to when processes are killed, whichever database is behind it. */
import assert from 'node:assert/strict';
import { type TestContext, type TestOptions, test } from 'node:test';
import { points, type StormStore, storm } from './storm.ts';
import { balanceBooks } from './storm-books.ts';
import { openPlayMint, type StormMint } from './storm-mints.ts';

/** On each of two ledgers, side by side. */
const KILLS = 105;

/** `kill -9` at each of the points of a redemption: no sat is lost, none counted twice. */
export const weather = async (t: TestContext, mint: StormMint, store: StormStore, kills: number): Promise<void> => {
  const aftermath = await storm(t, mint, store, kills);
  const { died, gifts } = aftermath;
  for (const point of points)
    assert.ok((died.get(point) ?? 0) >= kills / (2 * points.length), `${point}: ${died.get(point)}`);
  const books = await balanceBooks(store, mint, aftermath);
  assert.ok(books.settled > 0 && books.elsewhere > 0 && books.untouched > 0);
  t.diagnostic(
    `${JSON.stringify(Object.fromEntries(died))} of ${gifts.length} tokens; in sat: ${JSON.stringify(books)}`,
  );
};

export const stormContract = (
  name: string,
  make: (t: TestContext) => Promise<StormStore>,
  options: TestOptions = {},
): void => {
  const title = `${name}: ${2 * KILLS} processes are killed, and the payers, the mint and two ledgers agree to the sat`;
  test(title, options, async (t) => {
    const run = async () => weather(t, await openPlayMint(t), await make(t), KILLS);
    // Both to their end, so that none goes on without what the test has put away.
    const ended = await Promise.allSettled([1, 2].map(run));
    for (const one of ended) if (one.status === 'rejected') throw one.reason;
  });
};
