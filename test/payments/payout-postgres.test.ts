/** Two replicas on one PostgreSQL pay out by themselves at the same moment: each unit leaves once. */
import assert from 'node:assert/strict';
import { after, type TestContext, test } from 'node:test';
import { createPayer } from '../../examples/play-mint/payer.ts';
import { createHandOut, HANDED_OUT } from '../../src/paywall/wallet/hand-out.ts';
import { readInvoice } from '../../src/paywall/wallet/lightning.ts';
import { createAddressPayer } from '../../src/paywall/wallet/pay-address.ts';
import { createPayout, type PayOut } from '../../src/paywall/wallet/payout.ts';
import { openPostgresStores } from '../../src/stores/postgres/stores.ts';
import { startMint } from '../peers/mint.ts';
import { createDatabase, startPostgres } from '../servers/postgres.ts';
import { settingsOf } from '../servers/postgres-stores.ts';
import { needs } from '../servers/programs.ts';
import { paymentOf, setOf, signatures } from './ledger-contract.ts';
import { balanceOf, exportedOf, receive, type Taker, takerOf } from './taker.ts';
import { openTill } from './till.ts';

const options = needs('postgres');
const url = options.skip ? '' : (await startPostgres({ owner: { after } })).url;

const HELD = 256;

/** Two replicas, and what they hold: as many coins as there are, so that both find some of their own. */
const enter = async (t: TestContext) => {
  const [peer, database] = [await startMint({ owner: t }), await createDatabase({ url })];
  const till = await openTill(t, { mints: [peer.url], timeoutMs: 5_000 });
  const replicas = await Promise.all(
    [1, 2].map(async () => {
      const { proofs, spends, ledger, close } = await openPostgresStores(settingsOf(database));
      t.after(close);
      const takerFor = (changes: Parameters<typeof takerOf>[1] = {}): Taker =>
        takerOf(till, { proofs, spends, ...changes });
      return { proofs, ledger, takerFor };
    }),
  );
  const [first, second] = replicas;
  assert.ok(first && second);
  const claims = setOf('a');
  const payment = { ...paymentOf(claims, { credit: HELD }), mint: peer.url };
  await first.ledger.prepare({ ...payment, amount: HELD, swap: { ...payment.swap, fee: 0 } }, claims);
  await first.ledger.settle(payment.id, 1, signatures, 0);
  const coins = await createPayer(peer.url).proofs(HELD, { coins: Array.from({ length: 32 }, () => 8) });
  const made = coins.map(({ id, amount, secret, C }, index) => ({
    ...{ id: `proof ${index}`, keysetId: id, amount: Number(amount), secret, C, state: 'unspent' as const },
  }));
  await first.proofs.collect([{ payment: { paymentId: payment.id, mint: peer.url, unit: 'sat' }, proofs: made }], 0);
  return { peer, till, replicas: [first, second] as const, proofs: first.proofs };
};

type Entered = Awaited<ReturnType<typeof enter>>;

/** Both look at once; what came of each. */
const lookAtOnce = async (entered: Entered, ways: readonly PayOut[], keep: number): Promise<string[]> => {
  const results: string[] = [];
  await Promise.all(
    entered.replicas.map(({ proofs }, index) =>
      createPayout({
        proofs,
        payOut: ways[index] ?? assert.fail(),
        ...{ isAccepted: () => true, unit: 'sat', above: keep, keep, keepOwed: false },
        onPayout: ({ amount, result }) => results.push(`${result} ${amount}`),
      })(new AbortController().signal),
    ),
  );
  const { unspent } = (await balanceOf(entered)).proofs;
  assert.ok(unspent.amount >= keep, `${unspent.amount} are held, ${keep} were to stay`);
  return results;
};

const sumOf = (results: readonly string[], word: string): number =>
  results.reduce((sum, result) => sum + (result.startsWith(`${word} `) ? Number(result.split(' ')[1]) : 0), 0);

test('to an address: what is to stay stays, and what the books say is held can be spent', options, async (t) => {
  const entered = await enter(t);
  const { peer, replicas, proofs } = entered;
  let invoices = 0;
  const askInvoice = async (_: string, msat: number) => {
    invoices += 1;
    const serial = String(invoices).replaceAll('1', 'q').padStart(60, 'q');
    return readInvoice(`lnbcrt${msat / 1_000}0n1${serial}${'p'.repeat(40 + invoices)}`) ?? assert.fail();
  };
  const ways = replicas.map(({ takerFor }) => createAddressPayer(takerFor({ askInvoice }).melt, 'me@pay.example'));
  const all: string[] = [];
  for (const keep of [200, 150, 100, 50]) {
    all.push(...(await lookAtOnce(entered, ways, keep)));
    const { proofs: held } = await balanceOf({ proofs });
    assert.ok(held.unspent.amount >= keep, `${held.unspent.amount} are held, ${keep} were to stay`);
  }
  const { melted, proofs: held } = await balanceOf({ proofs });
  assert.ok(melted.amount > 0 && melted.amount === sumOf(all, 'paid'), all.join());
  // Whatever is held can be spent: the mint has taken nothing twice, and nothing that the books still count.
  const rest = exportedOf(await replicas[0].takerFor().take(peer.url, 'sat', 'all'));
  assert.equal(await receive(peer.url, rest.token), held.unspent.amount);
});

test('to a folder: no two tokens have a proof in common, and all of them can be received', options, async (t) => {
  const entered = await enter(t);
  const { peer, replicas, proofs } = entered;
  const delivered = new Map<string, string>();
  const handOuts = replicas.map(({ proofs: own, takerFor }) =>
    createHandOut({
      proofs: own,
      take: takerFor({ idsBegin: HANDED_OUT }).take,
      isOurs: () => true,
      deliver: async (id, token) => void delivered.set(id, token),
      now: () => 1,
    }),
  );
  const ways = handOuts.map(({ payOut }) => payOut);
  const all: string[] = [];
  for (const keep of [200, 150, 100, 0]) all.push(...(await lookAtOnce(entered, ways, keep)));
  await Promise.all(handOuts.map(({ deliverAll }) => deliverAll()));
  const { proofs: left } = await balanceOf({ proofs });
  assert.equal(left.unspent.amount + sumOf(all, 'exported'), HELD, all.join());
  let received = 0;
  for (const token of delivered.values()) received += await receive(peer.url, token);
  assert.equal(received, sumOf(all, 'exported'));
  assert.ok(delivered.size >= 4);
});
