/** Tokens that are handed out by themselves: each once, whatever happens between the export and its delivery. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { createPayer } from '../../examples/play-mint/payer.ts';
import { createHandOut, HANDED_OUT } from '../../src/paywall/wallet/hand-out.ts';
import { createPayout } from '../../src/paywall/wallet/payout.ts';
import { droppedAfter, droppedBefore } from '../peers/faults.ts';
import { startMint } from '../peers/mint.ts';
import { collectAll } from './collect.ts';
import { balanceOf, receive, takerOf } from './taker.ts';
import { openTill } from './till.ts';

const price = { amount: 1, unit: 'sat', buys: { requests: 1 } };

const enter = async (t: TestContext, inputFeePpk = 0) => {
  const peer = await startMint({ owner: t, keysets: [{ inputFeePpk }] });
  const till = await openTill(t, { mints: [peer.url], prices: { premium: price }, timeoutMs: 5_000 });
  assert.equal(await till.ask(await createPayer(peer.url).token(256)), 'paid');
  await collectAll(till);
  const { take } = takerOf(till, { idsBegin: HANDED_OUT });
  const delivered = new Map<string, string>();
  const results: string[] = [];
  const handOut = (isDiskFull = false) =>
    createHandOut({
      proofs: till.proofs,
      take,
      isOurs: () => true,
      deliver: async (id, token) => {
        if (isDiskFull) throw new Error('the disk is full');
        delivered.set(id, token);
      },
      now: () => till.clock.nowMs,
    });
  const look = (above: number, keep: number) =>
    createPayout({
      ...{ proofs: till.proofs, payOut: handOut().payOut, isAccepted: () => true, unit: 'sat', above, keep },
      ...{ keepOwed: false, onPayout: ({ amount, result }) => results.push(`${result} ${amount}`) },
    })(new AbortController().signal);
  return { ...{ peer, till, url: peer.url, delivered, results, handOut, look } };
};

test('what is held above a threshold is exported, and handed out until that has succeeded once', async (t) => {
  const { till, url, delivered, results, handOut, look } = await enter(t);
  await look(256, 0);
  assert.deepEqual(results, []);
  await look(255, 56);
  assert.deepEqual(results, ['exported 200']);
  await assert.rejects(handOut(true).deliverAll(), /disk is full/);
  await handOut().deliverAll();
  const [[id, token] = []] = delivered;
  assert.equal((await till.proofs.findExport(id ?? ''))?.token, token);
  delivered.clear();
  await handOut().deliverAll();
  assert.equal(delivered.size, 0);
  assert.equal(await receive(url, token ?? ''), 200);
  assert.equal((await balanceOf(till)).proofs.unspent.amount, 56);
});

test('of many that look at once none takes what another has, and what an operator exports is not handed out', async (t) => {
  const { till, url, delivered, results, handOut, look } = await enter(t);
  await takerOf(till).take(url, 'sat', 6);
  await Promise.all([look(100, 50), look(100, 50), look(100, 50)]);
  assert.equal(results.filter((result) => result === 'exported 200').length, 1);
  await handOut().deliverAll();
  assert.equal(delivered.size, 1);
  const { proofs } = await balanceOf(till);
  assert.deepEqual([proofs.unspent.amount, proofs.reserved.amount], [50, 206]);
});

test('where the fee for change would have to come from nothing, so much less is exported', async (t) => {
  const { till, results, look } = await enter(t, 1_000);
  const { unspent } = (await balanceOf(till)).proofs;
  await look(100, 1);
  const [result = ''] = results;
  const amount = Number(/^exported (\d+)$/.exec(result)?.[1]);
  assert.ok(amount > unspent.amount - 20 && amount < unspent.amount, result);
});

test('where the mint’s answer is lost, the token is handed out as soon as it is there', async (t) => {
  const { peer, till, url, delivered, results, handOut, look } = await enter(t);
  peer.faults.set('/v1/swap', droppedAfter);
  peer.faults.set('/v1/checkstate', droppedBefore);
  await look(100, 56);
  assert.deepEqual(results, ['uncertain 200']);
  await handOut().deliverAll();
  assert.equal(delivered.size, 0);
  peer.faults.clear();
  till.clock.nowMs += 60_000;
  await takerOf(till).finish();
  await handOut().deliverAll();
  const [token = ''] = delivered.values();
  assert.equal(await receive(url, token), 200);
});
