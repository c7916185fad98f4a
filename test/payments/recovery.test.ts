/** Payments whose callers never come back are brought to their end, by whichever process is there, and each once. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { createPayer } from '../../examples/play-mint/payer.ts';
import type { DuePayment, Outstanding } from '../../src/paywall/ledger.ts';
import { createRecovery, type Recovery, type RecoveryOptions } from '../../src/paywall/recovery.ts';
import type { Settle } from '../../src/paywall/settlement.ts';
import {
  answering,
  badJson,
  droppedAfter,
  droppedBefore,
  failingAfter,
  hold,
  hugeBody,
  rateLimited,
} from '../peers/faults.ts';
import { startMint } from '../peers/mint.ts';
import { until } from '../servers/until.ts';
import { openTill, type Till } from './till.ts';

type Watch = Readonly<{
  recovery: Recovery;
  recovered: string[];
  stranded: string[];
  failures: unknown[];
  outstanding: Outstanding[];
  /** How long each pause was to be; the last of them is under way. */
  pauses: number[];
  /** Ends the pause that is under way. */
  turn(): Promise<void>;
}>;

type Parts = Pick<RecoveryOptions, 'ledger' | 'settle' | 'now'> & Partial<RecoveryOptions>;

/** A worker whose pauses end when the test says so. */
const watch = (t: TestContext, parts: Parts): Watch => {
  const recovered: string[] = [];
  const stranded: string[] = [];
  const failures: unknown[] = [];
  const outstanding: Outstanding[] = [];
  const pauses: number[] = [];
  let proceed: () => void = () => undefined;
  const recovery = createRecovery({
    isAccepted: () => true,
    random: () => 0.5,
    pause: (ms, signal) => {
      pauses.push(ms);
      return new Promise((resolve) => {
        proceed = resolve;
        signal.addEventListener('abort', () => resolve());
        if (signal.aborted) resolve();
      });
    },
    onOutstanding: (found) => outstanding.push(found),
    onRecovered: ({ id }, result) => recovered.push(`${result} ${id}`),
    onStranded: (mint) => stranded.push(mint),
    onFailed: (error) => failures.push(error),
    ...parts,
  });
  t.after(recovery.close);
  const turn = async (): Promise<void> => {
    const before = pauses.length;
    proceed();
    await until('it has looked again', () => pauses.length > before);
  };
  return { recovery, recovered, stranded, failures, outstanding, pauses, turn };
};

const worker = async (t: TestContext, { ledger, settle, clock }: Till): Promise<Watch> => {
  const watched = watch(t, { ledger, settle, now: () => clock.nowMs });
  watched.recovery.start();
  await until('it has looked', () => watched.pauses.length > 0);
  return watched;
};

for (const [title, fault, next] of [
  ['before it acted', droppedBefore, droppedBefore],
  ['after it had acted', droppedAfter, droppedAfter],
  ['by too many requests', rateLimited(3), rateLimited(3)],
  ['in an error after it had acted', failingAfter(500), answering(500)],
  ['in JSON that breaks off', badJson, badJson],
  ['in a body without end', hugeBody(), hugeBody()],
] as const) {
  test(`the mint’s answer was lost ${title}, and the caller never comes back: settled all the same`, async (t) => {
    const mint = await startMint({ owner: t });
    const till = await openTill(t, { mints: [mint.url], timeoutMs: 1_000 });
    mint.faults.set('/v1/swap', fault);
    mint.faults.set('/v1/checkstate', next);
    assert.equal(await till.ask(await createPayer(mint.url).token(8)), 'payment_uncertain');
    const { recovered, outstanding, turn } = await worker(t, till);
    assert.deepEqual(outstanding.at(-1)?.count, 1);
    assert.deepEqual(outstanding.at(-1)?.due, [], 'it rests');
    mint.faults.clear();
    till.clock.nowMs += 1_000;
    await turn();
    await until('it is settled', () => recovered.length === 1);
    await turn();
    assert.equal(outstanding.at(-1)?.count, 0);
    assert.equal(mint.spentAmount(), 8);
    assert.equal(till.credited(), 8);
  });
}

test('what another process has left in the middle is taken up when its lease has run out, not before', async (t) => {
  const mint = await startMint({ owner: t });
  const first = await openTill(t, { mints: [mint.url], timeoutMs: 1_000 });
  const gate = hold('before');
  mint.faults.set('/v1/swap', gate.fault, { times: 1 });
  const lost = first.ask(await createPayer(mint.url).token(8));
  await until('the mint has the swap', () => gate.waiting() === 1);
  const other = await openTill(t, { mints: [mint.url], directory: first.directory, clock: first.clock });
  const { recovered, turn } = await worker(t, other);
  await turn();
  assert.equal(mint.faults.seen('/v1/swap'), 1, 'the first still has its lease');
  first.clock.nowMs += 60_000;
  await turn();
  await until('it is settled', () => recovered.length === 1);
  assert.deepEqual([first.concluded, other.concluded], [[], ['settled']]);
  gate.release();
  assert.equal(await lost, 'paid');
  assert.equal(other.credited(), 8);
});

test('several workers on one ledger settle each payment once, and the mint sees each swap once', async (t) => {
  const mint = await startMint({ owner: t });
  const payer = createPayer(mint.url);
  const first = await openTill(t, { mints: [mint.url], timeoutMs: 1_000 });
  mint.faults.set('/v1/swap', droppedBefore);
  const tokens = await Promise.all(Array.from({ length: 30 }, () => payer.token(8)));
  const answers = await Promise.all(tokens.map((token) => first.ask(token)));
  assert.ok(answers.every((answer) => answer === 'payment_uncertain'));
  mint.faults.clear();
  const seen = mint.faults.seen('/v1/swap');
  const { clock, directory } = first;
  clock.nowMs += 60_000;
  const tills = [first, ...(await Promise.all([1, 2].map(() => openTill(t, { mints: [mint.url], directory, clock }))))];
  const watched = await Promise.all(tills.map((till) => worker(t, till)));
  const recovered = () => watched.flatMap((each) => each.recovered);
  await until('all are settled', () => recovered().length >= 30);
  assert.equal(new Set(recovered()).size, 30);
  assert.equal(recovered().length, 30);
  assert.equal(mint.faults.seen('/v1/swap') - seen, 30);
  assert.equal(first.credited(), 240);
  assert.equal(mint.spentAmount(), 240);
});

/** A ledger of nothing but names: what is settled is not due any more. */
const listing = (payments: readonly DuePayment[]) => {
  const left = new Map(payments.map((payment) => [payment.id, payment]));
  const asked: string[] = [];
  const ledger: RecoveryOptions['ledger'] = {
    async outstanding(_, exceptMints, limit) {
      const due = [...left.values()].filter(({ mint }) => !exceptMints.includes(mint)).slice(0, limit);
      return { count: left.size, oldestAtMs: payments[0]?.createdAtMs, due };
    },
  };
  const settle: Settle = async (id) => {
    asked.push(id);
    left.delete(id);
    return { resolution: 'settled' };
  };
  return { ledger, settle, asked, left };
};

const paymentsAt = (mint: string, count: number, createdAtMs = 0): DuePayment[] =>
  Array.from({ length: count }, (_, index) => ({ id: `${mint} ${index}`, mint, createdAtMs }));

test('a thousand payments of a mint that is not configured any more keep nobody waiting, and are told of once', async (t) => {
  const { ledger, settle, asked } = listing([...paymentsAt('gone', 1_000), ...paymentsAt('here', 100)]);
  const isAccepted = (mint: string) => mint === 'here';
  const { recovery, recovered, stranded, turn } = watch(t, { ledger, settle, now: () => 0, isAccepted });
  recovery.start();
  await until('all are settled', () => recovered.length === 100);
  await turn();
  assert.deepEqual(stranded, ['gone']);
  assert.ok(asked.every((id) => id.startsWith('here')));
});

test('a mint that gives no certain answer is asked once and then rests, and another goes on meanwhile', async (t) => {
  const { ledger, settle } = listing([...paymentsAt('silent', 50), ...paymentsAt('good', 70)]);
  const clock = { nowMs: 0 };
  const asked: string[] = [];
  const silentOrGood: Settle = async (id, ...rest) => {
    asked.push(id);
    return id.startsWith('silent') ? { resolution: 'uncertain', untilMs: 30_000 } : settle(id, ...rest);
  };
  const { recovery, recovered, turn } = watch(t, { ledger, settle: silentOrGood, now: () => clock.nowMs });
  const silences = () => asked.filter((id) => id.startsWith('silent')).length;
  recovery.start();
  await until('the good are settled', () => recovered.length === 70);
  assert.equal(silences(), 1);
  clock.nowMs += 4_999;
  await turn();
  assert.equal(silences(), 1);
  clock.nowMs += 1;
  await turn();
  await until('it is asked again', () => silences() === 2);
});

test('at one mint no more than four are under way, of a hundred that wait', async (t) => {
  const { ledger, settle } = listing(paymentsAt('mint', 100));
  let under = 0;
  let most = 0;
  const slow: Settle = async (...args) => {
    under += 1;
    most = Math.max(most, under);
    await new Promise(setImmediate);
    under -= 1;
    return settle(...args);
  };
  const { recovery, recovered } = watch(t, { ledger, settle: slow, now: () => 0 });
  recovery.start();
  await until('all are settled', () => recovered.length === 100);
  assert.equal(most, 4);
});

test('a slow mint does not keep another waiting', async (t) => {
  const { ledger, settle, left } = listing([...paymentsAt('slow', 1), ...paymentsAt('good', 1)]);
  const gate = Promise.withResolvers<void>();
  const slowOrGood: Settle = async (id, ...rest) => {
    if (id.startsWith('slow')) await gate.promise;
    return settle(id, ...rest);
  };
  const { recovery, recovered, turn } = watch(t, { ledger, settle: slowOrGood, now: () => 0 });
  recovery.start();
  await until('the good one is settled', () => recovered.length === 1);
  left.set('good 2', { id: 'good 2', mint: 'good', createdAtMs: 0 });
  await turn();
  await until('so is the next', () => recovered.length === 2);
  gate.resolve();
  await until('and the slow one', () => recovered.length === 3);
});

test('one payment that cannot be read keeps no other waiting, and is told', async (t) => {
  const { ledger, settle } = listing(paymentsAt('mint', 10));
  const broken: Settle = async (id, ...rest) => {
    if (id === 'mint 0') throw new Error('sealed with another key');
    return settle(id, ...rest);
  };
  const { recovery, recovered, failures } = watch(t, { ledger, settle: broken, now: () => 0 });
  recovery.start();
  await until('the others are settled', () => recovered.length === 9);
  await until('it is told', () => failures.length === 1);
});

test('a ledger that does not answer is told once, and looked into again and again', async (t) => {
  let fails = true;
  const { ledger, settle } = listing(paymentsAt('mint', 1));
  const failing: RecoveryOptions['ledger'] = {
    outstanding: async (...args) => {
      if (fails) throw new Error('disk I/O error');
      return ledger.outstanding(...args);
    },
  };
  const { recovery, recovered, failures, pauses, turn } = watch(t, { ledger: failing, settle, now: () => 0 });
  recovery.start();
  await until('it has looked', () => pauses.length === 1);
  for (const _ of [1, 2, 3]) await turn();
  assert.equal(failures.length, 1);
  assert.deepEqual(new Set(pauses), new Set([2_000]), 'no faster than when all is well');
  fails = false;
  await turn();
  await until('it is settled', () => recovered.length === 1);
});

test('processes that started together do not look together', async (t) => {
  const { ledger, settle } = listing([]);
  const pausesOf = async (random: () => number): Promise<number> => {
    const { recovery, pauses } = watch(t, { ledger, settle, now: () => 0, random });
    recovery.start();
    await until('it has looked', () => pauses.length === 1);
    return pauses[0] ?? 0;
  };
  assert.deepEqual([await pausesOf(() => 0), await pausesOf(() => 0.999)], [1_000, 2_998]);
});

test('once it is closed nothing more is begun', async (t) => {
  const { ledger, settle, asked } = listing(paymentsAt('mint', 50));
  const gate = Promise.withResolvers<void>();
  const slow: Settle = async (...args) => {
    await gate.promise;
    return settle(...args);
  };
  const { recovery, failures } = watch(t, { ledger, settle: slow, now: () => 0 });
  recovery.start();
  await new Promise(setImmediate);
  await recovery.close();
  gate.resolve();
  await new Promise(setImmediate);
  assert.equal(asked.length, 1, 'the one that was under way');
  assert.deepEqual(failures, []);
});

test('payments that have waited for long are a problem that readiness shows; those of this minute are none', async (t) => {
  const clock = { nowMs: 0 };
  const settle: Settle = async () => ({ resolution: 'uncertain', untilMs: 0 });
  const { ledger } = listing(paymentsAt('mint', 3));
  const { recovery, pauses, turn } = watch(t, { ledger, settle, now: () => clock.nowMs });
  assert.equal(recovery.problem(), undefined);
  recovery.start();
  await until('it has looked', () => pauses.length === 1);
  clock.nowMs = 5 * 60_000 - 1;
  await turn();
  assert.equal(recovery.problem(), undefined);
  clock.nowMs += 1;
  assert.match(recovery.problem() ?? '', /no certain answer for 3 payments, the oldest of 1970-01-01T00:00:00/);
});
