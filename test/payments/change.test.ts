/** Exact amounts out of proofs that do not make them: nothing is lost or given twice, whatever the mint or the machine does. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { getDecodedToken } from '@cashu/cashu-ts';
import { createPayer } from '../../examples/play-mint/payer.ts';
import type { SpendStore } from '../../src/paywall/wallet/spend-store.ts';
import { droppedAfter, droppedBefore, hold, silences } from '../peers/faults.ts';
import { startMint } from '../peers/mint.ts';
import { refusing, tooFewSignatures, wrongSignatures } from '../peers/mint-faults.ts';
import { until } from '../servers/until.ts';
import { collectAll } from './collect.ts';
import { balanceOf, exportedOf, receive, takerOf } from './taker.ts';
import { openTill } from './till.ts';

const price = { amount: 1, unit: 'sat', buys: { requests: 1 } };

const enter = async (t: TestContext, inputFeePpk = 0, amount = 64) => {
  const peer = await startMint({ owner: t, keysets: [{ inputFeePpk }] });
  const till = await openTill(t, { mints: [peer.url], prices: { premium: price }, timeoutMs: 5_000 });
  assert.equal(await till.ask(await createPayer(peer.url).token(amount)), 'paid');
  await collectAll(till);
  return { peer, till, url: peer.url, ...takerOf(till) };
};

test('an amount that the proofs do not make is swapped for, and the change is held', async (t) => {
  const { peer, till, url, take } = await enter(t);
  const swaps = peer.faults.seen('/v1/swap');
  const exported = exportedOf(await take(url, 'sat', 21));
  assert.equal(peer.faults.seen('/v1/swap') - swaps, 1);
  assert.deepEqual(await till.proofs.findExport(exported.id), exported);
  const { proofs, fees } = await balanceOf(till);
  assert.deepEqual([proofs.unspent.amount, proofs.reserved.amount, proofs.exchanged.amount], [43, 21, 64]);
  assert.equal(await receive(url, exported.token), 21);
  assert.equal(exportedOf(await take(url, 'sat', 43)).amount, 43, 'the change is money');
  assert.deepEqual([fees.amount, peer.mint.totals().fees], [0, 0]);
});

test('the mint’s fee is taken from what is held, not from the token, and is a line of its own', async (t) => {
  const { till, url, take } = await enter(t, 1_000, 66);
  assert.equal(exportedOf(await take(url, 'sat', 21)).amount, 21);
  const { proofs, fees } = await balanceOf(till);
  assert.deepEqual([proofs.unspent, proofs.reserved.amount, fees.amount], [{ amount: 42, count: 3 }, 21, 1]);
  assert.deepEqual(
    await take(url, 'sat', 41),
    { outcome: 'too-little', most: 40 },
    'three proofs cost 3, two cost nothing',
  );
  assert.equal(exportedOf(await take(url, 'sat', 39)).amount, 39);
  assert.deepEqual([(await balanceOf(till)).proofs.unspent.amount, (await balanceOf(till)).fees.amount], [0, 4]);
});

test('one amount after another, until nothing is held', async (t) => {
  const { url, take } = await enter(t, 0, 63);
  for (const amount of [1, 3, 2, 5, 7, 11, 13, 17, 4]) {
    assert.equal(exportedOf(await take(url, 'sat', amount)).amount, amount);
  }
  assert.deepEqual(await take(url, 'sat', 1), { outcome: 'too-little', most: 0 });
});

for (const [title, fault] of [...silences, ['has too few signatures', tooFewSignatures] as const]) {
  test(`the answer to our swap ${title}: uncertain, then the token, once`, async (t) => {
    const { peer, till, url, take, finish } = await enter(t);
    peer.faults.set('/v1/swap', fault);
    peer.faults.set('/v1/checkstate', droppedBefore);
    const outcome = await take(url, 'sat', 21);
    const id = outcome.outcome === 'uncertain' ? outcome.id : assert.fail(outcome.outcome);
    assert.equal((await balanceOf(till)).proofs.pending.amount, 64);
    assert.deepEqual(await take(url, 'sat', 1), { outcome: 'too-little', most: 0 }, 'it is not spent again');
    await finish();
    assert.equal(await till.proofs.findExport(id), undefined, 'it rests');
    peer.faults.clear();
    till.clock.nowMs += 1_000;
    await Promise.all([finish(), takerOf(till).finish()]);
    const found = await till.proofs.findExport(id);
    assert.equal(await receive(url, found?.token ?? ''), 21);
    const { proofs } = await balanceOf(till);
    assert.deepEqual([proofs.unspent.amount, proofs.reserved.amount, proofs.pending.amount], [43, 21, 0]);
  });
}

test('an answer that was lost is restored at once, where the mint tells', async (t) => {
  const { peer, url, take } = await enter(t);
  peer.faults.set('/v1/swap', droppedAfter, { times: 1 });
  assert.equal(await receive(url, exportedOf(await take(url, 'sat', 21)).token), 21);
});

/** The process ends there: nothing that comes after is done. */
const dyingAt = (spends: SpendStore, step: 'prepare' | 'lease' | 'settle'): SpendStore => ({
  ...spends,
  [step]: async () => {
    throw new Error('killed');
  },
});

for (const [step, fault, left] of [
  ['prepare', undefined, [64, 0]],
  ['lease', undefined, [43, 21]],
  ['settle', undefined, [43, 21]],
  ['settle', droppedAfter, [43, 21]],
] as const) {
  test(`killed at ${step}${fault ? ', after a lost answer' : ''}: the next command finds every unit`, async (t) => {
    const { peer, till, url, finish } = await enter(t);
    if (fault) peer.faults.set('/v1/swap', fault, { times: 1 });
    const killed = takerOf(till, { spends: dyingAt(till.spends, step) });
    const outcome = await killed.take(url, 'sat', 21).catch(() => undefined);
    assert.notEqual(outcome?.outcome, 'exported');
    till.clock.nowMs += 60_000;
    await finish();
    const { proofs } = await balanceOf(till);
    assert.deepEqual([proofs.unspent.amount, proofs.reserved.amount], left);
    for (const { id } of await till.proofs.exports(10)) {
      assert.equal(await receive(url, (await till.proofs.findExport(id))?.token ?? ''), 21);
    }
  });
}

test('two processes at once, while the mint has acted and not yet answered: one token', async (t) => {
  const { peer, till, url, take } = await enter(t);
  const held = hold('after');
  peer.faults.set('/v1/swap', held.fault, { times: 1 });
  const first = take(url, 'sat', 21);
  await until('the mint has acted', () => held.waiting() === 1);
  const [second] = await Promise.all([takerOf(till).take(url, 'sat', 21), takerOf(till).finish()]);
  assert.deepEqual(second, { outcome: 'too-little', most: 0 });
  held.release();
  exportedOf(await first);
  assert.equal((await till.proofs.exports(10)).length, 1);
});

test('keys that change in between: drawn anew, and nothing is lost', async (t) => {
  const { peer, till, url, take } = await enter(t);
  await till.mintOf(url)?.activeKeys('sat');
  const { id } = peer.mint.rotate();
  const { token } = exportedOf(await take(url, 'sat', 21));
  const ids = peer.mint.keysets().map(({ keyset }) => keyset.id);
  assert.equal(getDecodedToken(token, ids).proofs[0]?.id, id);
  assert.deepEqual((await till.spends.list(10)).map(({ state }) => state).sort(), ['failed', 'settled']);
  assert.equal((await balanceOf(till)).proofs.unspent.amount, 43);
});

test('a mint that refuses for good: said so, and all is held as before', async (t) => {
  const { peer, till, url, take } = await enter(t);
  const before = peer.faults.seen('/v1/swap');
  peer.faults.set('/v1/swap', refusing(10_000));
  assert.equal((await take(url, 'sat', 21)).outcome, 'refused');
  assert.equal((await balanceOf(till)).proofs.unspent.amount, 64);
  assert.equal(peer.faults.seen('/v1/swap') - before, 4, 'two draws, each posted twice');
});

test('a mint out of reach: no change, the nearest amounts without it, and nothing is written', async (t) => {
  const { peer, till, url } = await enter(t, 0, 10);
  await peer.outage();
  const fresh = await openTill(t, { mints: [url], directory: till.directory, clock: till.clock, timeoutMs: 1_000 });
  const outcome = await takerOf(fresh).take(url, 'sat', 9);
  assert.deepEqual({ ...outcome, reason: '' }, { outcome: 'no-change', reason: '', below: 8, above: 10 });
  assert.deepEqual(await till.spends.list(10), []);
  assert.equal(exportedOf(await takerOf(fresh).take(url, 'sat', 8)).amount, 8);
});

test('what somebody else has spent is found lost, and the rest still serves', async (t) => {
  const { till, url, take } = await enter(t, 0, 96);
  const { take: thief } = takerOf(till, { proofs: { ...till.proofs, export: () => Promise.resolve(true) } });
  await receive(url, exportedOf(await thief(url, 'sat', 64)).token);
  assert.equal(exportedOf(await take(url, 'sat', 21)).amount, 21);
  const { proofs } = await balanceOf(till);
  assert.deepEqual([proofs.lost.amount, proofs.unspent.amount, proofs.reserved.amount], [64, 11, 21]);
});

test('signatures that are wrong make no token: they are bad, the mint’s debt, and in the books', async (t) => {
  const { peer, till, url, take } = await enter(t);
  peer.faults.set('/v1/swap', wrongSignatures, { times: 1 });
  await assert.rejects(take(url, 'sat', 21), /signed wrongly/);
  const { proofs } = await balanceOf(till);
  assert.equal(proofs.reserved.amount, 0);
  assert.ok(proofs.bad.amount > 0);
  assert.deepEqual(await till.proofs.exports(1), []);
});
