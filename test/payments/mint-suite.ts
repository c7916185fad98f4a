/** The main promises against real mints, each behind a connection that fails on demand. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { CheckStateEnum, type Proof, Wallet } from '@cashu/cashu-ts';
import { createPayer } from '../../examples/play-mint/payer.ts';
import { encodeToken } from '../../examples/play-mint/token.ts';
import { messagesOf, prepareSwap } from '../../src/paywall/outputs.ts';
import { createReconciler } from '../../src/paywall/wallet/reconcile.ts';
import { worthOf } from '../../src/paywall/worth.ts';
import { createHttpMint } from '../../src/stores/mint/http-mint.ts';
import { createOutbound } from '../../src/stores/outbound/exchange.ts';
import { droppedAfter, droppedBefore, type FaultTable, failingAfter } from '../peers/faults.ts';
import { describingKeysets } from '../peers/mint-faults.ts';
import { wire } from '../peers/purse.ts';
import { relayTo } from '../peers/relay.ts';
import { startSallyport } from '../sallyport.ts';
import { needs, type ProgramName } from '../servers/programs.ts';
import type { Server, ServerOptions } from '../servers/server.ts';
import { ask, tally, times } from './ask.ts';
import { collectAll } from './collect.ts';
import { lockedSuite } from './mint-suite-locked.ts';
import { balanceOf, exportedOf, receive, takerOf } from './taker.ts';
import { openTill, type Till } from './till.ts';

export type MintOptions = ServerOptions & Readonly<{ inputFeePpk?: number }>;

/** A program that is a mint. */
export type MintKind = Readonly<{
  name: string;
  program: ProgramName;
  /** Of its keyset ids (NUT-02). */
  keysetVersion: 1 | 2;
  start(options: MintOptions): Promise<Server>;
  /** On the data of before, which `options` tell. */
  startWithNewKeys(options: MintOptions & Readonly<{ directory: string }>): Promise<Server>;
}>;

type Scene = Readonly<{
  /** Where the mint is reached, and known by. */
  url: string;
  faults: FaultTable;
  till: Till;
  pay: ReturnType<typeof createPayer>;
  /** The mint restarts on its own data, signs with new keys from now on, and only redeems the old ones. */
  rotate(): Promise<void>;
}>;

const price = { amount: 8, unit: 'sat', buys: { requests: 1 } };

const enter = async (t: TestContext, kind: MintKind, options: MintOptions = {}): Promise<Scene> => {
  let server = await kind.start({ ...options, owner: t });
  const { url, faults } = await relayTo(server.url, t);
  return {
    url,
    faults,
    till: await openTill(t, { mints: [url], prices: { premium: price }, timeoutMs: 5_000 }),
    pay: createPayer(url),
    rotate: async () => {
      server.signal('SIGTERM');
      await server.exited();
      const { port, directory } = server;
      server = await kind.startWithNewKeys({ ...options, port, directory, owner: t });
    },
  };
};

/** What we hold is money: the mint swaps it. */
const spendAll = async ({ url, till }: Scene): Promise<number> => {
  const wallet = new Wallet(url, { unit: 'sat' });
  await wallet.loadMint();
  const keysets = await Promise.all(wallet.keyChain.getKeysets().map(({ id }) => wallet.mint.getKeys(id)));
  const keys = new Map(keysets.flatMap(({ keysets: [keyset] }) => (keyset ? [[keyset.id, keyset.keys] as const] : [])));
  const earned = till.earned((id) => keys.get(id) ?? {});
  const states = await wallet.checkProofsStates(earned);
  assert.ok(states.every(({ state }) => state === CheckStateEnum.UNSPENT));
  await wallet.receive({ mint: url, proofs: earned, unit: 'sat' });
  return earned.reduce((sum, { amount }) => sum + amount.toNumber(), 0);
};

const spendElsewhere = async (url: string, proofs: Proof[]): Promise<void> => {
  const wallet = new Wallet(url, { unit: 'sat' });
  await wallet.loadMint();
  await wallet.receive({ mint: url, proofs, unit: 'sat' });
};

const encode = (url: string, proofs: Proof[]) => encodeToken({ mint: url, unit: 'sat', proofs });

export const mintSuite = (kind: MintKind): void => {
  const { name, keysetVersion } = kind;
  const options = needs(kind.program);

  test(`${name}: paid, once, by either version, and what we got is money`, options, async (t) => {
    const scene = await enter(t, kind);
    const { till, pay } = scene;
    for (const version of [3, 4] as const) {
      const token = await pay.token(8, { version });
      assert.deepEqual([await till.ask(token), await till.ask(token)], ['paid', 'credit_exhausted']);
    }
    const token = await pay.token(80);
    const answers = await Promise.all(Array.from({ length: 100 }, () => till.ask(token)));
    assert.equal(answers.filter((answer) => answer === 'paid').length, 10);
    assert.equal(answers.filter((answer) => answer === 'credit_exhausted').length, 90);
    assert.equal(scene.faults.seen('/v1/swap'), 3);
    assert.equal(await spendAll(scene), 96);
  });

  test(`${name}: the service as a process, and 200 requests that race`, options, async (t) => {
    const { url, pay, faults } = await enter(t, kind);
    const config = `
cashu: { mints: ["${url}/"] }
rules: [{ name: premium, match: { path: "/premium/**" }, accept: [cashu], price: { amount: 8, buys: { requests: 50 } } }]
`;
    const gate = await startSallyport({ owner: t, config });
    const other = await startSallyport({ owner: t, config, directory: gate.directory });
    const token = await pay.token(8);
    const counts = await tally(times(200, (index) => ask((index % 2 === 0 ? gate : other).url, token)));
    assert.deepEqual(counts, { 200: 50, 402: 150 });
    assert.equal(faults.seen('/v1/swap'), 1);
    const wallet = new Wallet(url, { unit: 'sat' });
    await wallet.loadMint();
    await assert.rejects(wallet.receive(token), 'it is spent at the mint');
  });

  test(`${name}: answers that are lost, whatever the mint says to the same bytes`, options, async (t) => {
    const scene = await enter(t, kind);
    const { till, pay, faults } = scene;
    for (const fault of [droppedAfter, failingAfter(500)]) {
      const token = await pay.token(8);
      faults.set('/v1/swap', fault, { times: 1 });
      assert.equal(await till.ask(token), 'paid');
    }
    const token = await pay.token(8);
    faults.set('/v1/swap', droppedAfter, { times: 1 });
    faults.set('/v1/checkstate', droppedBefore, { times: 1 });
    assert.equal(await till.ask(token), 'payment_uncertain');
    till.clock.nowMs += 1_000;
    assert.equal(await till.ask(token), 'paid');
    faults.set('/v1/swap', droppedBefore, { times: 2 });
    const late = await pay.token(8);
    assert.equal(await till.ask(late), 'payment_uncertain');
    till.clock.nowMs += 1_000;
    assert.equal(await till.ask(late), 'paid');
    assert.equal(till.credited(), 32);
    assert.equal(await spendAll(scene), 32);
  });

  test(`${name}: spent elsewhere, wholly and in part; forged; and what is left of them`, options, async (t) => {
    const { url, till, pay } = await enter(t, kind);
    const [gone, left, good] = [await pay.proofs(8), await pay.proofs(8), await pay.proofs(8)];
    const [kept = good[0]] = left;
    await spendElsewhere(url, gone);
    assert.equal(await till.ask(encode(url, gone)), 'payment_spent');
    assert.equal(await till.ask(encode(url, [...gone, ...left])), 'payment_spent');
    assert.equal(await till.ask(encode(url, left)), 'paid');
    const forged = good.map((proof) => ({ ...proof, C: kept?.C ?? '' }));
    const v3 = (proofs: readonly Proof[]) =>
      `cashuA${Buffer.from(JSON.stringify({ token: [{ mint: url, proofs: proofs.map(wire) }] })).toString('base64url')}`;
    assert.equal(await till.ask(v3(forged)), 'payment_rejected');
    assert.equal(await till.ask(v3(good)), 'paid');
    assert.equal(till.credited(), 16);
  });

  test(`${name}: keys that change between our look and the swap`, options, async (t) => {
    const scene = await enter(t, kind);
    const { till, pay, faults, rotate } = scene;
    assert.equal(await till.ask(await pay.token(8)), 'paid'); // now its keys are known to us
    const token = await pay.token(8);
    await rotate();
    const swaps = faults.seen('/v1/swap');
    assert.equal(await till.ask(token), 'paid', till.reasons.join());
    assert.equal(faults.seen('/v1/swap') - swaps, 2);
    assert.equal(await till.ask(await pay.token(8)), 'paid', 'a token of the new keys');
    assert.equal(await spendAll(scene), 24);
  });

  test(
    `${name}: what it signed is proven by its DLEQ, exported, received by a wallet, and then called spent`,
    options,
    async (t) => {
      const { url, till, pay, faults } = await enter(t, kind);
      assert.equal(await till.ask(await pay.token(24)), 'paid');
      faults.set('/v1/swap', droppedAfter, { times: 1 });
      assert.equal(await till.ask(await pay.token(8)), 'paid', 'restored');
      await collectAll(till);
      const { take } = takerOf(till);
      assert.equal(await receive(url, exportedOf(await take(url, 'sat', 24)).token), 24);
      const mint = till.mintOf(url);
      assert.ok(mint);
      const { held, exported } = await createReconciler({ proofs: till.proofs, curve: till.curve })(mint, 'sat');
      assert.deepEqual([held.UNSPENT.amount, held.SPENT.amount, exported.SPENT.amount], [8, 0, 24]);
      assert.equal((await balanceOf(till)).proofs.bad.count, 0);
    },
  );

  test(
    `${name}: its keyset’s id speaks for its keys, and of version 2 for its fee: others are refused`,
    options,
    async (t) => {
      const { url, till, faults } = await enter(t, kind, { inputFeePpk: 100 });
      const mint = till.mintOf(url);
      assert.ok(mint);
      faults.set(
        '/v1/keys/*',
        describingKeysets(({ keys, ...keyset }) => ({ ...keyset, keys: { ...Object(keys), '2': Object(keys)['1'] } })),
        { times: 1 },
      );
      await assert.rejects(mint.activeKeys('sat'), /do not fit the id/);
      till.clock.nowMs += 60_000;
      assert.match((await mint.activeKeys('sat')).id, keysetVersion === 2 ? /^01[0-9a-f]{64}$/ : /^00[0-9a-f]{14}$/);
      if (keysetVersion === 1) return;
      faults.set(
        '/v1/keysets',
        describingKeysets((keyset) => ({ ...keyset, input_fee_ppk: 0 })),
      );
      const outbound = createOutbound();
      t.after(outbound.close);
      const cheap = createHttpMint({ url, units: ['sat'], timeoutMs: 5_000, outbound, now: () => 0 });
      await assert.rejects(cheap.activeKeys('sat'), /do not fit the id/);
    },
  );

  test(
    `${name}: any amount is exported, with change and less the fee, also where the answer is lost`,
    options,
    async (t) => {
      const { url, till, pay, faults } = await enter(t, kind, { inputFeePpk: 100 });
      assert.equal(await till.ask(await pay.token(1_024)), 'paid');
      await collectAll(till);
      const held = (await balanceOf(till)).proofs.unspent.amount;
      const { take, finish } = takerOf(till, { callMs: 5_000 });
      assert.equal(
        await receive(url, exportedOf(await take(url, 'sat', 100)).token),
        99,
        'less the fee of whoever receives it',
      );
      faults.set('/v1/swap', droppedAfter, { times: 1 });
      faults.set('/v1/checkstate', droppedBefore, { times: 1 });
      const coins = (await till.proofs.unspent(url, 'sat')).map(({ amount }) => amount);
      const missing = [4, 8, 16, 32, 64, 128, 256].find((coin) => !coins.includes(coin)) ?? assert.fail();
      const lost = await take(url, 'sat', missing);
      assert.equal(lost.outcome, 'uncertain');
      till.clock.nowMs += 1_000;
      await finish();
      const found = await till.proofs.findExport(lost.outcome === 'uncertain' ? lost.id : '');
      assert.equal(await receive(url, found?.token ?? ''), missing - 1);
      const out = 100 + missing;
      const { proofs, fees } = await balanceOf(till);
      assert.deepEqual([proofs.unspent.amount, proofs.reserved.amount, fees.amount], [held - out - 1, out, 1]);
      const mint = till.mintOf(url);
      assert.ok(mint);
      const said = await createReconciler({ proofs: till.proofs, curve: till.curve })(mint, 'sat');
      assert.deepEqual(
        [said.held.UNSPENT.amount, said.held.SPENT.amount, said.exported.SPENT.amount],
        [held - out - 1, 0, out],
      );
    },
  );

  for (const inputFeePpk of [100, 1_000]) {
    test(`${name}: at a fee of ${inputFeePpk} ppk exactly the price gets in`, options, async (t) => {
      const scene = await enter(t, kind, { inputFeePpk });
      const { till, pay } = scene;
      const token = await pay.token(8);
      assert.deepEqual([await till.ask(token), await till.ask(token)], ['paid', 'credit_exhausted']);
      assert.equal(till.credited(), 8);
      const fragments = await pay.token(8, { coins: [1, 1, 1, 1, 1, 1, 1, 1] });
      assert.equal(await till.ask(fragments), inputFeePpk === 100 ? 'paid' : 'insufficient_payment');
    });
  }

  test(
    `${name}: of swaps that race for the same proofs one is signed, and it alone is restored`,
    options,
    async (t) => {
      const { url, till, pay } = await enter(t, kind);
      const proofs = (await pay.proofs(8)).map(wire).map(({ id, amount, secret, C }) => ({ id, amount, secret, C }));
      const mint = till.mintOf(url) ?? assert.fail();
      const keys = await mint.activeKeys('sat');
      const worth = worthOf({ amount: 8, proofs }, mint.keysets());
      const bodies = await Promise.all(times(5, async () => (await prepareSwap(till.curve, proofs, worth, keys)).body));
      const post = (body: string) => mint.swap(body, messagesOf({ body }));
      const outcomes = await Promise.all(bodies.map(post));
      const [winner] = outcomes.flatMap((outcome) => (outcome.outcome === 'signed' ? [outcome] : []));
      const codes = outcomes.flatMap((outcome) => (outcome.outcome === 'refused' ? [outcome.code] : []));
      assert.equal(codes.length, 4);
      for (const code of codes) assert.ok(code === 11_001 || code === 11_002, `${code}`);
      for (const [index, body] of bodies.entries()) {
        const isWinner = outcomes[index] === winner;
        const restored = await mint.restore(messagesOf({ body }));
        assert.deepEqual(
          restored?.map(({ C_ }) => C_),
          isWinner ? winner?.signatures.map(({ C_ }) => C_) : undefined,
        );
        const again = await post(body);
        // NUT-19 is free to repeat the answer.
        assert.ok(again.outcome === 'refused' ? again.code === 11_001 : isWinner && again.outcome === 'signed');
      }
      const [secret] = proofs.map((proof) => proof.secret);
      assert.deepEqual(await mint.states([await till.curve.hashToCurve(secret ?? '')]), ['SPENT']);
    },
  );

  lockedSuite(kind);
};
