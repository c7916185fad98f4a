/** What the mint signed for settled payments becomes proofs of our own, whoever was killed in between, and each once. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { createPayer } from '../../examples/play-mint/payer.ts';
import { checkSignature } from '../../examples/play-mint/signing.ts';
import { createSealer } from '../../src/paywall/seal.ts';
import { type CollectorOptions, createCollector } from '../../src/paywall/wallet/collector.ts';
import type { NewProof } from '../../src/paywall/wallet/proof-store.ts';
import { createSealedProofStore } from '../../src/paywall/wallet/sealed-proof-store.ts';
import { answering, droppedAfter, type Fault } from '../peers/faults.ts';
import { startMint } from '../peers/mint.ts';
import { withoutDleq, wrongSignatures } from '../peers/mint-faults.ts';
import { until } from '../servers/until.ts';
import { openTill, type Till } from './till.ts';

const price = { amount: 8, unit: 'sat', buys: { requests: 1 } };

const enter = async (t: TestContext, mintOptions: Parameters<typeof startMint>[0] = {}) => {
  const peer = await startMint({ owner: t, ...mintOptions });
  const till = await openTill(t, { mints: [peer.url], prices: { premium: price } });
  return { peer, till, pay: createPayer(peer.url) };
};

/** A collector whose pauses end when the test says so, or it is woken. */
const watch = (t: TestContext, till: Till, parts: Partial<CollectorOptions> = {}) => {
  const collected: { paymentId: string; proofs: readonly NewProof[] }[] = [];
  const postponed: unknown[] = [];
  const failures: unknown[] = [];
  let pauses = 0;
  let proceed: () => void = () => undefined;
  const collector = createCollector({
    proofs: till.proofs,
    mintOf: till.mintOf,
    curve: till.curve,
    now: () => till.clock.nowMs,
    pause(ms, signal) {
      if (ms < 1_000) return Promise.resolve();
      pauses += 1;
      const { promise, resolve } = Promise.withResolvers<void>();
      proceed = resolve;
      signal.addEventListener('abort', () => resolve());
      if (signal.aborted) resolve();
      return promise;
    },
    onCollected: ({ paymentId }, proofs) => collected.push({ paymentId, proofs }),
    onPostponed: (_, error) => postponed.push(error),
    onFailed: (error) => failures.push(error),
    ...parts,
  });
  t.after(collector.close);
  /** Until it has looked everywhere and waits. */
  const look = async (act: () => void = () => proceed()): Promise<void> => {
    const before = pauses;
    act();
    await until('it has looked', () => pauses > before);
  };
  return { collector, collected, postponed, failures, look, start: () => look(() => collector.start()) };
};

const balanceOf = async ({ proofs }: Till) => {
  const [balance, ...more] = await proofs.balances();
  assert.deepEqual(more, []);
  assert.ok(balance);
  return balance;
};

const sum = (proofs: readonly { amount: number }[]): number => proofs.reduce((total, { amount }) => total + amount, 0);

test('every settled payment becomes proofs that the mint takes, worth what it brought', async (t) => {
  const { peer, till, pay } = await enter(t, { keysets: [{ inputFeePpk: 100 }] });
  for (const amount of [8, 1_023]) assert.equal(await till.ask(await pay.token(amount)), 'paid');
  const { collected, start } = watch(t, till);
  await start();
  assert.equal(collected.length, 2);
  const made = await till.proofs.proofs(peer.url, 'sat', 'unspent', '', 100);
  assert.equal(sum(made), 8 + 1_023 - 2);
  for (const { keysetId, amount, secret, C } of made) {
    const entry = peer.mint.keysets().find(({ keyset }) => keyset.id === keysetId);
    assert.ok(entry);
    checkSignature(entry.keyset, { id: keysetId, amount, secret, C });
  }
  const { received, uncollected, proofs } = await balanceOf(till);
  assert.deepEqual(received, { amount: 1_029, count: 2 });
  assert.deepEqual(uncollected, { amount: 0, count: 0 });
  assert.equal(proofs.unspent.amount, 1_029);
});

test('a payment that settles wakes it; nothing is collected twice, by however many', async (t) => {
  const { till, pay } = await enter(t);
  const workers = [watch(t, till), watch(t, till), watch(t, till)];
  await Promise.all(workers.map(({ start }) => start()));
  await Promise.all([8, 9, 10, 11, 12].map(async (amount) => till.ask(await pay.token(amount))));
  await Promise.all(workers.map(({ look, collector }) => look(() => collector.wake())));
  assert.equal(
    workers.reduce((total, { collected }) => total + collected.length, 0),
    5,
  );
  assert.equal((await balanceOf(till)).proofs.unspent.amount, 50);
});

test('more payments than fit in one look', async (t) => {
  const { till, pay } = await enter(t);
  const tokens = await Promise.all(Array.from({ length: 70 }, () => pay.token(8)));
  for (const token of tokens) assert.equal(await till.ask(token), 'paid');
  const { collected, start } = watch(t, till);
  await start();
  assert.equal(collected.length, 70);
});

test('signatures that were restored after a lost answer are collected like any others', async (t) => {
  const { peer, till, pay } = await enter(t);
  peer.faults.set('/v1/swap', droppedAfter, { times: 1 });
  assert.equal(await till.ask(await pay.token(21)), 'paid');
  const { collected, start } = watch(t, till);
  await start();
  assert.deepEqual(
    collected.flatMap(({ proofs }) => proofs.map(({ state }) => state)),
    ['unspent', 'unspent', 'unspent'],
  );
});

const wrongProof: Fault = async (act) => {
  const answer = await act();
  if (typeof answer?.body !== 'string') return answer;
  return { ...answer, body: answer.body.replaceAll(/"s":"[0-9a-f]{4}/g, '"s":"0000') };
};

for (const [title, fault, state] of [
  ['of other outputs', wrongSignatures, 'bad'],
  ['with a DLEQ that proves nothing', wrongProof, 'bad'],
  ['without a DLEQ, which is optional', withoutDleq, 'unspent'],
] as const) {
  test(`signatures ${title}: the payer keeps the credit, the proofs are ${state}`, async (t) => {
    const { peer, till, pay } = await enter(t);
    peer.faults.set('/v1/swap', fault);
    const token = await pay.token(24);
    assert.equal(await till.ask(token), 'paid');
    const { collected, start } = watch(t, till);
    await start();
    assert.equal(till.credited(), 24);
    assert.equal(await till.ask(token), 'paid');
    const { proofs, received } = await balanceOf(till);
    assert.deepEqual(proofs[state], { amount: 24, count: 2 });
    assert.equal(received.amount, 24);
    assert.equal(collected.length, 1);
    assert.deepEqual(await till.proofs.uncollected('', [], 10), []);
  });
}

test('a mint whose keys cannot be had is asked again after a while, and keeps no other waiting', async (t) => {
  const [slow, fine] = [await startMint({ owner: t }), await startMint({ owner: t })];
  const till = await openTill(t, { mints: [slow.url, fine.url], prices: { premium: price } });
  assert.equal(await till.ask(await createPayer(slow.url).token(8)), 'paid');
  assert.equal(await till.ask(await createPayer(slow.url).token(8)), 'paid');
  assert.equal(await till.ask(await createPayer(fine.url).token(8)), 'paid');
  slow.faults.set('/v1/keys/*', answering(500));
  // Another process, which has not seen the keys yet.
  const later = await openTill(t, { mints: [slow.url, fine.url], directory: till.directory, clock: till.clock });
  const { collected, postponed, start, look } = watch(t, later);
  await start();
  assert.equal(collected.length, 1);
  assert.equal(postponed.length, 1, 'told once');
  slow.faults.clear();
  await look();
  assert.equal(collected.length, 1, 'it rests');
  till.clock.nowMs += 30_000;
  await look();
  assert.equal(collected.length, 3);
});

test('the money of a mint that is not accepted any more is kept until it is again', async (t) => {
  const { peer, till, pay } = await enter(t);
  assert.equal(await till.ask(await pay.token(8)), 'paid');
  const { postponed, collected, start } = watch(t, till, { mintOf: () => undefined });
  await start();
  assert.equal(collected.length, 0);
  assert.match(String(postponed[0]), new RegExp(`${peer.url} is not in cashu.mints`));
  const { uncollected } = await balanceOf(till);
  assert.deepEqual(uncollected, { amount: 8, count: 1 });
});

test('a store that fails for a while is said once, and everything is collected when it works', async (t) => {
  const { till, pay } = await enter(t);
  assert.equal(await till.ask(await pay.token(8)), 'paid');
  let broken = true;
  const proofs = {
    ...till.proofs,
    uncollected: (...asked: Parameters<typeof till.proofs.uncollected>) =>
      broken ? Promise.reject(new Error('disk')) : till.proofs.uncollected(...asked),
  };
  const { collected, failures, start, look } = watch(t, till, { proofs });
  await start();
  await look();
  assert.equal(failures.length, 1);
  broken = false;
  await look();
  assert.equal(collected.length, 1);
});

test('what was written before a crash, and not read again by anybody, is read by the next process', async (t) => {
  const { till, pay } = await enter(t);
  assert.equal(await till.ask(await pay.token(40)), 'paid');
  const { collector, start } = watch(t, till, {
    proofs: { ...till.proofs, collect: () => Promise.reject(new Error('killed before it was written')) },
  });
  await start();
  await collector.close();
  assert.equal((await balanceOf(till)).uncollected.amount, 40);
  const next = watch(t, till);
  await next.start();
  assert.equal((await balanceOf(till)).proofs.unspent.amount, 40);
});

test('a payment that cannot be written keeps no other waiting, and is reported once', async (t) => {
  const { till, pay } = await enter(t);
  for (let count = 0; count < 3; count++) assert.equal(await till.ask(await pay.token(8)), 'paid');
  const [spoilt] = await till.proofs.uncollected('', [], 1);
  const collect: typeof till.proofs.collect = async (made, nowMs) => {
    if (made.some(({ payment }) => payment.paymentId === spoilt?.paymentId)) throw new Error('disk');
    return till.proofs.collect(made, nowMs);
  };
  const { collected, failures, start, look } = watch(t, till, { proofs: { ...till.proofs, collect } });
  await start();
  await look();
  assert.equal(collected.length, 2);
  assert.equal(failures.length, 1);
});

test('sealed, no secret of our proofs is readable in the database, and each opens again', async (t) => {
  const { peer, till, pay } = await enter(t);
  assert.equal(await till.ask(await pay.token(8)), 'paid');
  const proofs = createSealedProofStore(till.proofs, createSealer(randomBytes(32)));
  const { collected, start } = watch(t, till, { proofs });
  await start();
  const [made] = collected.flatMap((each) => each.proofs);
  const [kept] = await till.proofs.proofs(peer.url, 'sat', 'unspent', '', 10);
  const [opened] = await proofs.proofs(peer.url, 'sat', 'unspent', '', 10);
  assert.ok(made && kept && opened);
  assert.ok(!JSON.stringify(kept).includes(made.secret));
  assert.equal(opened.secret, made.secret);
  assert.deepEqual(await proofs.find([made.id]), [opened]);
});

test('a payment that cannot be read keeps no other waiting, and is reported once', async (t) => {
  const { till, pay } = await enter(t);
  for (let count = 0; count < 3; count++) assert.equal(await till.ask(await pay.token(8)), 'paid');
  const [spoilt] = await till.proofs.uncollected('', [], 1);
  const signed: typeof till.proofs.signed = (paymentId) =>
    paymentId === spoilt?.paymentId ? Promise.reject(new Error('sealed')) : till.proofs.signed(paymentId);
  const { collected, failures, start, look } = watch(t, till, { proofs: { ...till.proofs, signed } });
  await start();
  await look();
  assert.equal(collected.length, 2);
  assert.equal(failures.length, 1);
});
