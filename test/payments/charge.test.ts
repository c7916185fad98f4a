/** What a token opens, for how many requests, and at which rules; in one process, over real sockets to a genuine mint. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Amount } from '@cashu/cashu-ts';
import { createPayer } from '../../examples/play-mint/payer.ts';
import { encodeToken } from '../../examples/play-mint/token.ts';
import { isRefusal } from '../../src/core/refusal.ts';
import { answering, hold } from '../peers/faults.ts';
import { type FaultyMint, startMint } from '../peers/mint.ts';
import { until } from '../servers/until.ts';
import { openTill, type Till, type TillOptions } from './till.ts';

const priced = (amount: number, buys: { requests: number } | { timeMs: number } = { requests: 1 }, unit = 'sat') => ({
  amount,
  unit,
  buys,
});

type Scene = Readonly<{ mint: FaultyMint; till: Till; pay: ReturnType<typeof createPayer> }>;

const enter = async (
  t: TestContext,
  prices: TillOptions['prices'],
  { inputFeePpk = 0, ...options }: { inputFeePpk?: number } & Partial<TillOptions> = {},
): Promise<Scene> => {
  const mint = await startMint({ owner: t, keysets: [{ inputFeePpk }] });
  const till = await openTill(t, { mints: [mint.url], ...(prices && { prices }), ...options });
  return { mint, till, pay: createPayer(mint.url) };
};

const tally = async (asked: readonly Promise<string>[]): Promise<Record<string, number>> => {
  const counts: Record<string, number> = {};
  for (const answer of await Promise.all(asked)) counts[answer] = (counts[answer] ?? 0) + 1;
  return counts;
};

const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));

for (const [bought, price, amount] of [
  [1, priced(8), 8],
  [3, priced(8), 30],
  [150, priced(8, { requests: 50 }), 24],
] as const) {
  test(`of 200 requests that race with one token, ${bought} get in, and the mint is asked once`, async (t) => {
    const { mint, till, pay } = await enter(t, { premium: price });
    const token = await pay.token(amount);
    assert.deepEqual(await tally(times(200, () => till.ask(token))), { paid: bought, credit_exhausted: 200 - bought });
    assert.equal(mint.faults.seen('/v1/swap'), 1);
    assert.equal(mint.spentAmount(), amount);
    assert.equal(till.credited(), amount);
  });
}

test('200 requests through two services on one database: still one swap, and what was bought', async (t) => {
  const { mint, till, pay } = await enter(t, { premium: priced(1) });
  const other = await openTill(t, {
    mints: [mint.url],
    prices: { premium: priced(1) },
    directory: till.directory,
    clock: till.clock,
  });
  const token = await pay.token(100);
  const counts = await tally(times(200, (index) => (index % 2 === 0 ? till : other).ask(token)));
  assert.deepEqual(counts, { paid: 100, credit_exhausted: 100 });
  assert.equal(mint.faults.seen('/v1/swap'), 1);
  assert.equal(mint.spentAmount(), 100);
});

test('the same proofs in another encoding are the same payment', async (t) => {
  const { mint, till, pay } = await enter(t, { premium: priced(4) });
  const proofs = await pay.proofs(12);
  const payment = { mint: mint.url, unit: 'sat', proofs };
  const spellings = [
    encodeToken(payment),
    encodeToken({ ...payment, proofs: proofs.toReversed() }, { version: 3, memo: 'anew' }),
    encodeToken({ ...payment, mint: `${mint.url.replace('http', 'HTTP')}/` }, { dleq: false }),
    encodeToken(payment),
  ];
  const answers: string[] = [];
  for (const token of spellings) answers.push(await till.ask(token));
  assert.deepEqual(answers, ['paid', 'paid', 'paid', 'credit_exhausted']);
  assert.equal(mint.faults.seen('/v1/swap'), 1);
});

test('parts of a token that was paid with, or more besides, are told to be so', async (t) => {
  const { mint, till, pay } = await enter(t, { premium: priced(1) });
  const proofs = await pay.proofs(7);
  const more = await pay.proofs(8);
  const encode = (part: typeof proofs) => encodeToken({ mint: mint.url, unit: 'sat', proofs: part });
  assert.equal(await till.ask(encode(proofs)), 'paid');
  for (const part of [proofs.slice(1), proofs.slice(0, 1), [...proofs, ...more], [...proofs.slice(1), ...more]]) {
    assert.equal(await till.ask(encode(part)), 'payment_overlap');
  }
  assert.equal(mint.spentAmount(), 7);
  assert.equal(await till.ask(encode(more)), 'paid');
});

test('sets that overlap and race: each proof is spent once, and credited once', async (t) => {
  const { mint, till, pay } = await enter(t, { premium: priced(1) });
  const proofs = await pay.proofs(15);
  const encode = (part: typeof proofs) => encodeToken({ mint: mint.url, unit: 'sat', proofs: part });
  const sets = times(15, (index) => proofs.filter((_, bit) => ((index + 1) >> bit) & 1));
  const counts = await tally(sets.map((part) => till.ask(encode(part))));
  assert.deepEqual(Object.keys(counts).sort(), ['paid', 'payment_overlap']);
  assert.equal(till.credited(), mint.spentAmount());
});

test('what is paid too much is credit for later requests', async (t) => {
  const { till, pay } = await enter(t, { premium: priced(10) });
  const token = await pay.token(35);
  const balances: unknown[] = [];
  for (const _ of [1, 2, 3]) balances.push(((await till.pay(token)) as { balance: number }).balance);
  assert.deepEqual(balances, [25, 15, 5]);
  const refusal = await till.pay(token);
  assert.ok(isRefusal(refusal) && refusal.code === 'credit_exhausted');
  assert.match(refusal.detail, /5 sat are left/);
  assert.match(refusal.headers?.['X-Cashu'] ?? '', /^creqA/);
});

test('one token at rules of different prices: each takes its own, as long as there is credit', async (t) => {
  const prices = { cheap: priced(5), dear: priced(20), hour: priced(10, { timeMs: 3_600_000 }) };
  const { mint, till, pay } = await enter(t, prices);
  const token = await pay.token(36);
  assert.equal(await till.ask(token, 'cheap'), 'paid'); // 31 left
  assert.equal(await till.ask(token, 'dear'), 'paid'); // 11 left
  assert.equal(await till.ask(token, 'dear'), 'credit_exhausted');
  assert.equal(await till.ask(token, 'hour'), 'paid'); // 1 left
  assert.equal(await till.ask(token, 'hour'), 'paid');
  assert.equal(await till.ask(token, 'cheap'), 'credit_exhausted');
  till.clock.nowMs += 3_600_000;
  assert.equal(await till.ask(token, 'hour'), 'credit_exhausted');
  assert.equal(mint.faults.seen('/v1/swap'), 1);
});

test('too little for one rule is left untouched, and opens a cheaper one', async (t) => {
  const { mint, till, pay } = await enter(t, { cheap: priced(5), dear: priced(20) });
  const token = await pay.token(6);
  assert.equal(await till.ask(token, 'dear'), 'insufficient_payment');
  assert.equal(mint.spentAmount(), 0);
  assert.equal(await till.ask(token, 'cheap'), 'paid');
  assert.equal(await till.ask(token, 'dear'), 'credit_exhausted');
});

test('at two rules at once, of which one is too dear: the other gets in all the same', async (t) => {
  const { till, pay } = await enter(t, { cheap: priced(5), dear: priced(20) });
  const token = await pay.token(5);
  const counts = await tally(times(20, (index) => till.ask(token, index % 2 === 0 ? 'dear' : 'cheap')));
  assert.equal(counts['paid'], 1);
  assert.equal(counts['payment_uncertain'] ?? 0, 0);
});

test('a time pass is open until the millisecond it ends', async (t) => {
  const { mint, till, pay } = await enter(t, { premium: priced(8, { timeMs: 60_000 }) });
  const token = await pay.token(16);
  assert.deepEqual(await tally(times(50, () => till.ask(token))), { paid: 50 });
  till.clock.nowMs += 59_999;
  assert.equal(await till.ask(token), 'paid');
  till.clock.nowMs += 1;
  assert.equal(await till.ask(token), 'paid', 'bought again with the other half');
  till.clock.nowMs += 60_000;
  assert.equal(await till.ask(token), 'credit_exhausted');
  assert.equal(mint.faults.seen('/v1/swap'), 1);
});

test('a preview asks the mint for nothing and takes nothing, whatever the token', async (t) => {
  const { mint, till, pay } = await enter(t, { premium: priced(8), dear: priced(9) });
  const token = await pay.token(8);
  const preview = (rule = 'premium') => till.ask(token, rule, 'preview');
  assert.deepEqual([await preview(), await preview('dear')], ['free', 'insufficient_payment']);
  assert.equal(mint.faults.seen('/v1/swap'), 0);
  assert.equal(await till.ask(token), 'paid');
  assert.deepEqual([await preview(), await preview()], ['credit_exhausted', 'credit_exhausted']);
  const other = await pay.token(16);
  assert.equal(await till.ask(other), 'paid');
  assert.equal(await till.ask(other, 'premium', 'preview'), 'paid');
  assert.equal(await till.ask(other), 'paid');
  assert.equal(await till.ask(other, 'premium', 'preview'), 'credit_exhausted');
});

for (const inputFeePpk of [0, 100, 1_000]) {
  for (const [amount, coins] of [
    [8, [8]],
    [1_000, [512, 256, 128, 64, 32, 8]],
    [1_023, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]],
  ] as const) {
    test(`at a fee of ${inputFeePpk} ppk, exactly ${amount} open a door of ${amount}`, async (t) => {
      const { mint, till, pay } = await enter(t, { premium: priced(amount) }, { inputFeePpk });
      const token = await pay.token(amount, { coins });
      assert.equal(await till.ask(token), 'paid');
      assert.equal(await till.ask(token), 'credit_exhausted');
      assert.equal(mint.spentAmount(), amount);
      assert.equal(till.credited(), amount);
    });
  }

  test(`at a fee of ${inputFeePpk} ppk, needless fragments are at the payer's cost`, async (t) => {
    const { mint, till, pay } = await enter(t, { premium: priced(16), less: priced(1) }, { inputFeePpk });
    const token = await pay.token(16, { coins: times(16, () => 1) });
    const fee = Math.ceil((16 * inputFeePpk) / 1_000);
    const borne = Math.ceil(inputFeePpk / 1_000);
    assert.equal(await till.ask(token), inputFeePpk === 0 ? 'paid' : 'insufficient_payment');
    if (fee === 16) {
      assert.equal(await till.ask(token, 'less'), 'insufficient_payment', 'the mint would swap it for nothing');
      assert.equal(mint.spentAmount(), 0);
    } else {
      assert.equal(await till.ask(token, 'less'), inputFeePpk === 0 ? 'credit_exhausted' : 'paid');
      assert.equal(till.credited(), 16 - fee + borne);
    }
  });
}

test('two mints, each for itself; and the same proofs are not the same at another', async (t) => {
  const [one, two] = [await startMint({ owner: t }), await startMint({ owner: t })];
  const till = await openTill(t, { mints: [one.url, two.url] });
  for (const mint of [one, two]) {
    assert.equal(await till.ask(await createPayer(mint.url).token(8)), 'paid');
    assert.equal(mint.spentAmount(), 8);
  }
  const foreign = await createPayer(one.url).proofs(8);
  assert.equal(await till.ask(encodeToken({ mint: two.url, unit: 'sat', proofs: foreign })), 'malformed_payment');
  assert.equal(await till.ask(encodeToken({ mint: one.url, unit: 'sat', proofs: foreign })), 'paid');
});

test('a mint that is not accepted is not even connected to', async (t) => {
  const stranger = await startMint({ owner: t });
  const { till } = await enter(t, undefined);
  const proofs = await createPayer(stranger.url).proofs(8);
  const before = stranger.faults.seen('*');
  assert.ok(before > 0, 'it listens, and its own payer has reached it');
  for (const mint of [stranger.url, stranger.url.replace('127.0.0.1', 'localhost'), `${stranger.url}/v1`]) {
    assert.equal(await till.ask(encodeToken({ mint, unit: 'sat', proofs })), 'wrong_mint');
  }
  assert.equal(stranger.faults.seen('*'), before);
});

test('another unit than the price’s is refused, and dollars are no sat', async (t) => {
  const mint = await startMint({ owner: t, keysets: [{}, { unit: 'usd' }] });
  const till = await openTill(t, {
    mints: [{ url: mint.url, units: ['sat', 'usd'] }],
    prices: { premium: priced(8), dollars: priced(8, { requests: 1 }, 'usd') },
  });
  const cents = await createPayer(mint.url, 'usd').proofs(8);
  const token = encodeToken({ mint: mint.url, unit: 'usd', proofs: cents });
  const lie = encodeToken({ mint: mint.url, unit: 'sat', proofs: cents });
  for (const text of [token, lie]) assert.equal(await till.ask(text), 'wrong_unit');
  assert.equal(mint.spentAmount('usd'), 0);
  assert.equal(await till.ask(lie, 'dollars'), 'paid');
  assert.equal(await till.ask(token), 'wrong_unit');
});

test('a point that is on no curve never reaches the mint; and a forgery of a proof does not spoil the proof', async (t) => {
  const { mint, till, pay } = await enter(t, undefined);
  const [proof, other] = [...(await pay.proofs(8)), ...(await pay.proofs(8))];
  assert.ok(proof && other);
  const encode = (C: string, amount = proof.amount) =>
    encodeToken({ mint: mint.url, unit: 'sat', proofs: [{ ...proof, C, amount }] }, { dleq: false });
  const offCurve = `02${'0'.repeat(63)}5`; // x = 5 has no y: 5³ + 7 is no square
  assert.equal(await till.ask(encode(offCurve)), 'malformed_payment');
  assert.equal(mint.faults.seen('/v1/swap'), 0);
  assert.equal(await till.ask(encode(other.C)), 'payment_rejected');
  assert.equal(await till.ask(encode(proof.C, Amount.from(64))), 'payment_rejected');
  assert.equal(await till.ask(encode(proof.C)), 'paid');
  assert.equal(await till.ask(encode(other.C)), 'payment_rejected');
});

test('a mint that is down at first: uncertain, and paid when it is up', async (t) => {
  const { mint, till, pay } = await enter(t, undefined);
  const token = await pay.token(8);
  await mint.outage();
  await assert.rejects(till.ask(token), /cannot be reached/); // 503 by the identifier
  await mint.recover();
  await assert.rejects(till.ask(token), /cannot be reached/, 'not asked at every request');
  till.clock.nowMs += 5_000;
  assert.equal(await till.ask(token), 'paid');
});

test('a mint that is down later: uncertain, nothing is written, and paid when it is up', async (t) => {
  const { mint, till, pay } = await enter(t, undefined);
  mint.faults.set('/v1/keys/*', answering(500));
  const token = await pay.token(8);
  const refusal = await till.pay(token);
  assert.ok(isRefusal(refusal) && refusal.code === 'payment_uncertain');
  assert.equal(refusal.headers?.['Retry-After'], '5');
  mint.faults.clear();
  assert.equal(await till.ask(token), 'paid');
});

test('a caller waits no longer than their patience; the redemption goes on without them', async (t) => {
  const { mint, till, pay } = await enter(t, undefined, { patienceMs: 100, timeoutMs: 5_000 });
  const token = await pay.token(8);
  const slow = hold('before');
  mint.faults.set('/v1/swap', slow.fault, { times: 1 });
  const startedAt = performance.now();
  assert.deepEqual(await tally(times(20, () => till.ask(token))), { payment_uncertain: 20 });
  assert.ok(performance.now() - startedAt < 1_000);
  await until('the mint has the swap', () => slow.waiting() === 1);
  assert.equal(await till.ask(token), 'payment_uncertain');
  assert.equal(mint.faults.seen('/v1/swap'), 1);
  slow.release();
  await until('it is settled', () => till.concluded.length === 1);
  assert.equal(await till.ask(token), 'paid', 'those who had gone took nothing of it');
  assert.equal(mint.spentAmount(), 8);
});

test('a keyset that would make us blind for seconds is not used', async (t) => {
  const { mint, till, pay } = await enter(t, { premium: priced(1) });
  const ones = async (act: () => Promise<{ status: number; body?: unknown } | undefined>) => {
    const body = JSON.parse(String((await act())?.body));
    for (const keyset of body.keysets) keyset.keys = { '1': keyset.keys['1'] };
    return { status: 200, body: JSON.stringify(body) };
  };
  const token = await pay.token(4_095);
  mint.faults.set('/v1/keys/*', ones as never);
  const startedAt = performance.now();
  assert.equal(await till.ask(token), 'payment_uncertain');
  assert.ok(performance.now() - startedAt < 500);
  assert.equal(mint.spentAmount(), 0);
});
