/** Paying by Lightning: never twice, and nothing lost, whatever the mint or the machine does. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { createPayer } from '../../examples/play-mint/payer.ts';
import { readInvoice } from '../../src/paywall/wallet/lightning.ts';
import type { MeltResult } from '../../src/paywall/wallet/melt.ts';
import { createAddressPayer } from '../../src/paywall/wallet/pay-address.ts';
import { createPayout } from '../../src/paywall/wallet/payout.ts';
import type { SpendStore } from '../../src/paywall/wallet/spend-store.ts';
import { droppedAfter, droppedBefore, type Fault, silences } from '../peers/faults.ts';
import { startMint } from '../peers/mint.ts';
import { refusing } from '../peers/mint-faults.ts';
import { collectAll } from './collect.ts';
import { balanceOf, exportedOf, takerOf } from './taker.ts';
import { openTill } from './till.ts';

const price = { amount: 1, unit: 'sat', buys: { requests: 1 } };

let invoices = 0;

/** One that no other test has. */
const invoiceOf = (sat: number): string => {
  invoices += 1;
  return `lnbcrt${sat}0n1${String(invoices).replaceAll('1', 'q').padStart(60, 'q')}${'p'.repeat(40 + invoices)}`;
};

const enter = async (t: TestContext, inputFeePpk = 0) => {
  const peer = await startMint({ owner: t, keysets: [{ inputFeePpk }] });
  const till = await openTill(t, { mints: [peer.url], prices: { premium: price }, timeoutMs: 5_000 });
  assert.equal(await till.ask(await createPayer(peer.url).token(256)), 'paid');
  await collectAll(till);
  const pay = (sat: number, to = invoiceOf(sat), taker = takerOf(till)): Promise<MeltResult> =>
    taker.melt({ mint: peer.url, unit: 'sat', amount: sat, to, maxFee: 10 });
  return { peer, till, url: peer.url, pay, ...takerOf(till) };
};

const wordOf = (result: MeltResult): string => result.melted;

test('an invoice is paid once, the change comes back, and the fee is a line of its own', async (t) => {
  const { till, url, take, pay } = await enter(t);
  const invoice = invoiceOf(100);
  const result = await pay(100, invoice);
  assert.ok(result.melted === 'paid' && result.record.fee === 1);
  const { proofs, melted, fees } = await balanceOf(till);
  assert.deepEqual([proofs.unspent.amount, melted.amount, fees.amount, proofs.exchanged.amount], [155, 100, 1, 256]);
  assert.equal(wordOf(await pay(100, invoice)), 'before');
  assert.equal(wordOf(await pay(100, `LIGHTNING:${invoice.toUpperCase()}`)), 'before');
  assert.equal(exportedOf(await take(url, 'sat', 155)).amount, 155, 'the change is money');
});

test('input fees are counted', async (t) => {
  const { till, pay } = await enter(t, 1_000);
  const held = (await balanceOf(till)).proofs.unspent.amount;
  assert.equal(wordOf(await pay(100)), 'paid');
  const { proofs, melted, fees } = await balanceOf(till);
  assert.equal(proofs.unspent.amount, held - melted.amount - fees.amount);
  assert.ok(fees.amount >= 2);
});

test('what must not be paid is refused before anything is written', async (t) => {
  const { peer, till, url, melt, pay } = await enter(t);
  const order = { mint: url, unit: 'sat', amount: 100, to: invoiceOf(100), maxFee: 10 };
  const refused = [
    { ...order, to: 'lnbc1' },
    { ...order, to: 'not an address' },
    { ...order, to: invoiceOf(101) },
    { ...order, unit: 'usd' },
    { ...order, maxFee: 1 },
    { ...order, amount: 255, to: invoiceOf(255) },
    { ...order, to: 'me@127.0.0.1' },
  ];
  for (const each of refused) assert.equal(wordOf(await melt(each)), 'refused', each.to);
  peer.faults.set('/v1/melt/quote/bolt11', async (act) => {
    const answer = await act();
    return answer && { ...answer, body: String(answer.body).replace('"amount":100', '"amount":200') };
  });
  assert.equal(wordOf(await pay(100)), 'refused', 'a mint that wants more than the invoice');
  assert.deepEqual(await till.spends.list(10), []);
  assert.equal(peer.faults.seen('/v1/melt/bolt11'), 0);
});

for (const [title, fault] of silences) {
  test(`the answer to our melt ${title}, and nothing is told then: uncertain, then paid, once`, async (t) => {
    const { peer, till, url, finish, pay, take } = await enter(t);
    peer.faults.set('/v1/melt/bolt11', async (act, asked) => {
      peer.faults.set('/v1/melt/quote/bolt11/*', droppedBefore);
      return fault(act, asked);
    });
    const invoice = invoiceOf(100);
    assert.equal(wordOf(await pay(100, invoice)), 'uncertain');
    assert.equal(wordOf(await pay(100, invoice)), 'before');
    assert.equal((await balanceOf(till)).proofs.pending.amount, 256);
    peer.faults.clear();
    till.clock.nowMs += 1_000;
    await Promise.all([finish(), takerOf(till).finish()]);
    const { proofs, melted, fees } = await balanceOf(till);
    assert.deepEqual([proofs.unspent.amount, melted.amount, fees.amount], [155, 100, 1]);
    assert.equal(exportedOf(await take(url, 'sat', 155)).amount, 155);
  });
}

test('change that the mint does not tell is restored', async (t) => {
  const { peer, till, pay } = await enter(t);
  const quiet: Fault = async (act) => {
    const answer = await act();
    const { change, ...rest } = JSON.parse(String(answer?.body));
    return { status: 200, body: JSON.stringify(rest) };
  };
  peer.faults.set('/v1/melt/*', quiet);
  assert.equal(wordOf(await pay(100)), 'paid');
  const { proofs, fees } = await balanceOf(till);
  assert.deepEqual([proofs.unspent.amount, fees.amount], [155, 1]);
});

for (const isPaid of [true, false]) {
  test(`a payment that is under way for long, and then ${isPaid ? 'arrives' : 'fails'}`, async (t) => {
    const { peer, till, finish, pay } = await enter(t);
    peer.mint.setLightning('pending');
    assert.equal(wordOf(await pay(100)), 'uncertain');
    for (let looks = 0; looks < 5; looks++) {
      till.clock.nowMs += 60_000;
      await finish();
      assert.equal((await balanceOf(till)).proofs.pending.amount, 256);
    }
    const posts = peer.faults.seen('/v1/melt/bolt11');
    assert.equal(posts, 1, 'it is looked at, not posted');
    peer.mint.concludeMelts(isPaid);
    peer.mint.setLightning('failed');
    till.clock.nowMs += 60_000;
    await finish();
    const { proofs, melted } = await balanceOf(till);
    assert.deepEqual([proofs.unspent.amount, melted.amount], isPaid ? [155, 100] : [256, 0]);
  });
}

test('a mint that cannot pay: all is held as before, and the same invoice may be tried again', async (t) => {
  const { peer, till, pay } = await enter(t);
  peer.mint.setLightning('failed');
  const invoice = invoiceOf(100);
  assert.equal(wordOf(await pay(100, invoice)), 'refused');
  assert.equal((await balanceOf(till)).proofs.unspent.amount, 256);
  peer.mint.setLightning('paid');
  assert.equal(wordOf(await pay(100, invoice)), 'paid');
  assert.deepEqual((await till.spends.list(10)).map(({ state }) => state).sort(), ['failed', 'settled']);
});

test('a refusal while an earlier post may be under way frees nothing', async (t) => {
  const { peer, till, finish, pay } = await enter(t);
  peer.faults.set('/v1/melt/bolt11', droppedBefore);
  assert.equal(wordOf(await pay(100)), 'uncertain');
  peer.faults.set('/v1/melt/bolt11', refusing(20_004));
  till.clock.nowMs += 60_000;
  await finish();
  assert.equal((await balanceOf(till)).proofs.pending.amount, 256);
  till.clock.nowMs += 130_000;
  await finish();
  assert.equal((await balanceOf(till)).proofs.unspent.amount, 256);
});

test('nor while a mint that may take minutes was given up a moment ago', async (t) => {
  const { peer, till, pay } = await enter(t);
  const taker = takerOf(till, { callMs: 300_000 });
  peer.faults.set('/v1/melt/bolt11', async () => {
    till.clock.nowMs += 300_000;
    return undefined;
  });
  assert.equal(wordOf(await pay(100, invoiceOf(100), taker)), 'uncertain');
  peer.faults.set('/v1/melt/bolt11', refusing(20_004));
  till.clock.nowMs += 60_000;
  await taker.finish();
  assert.equal((await balanceOf(till)).proofs.pending.amount, 256);
  till.clock.nowMs += 130_000;
  await taker.finish();
  assert.equal((await balanceOf(till)).proofs.unspent.amount, 256);
});

/** The process ends there: nothing that comes after is done. */
const dyingAt = (spends: SpendStore, step: 'prepare' | 'lease' | 'settle'): SpendStore => ({
  ...spends,
  [step]: async () => {
    throw new Error('killed');
  },
});

for (const [step, fault, left] of [
  ['prepare', undefined, [256, 0]],
  ['lease', undefined, [155, 100]],
  ['settle', undefined, [155, 100]],
  ['settle', droppedAfter, [155, 100]],
] as const) {
  test(`killed at ${step}${fault ? ', after a lost answer' : ''}: the next process ends it, and it is paid once`, async (t) => {
    const { peer, till, finish, pay } = await enter(t);
    if (fault) peer.faults.set('/v1/melt/bolt11', fault, { times: 1 });
    const killed = takerOf(till, { spends: dyingAt(till.spends, step) });
    const invoice = invoiceOf(100);
    const result = await pay(100, invoice, killed).catch(() => undefined);
    assert.notEqual(result?.melted, 'paid');
    till.clock.nowMs += 60_000;
    await finish();
    const { proofs, melted } = await balanceOf(till);
    assert.deepEqual([proofs.unspent.amount, melted.amount], left);
    assert.equal(wordOf(await pay(100, invoice)), step === 'prepare' ? 'paid' : 'before');
  });
}

test('many who pay the same invoice at once pay it once', async (t) => {
  const { till, pay } = await enter(t);
  const invoice = invoiceOf(50);
  const results = await Promise.all([1, 2, 3, 4].map(() => pay(50, invoice, takerOf(till))));
  assert.equal(results.filter(({ melted }) => melted === 'paid').length, 1);
  assert.equal((await balanceOf(till)).melted.amount, 50);
});

test('an address is asked for one invoice, and not again while a payment to it is under way', async (t) => {
  const { peer, till, url, finish } = await enter(t);
  const asked: string[] = [];
  const { melt } = takerOf(till, {
    askInvoice: async (address, msat) => {
      asked.push(`${address} ${msat}`);
      return readInvoice(invoiceOf(msat / 1_000)) ?? assert.fail();
    },
  });
  const order = { mint: url, unit: 'sat', amount: 50, to: 'Me@pay.example', maxFee: 10 };
  peer.mint.setLightning('pending');
  assert.equal(wordOf(await melt(order)), 'uncertain');
  assert.equal(wordOf(await melt(order)), 'before');
  assert.deepEqual(asked, ['me@pay.example 50000']);
  peer.mint.concludeMelts(true);
  till.clock.nowMs += 60_000;
  await finish();
  peer.mint.setLightning('paid');
  assert.equal(wordOf(await melt(order)), 'paid', 'once more, for it is asked for once more');
  assert.equal((await balanceOf(till)).melted.amount, 100);
  const lying = takerOf(till, { askInvoice: async () => readInvoice(invoiceOf(51)) ?? assert.fail() });
  assert.equal(wordOf(await lying.melt(order)), 'refused');
});

test('what is held above a threshold is paid out, once, whoever looks, and what is owed may stay', async (t) => {
  const { peer, till, url } = await enter(t);
  const results: string[] = [];
  const askInvoice = async (_: string, msat: number) => readInvoice(invoiceOf(msat / 1_000)) ?? assert.fail();
  const payout = (above: number, keep: number, keepOwed = false) =>
    createPayout({
      ...{ proofs: till.proofs, payOut: createAddressPayer(takerOf(till, { askInvoice }).melt, 'me@pay.example') },
      ...{ isAccepted: (mint) => mint === url, unit: 'sat', above, keep, keepOwed },
      onPayout: ({ amount, result }) => results.push(`${result} ${amount}`),
    })(new AbortController().signal);
  await payout(256, 0);
  await payout(200, 0, true); // 255 are owed
  assert.deepEqual(results, []);
  peer.mint.setLightning('pending');
  await payout(200, 50);
  await payout(0, 0);
  assert.deepEqual(results, ['uncertain 196'], 'nothing is held meanwhile');
  peer.mint.concludeMelts(true);
  peer.mint.setLightning('paid');
  till.clock.nowMs += 60_000;
  await takerOf(till).finish();
  await Promise.all([payout(20, 20), payout(20, 20), payout(20, 20)]);
  assert.equal(results.filter((result) => result === 'paid 29').length, 1);
  assert.equal((await balanceOf(till)).melted.amount, 196 + 29);
});

test('the amount of an invoice is read to the millisatoshi, or not at all', () => {
  const rest = `1${'q'.repeat(60)}`;
  const amounts = [
    ['lnbc1', 100_000_000_000],
    ['lnbc2500u', 250_000_000],
    ['lnbc20m', 2_000_000_000],
    ['lntb100n', 10_000],
    ['lnbcrt10p', 1],
    ['LIGHTNING:LNBC15n', 1_500],
  ] as const;
  for (const [head, msat] of amounts) assert.equal(readInvoice(`${head}${rest}`)?.amountMsat, msat, head);
  for (const bad of ['lnbc', 'lnbc0', 'lnbc1p', 'lnbc1x', 'lnxx1', 'lnbc9999999999999999']) {
    assert.equal(readInvoice(`${bad}${rest}`), undefined, bad);
  }
});
