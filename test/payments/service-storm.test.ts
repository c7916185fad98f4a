/** The whole service, killed at any moment while it serves, and started again: what was begun is ended without its payers. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { encodeToken } from '../../examples/play-mint/token.ts';
import type { Balance } from '../../src/paywall/wallet/proof-store.ts';
import { openSqliteStores } from '../../src/stores/sqlite/stores.ts';
import { startMint } from '../peers/mint.ts';
import { coinsOf } from '../peers/purse.ts';
import { type Sallyport, startSallyport } from '../sallyport.ts';
import { until } from '../servers/until.ts';
import { ask, codeOf, times } from './ask.ts';

const LIVES = 12;
const LANES = 6;
const MOST_ANSWERS = 24;
const PRICE = 8;

/** A token, and how often its payer heard that it paid. */
type Gift = { readonly token: string; paid: number };

const enter = async (t: TestContext) => {
  const mint = await startMint({ owner: t });
  const config = `
cashu: { mints: ["${mint.url}"], request_timeout: 3s }
rules: [{ name: premium, match: { path: "/premium/**" }, accept: [cashu], price: ${PRICE} }]
`;
  const gifts: Gift[] = [];
  const give = (): Gift => {
    const gift = { token: encodeToken({ mint: mint.url, unit: 'sat', proofs: coinsOf(mint.mint, [PRICE]) }), paid: 0 };
    gifts.push(gift);
    return gift;
  };
  let directory: string | undefined;
  const live = async (): Promise<Sallyport> => {
    const gate = await startSallyport({ owner: t, config, ...(directory !== undefined && { directory }) });
    directory ??= gate.directory;
    return gate;
  };
  return { mint, gifts, give, live };
};

/** Gives the answer's code, or that there was none. */
const send = async (gate: Sallyport, gift: Gift): Promise<string> => {
  try {
    const code = codeOf(await ask(gate.url, gift.token));
    if (code === 'paid') gift.paid += 1;
    return code;
  } catch {
    return 'no answer';
  }
};

test(`the service is killed ${LIVES} times while it is paid; the next lives end every payment, and the books agree to the sat`, async (t) => {
  const { mint, gifts, give, live } = await enter(t);
  const seen = new Set<string>();
  for (let life = 0; life < LIVES; life++) {
    const gate = await live();
    let isAlive = true;
    const time = Promise.withResolvers<void>();
    // By answers and not by the clock, so that machines of any speed get as far.
    let answersLeft = Math.floor(Math.random() * MOST_ANSWERS);
    const hear = (code: string): void => {
      seen.add(code);
      answersLeft -= 1;
      if (answersLeft < 0) time.resolve();
    };
    const pay = async (): Promise<void> => {
      while (isAlive) {
        hear(await send(gate, give()));
        const again = gifts[Math.floor(Math.random() * gifts.length)];
        if (again && isAlive) hear(await send(gate, again));
      }
    };
    const paying = Promise.all(times(LANES, pay));
    await time.promise;
    gate.signal('SIGKILL');
    isAlive = false;
    await Promise.all([paying, gate.exited()]);
  }
  const expected = ['paid', 'credit_exhausted', 'payment_uncertain', 'no answer'];
  assert.deepEqual(
    [...seen].filter((code) => !expected.includes(code)),
    [],
  );
  assert.ok(seen.has('no answer'), 'some were killed in the middle');

  const gate = await live();
  const stores = openSqliteStores(join(gate.directory, 'sallyport.db'));
  t.after(stores.close);
  const balance = async (): Promise<Balance> => (await stores.proofs.balances())[0] ?? assert.fail('no payment at all');
  const isDone = async () => {
    const { inFlight, uncollected } = await balance();
    return inFlight.count + uncollected.count === 0;
  };
  await until('every payment is ended and collected', isDone, { deadlineMs: 60_000, everyMs: 200 });
  const { proofs, owed } = await balance();
  t.diagnostic(JSON.stringify({ tokens: gifts.length, held: proofs.unspent, owed }));
  assert.equal(proofs.unspent.amount, mint.spentAmount(), 'all that was taken from payers is ours');
  const told = gifts.filter(({ paid }) => paid > 0);
  assert.ok(told.length > 0 && told.length * PRICE + owed <= mint.spentAmount());

  let unused = 0;
  for (const gift of gifts) {
    const spentBefore = mint.spentAmount();
    const code = await send(gate, gift);
    assert.ok(code === 'paid' || code === 'credit_exhausted', code);
    assert.ok(gift.paid <= 1, 'each opened once');
    if (code === 'paid' && mint.spentAmount() === spentBefore) unused += PRICE;
  }
  assert.equal(unused, owed, 'credit that was not used is there, and no other');
  assert.equal(mint.spentAmount(), gifts.length * PRICE);
});
