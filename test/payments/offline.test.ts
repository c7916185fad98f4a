/**
 * Locked tokens that are accepted without asking the mint, and settled in batches: what is accepted so and what is not, and that
 * the mint's faults lose nothing.
 */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { getDecodedToken, type Proof } from '@cashu/cashu-ts';
import { createPayer, type PaymentOptions } from '../../examples/play-mint/payer.ts';
import { encodeToken } from '../../examples/play-mint/token.ts';
import { faultsOf } from '../../src/commands/wallet-report.ts';
import { readLockKey } from '../../src/config/lock-key.ts';
import { isComplete } from '../../src/paywall/wallet/reconcile.ts';
import { answering, droppedAfter, droppedBefore, type Fault } from '../peers/faults.ts';
import { type FaultyMint, startMint } from '../peers/mint.ts';
import { refusing } from '../peers/mint-faults.ts';
import { activeKeyset, blank, wire } from '../peers/purse.ts';
import { collectAll } from './collect.ts';
import { openTill, SETTLE_EVERY_MS, type Till } from './till.ts';

const privateKey = '7'.repeat(64);
const { publicKey: ours = '' } = readLockKey(privateKey) ?? {};
const { publicKey: theirs = '' } = readLockKey('8'.repeat(64)) ?? {};

const AMOUNT = 13;
const REST_MS = 40_000;
const NO_LONGER_UNDER_WAY_MS = 130_000;

type Scene = Readonly<{ mint: FaultyMint; till: Till; draw(options?: PaymentOptions): Promise<string> }>;

const enter = async (
  t: TestContext,
  { maxUnsettled = 1_000, inputFeePpk = 0, settleEveryMs = SETTLE_EVERY_MS } = {},
): Promise<Scene> => {
  const mint = await startMint({ owner: t, keysets: [{ inputFeePpk }] });
  const till = await openTill(t, {
    mints: [mint.url],
    timeoutMs: 1_000,
    lock: { privateKey },
    maxUnsettled,
    settleEveryMs,
  });
  await till.mintOf(mint.url)?.refreshKeysets(0);
  till.clock.nowMs = Date.now();
  const payer = createPayer(mint.url);
  return { mint, till, draw: (options = { lock: { pubkey: ours } }) => payer.token(AMOUNT, options) };
};

const decode = ({ mint }: Scene, token: string): Proof[] =>
  getDecodedToken(
    token,
    mint.mint.keysets().map(({ keyset }) => keyset.id),
  ).proofs;

const encode = ({ mint }: Scene, proofs: readonly Proof[]): string =>
  encodeToken({ mint: mint.url, unit: 'sat', proofs });

const settleAll = async ({ settler, clock }: Till, laterMs = SETTLE_EVERY_MS): Promise<void> => {
  clock.nowMs += laterMs;
  while (await settler.settleDue());
};

const booksOf = async ({ proofs }: Till) => {
  const [balance] = await proofs.balances();
  assert.ok(balance && isComplete(balance), 'everything is somewhere');
  return { received: balance.received.amount, unsettled: balance.unsettled.amount, refused: balance.refused.amount };
};

const swapsAt = ({ mint }: Scene): number => mint.faults.seen('/v1/swap');

test('a locked token with DLEQ proofs pays at once, and the mint hears of it later', async (t) => {
  const scene = await enter(t);
  const { mint, till, draw } = scene;
  const token = await draw();
  const outcome = await till.pay(token);
  assert.ok(outcome && 'session' in outcome && outcome.session);
  assert.equal(swapsAt(scene), 0);
  assert.equal(mint.faults.seen('/v1/checkstate'), 0);
  assert.deepEqual(await booksOf(till), { received: 0, unsettled: AMOUNT, refused: 0 });
  await settleAll(till, SETTLE_EVERY_MS - 1);
  assert.equal(swapsAt(scene), 0, 'it waits for others');
  await settleAll(till, 1);
  assert.equal(mint.spentAmount(), AMOUNT);
  assert.deepEqual(await booksOf(till), { received: AMOUNT, unsettled: 0, refused: 0 });
  assert.deepEqual(till.concluded, ['accepted', 'batch settled']);
});

test('many are settled by one swap, for one fee, and what it brings can be spent', async (t) => {
  const scene = await enter(t, { inputFeePpk: 100 });
  const { mint, till, draw } = scene;
  const tokens = await Promise.all(Array.from({ length: 10 }, () => draw()));
  assert.deepEqual(new Set(await Promise.all(tokens.map((token) => till.ask(token)))), new Set(['paid']));
  await settleAll(till);
  assert.equal(swapsAt(scene), 1);
  const proofs = tokens.flatMap((token) => decode(scene, token)).length;
  const net = 10 * AMOUNT - Math.ceil(proofs / 10);
  assert.deepEqual(await booksOf(till), { received: net, unsettled: 0, refused: 0 });
  await collectAll(till);
  const held = await till.proofs.proofs(mint.url, 'sat', 'unspent', '', 1_000);
  assert.equal(
    held.reduce((sum, { amount }) => sum + amount, 0),
    net,
  );
  const inputs = held.map(({ keysetId: id, amount, secret, C }) => ({ id, amount, secret, C }));
  const fee = Math.ceil(held.length / 10);
  const coins = [...(net - fee).toString(2)].reverse().flatMap((digit, power) => (digit === '1' ? [2 ** power] : []));
  mint.mint.swap(inputs, blank(activeKeyset(mint.mint), coins).outputs);
});

test('more proofs than fit into one swap make several', async (t) => {
  const scene = await enter(t, { maxUnsettled: 10_000 });
  const { till, draw } = scene;
  for (let count = 0; count < 30; count++) {
    const coins = Array.from({ length: AMOUNT }, () => 1);
    assert.equal(await till.ask(await draw({ coins, lock: { pubkey: ours } })), 'paid');
  }
  await settleAll(till, 1);
  assert.equal(swapsAt(scene), 1, 'a full one does not wait');
  await settleAll(till);
  assert.equal(swapsAt(scene), 2);
  assert.deepEqual(await booksOf(till), { received: 30 * AMOUNT, unsettled: 0, refused: 0 });
});

test('sent again, at once, later or encoded anew, it is the same payment', async (t) => {
  const scene = await enter(t);
  const { till, draw } = scene;
  const token = await draw();
  const again = encode(scene, decode(scene, token).toReversed());
  const answers = await Promise.all([token, again, token, again].map((text) => till.ask(text)));
  assert.deepEqual(answers.toSorted(), ['credit_exhausted', 'credit_exhausted', 'credit_exhausted', 'paid']);
  await settleAll(till);
  assert.equal(await till.ask(again), 'credit_exhausted');
  assert.deepEqual(await booksOf(till), { received: AMOUNT, unsettled: 0, refused: 0 });
});

test('a part of it in another token is an overlap', async (t) => {
  const scene = await enter(t);
  const { till, draw } = scene;
  const [first = '', second = ''] = [await draw(), await draw()];
  assert.equal(await till.ask(first), 'paid');
  const mixed = encode(scene, [...decode(scene, first).slice(0, 1), ...decode(scene, second)]);
  assert.equal(await till.ask(mixed), 'payment_overlap');
  assert.equal(swapsAt(scene), 0);
});

const seconds = (ms: number): number => Math.floor(ms / 1_000);

type Draw = (scene: Scene) => Promise<string>;

const changed =
  (change: (proof: Proof, index: number) => Proof): Draw =>
  async (scene) =>
    encode(scene, decode(scene, await scene.draw()).map(change));

const lockedFor =
  (ms: number): Draw =>
  ({ till, draw }) =>
    draw({ lock: { pubkey: ours, locktime: seconds(till.clock.nowMs + ms), refundKeys: [theirs] } });

const without = ({ dleq: _, ...proof }: Proof): Proof => proof;

const asked: readonly (readonly [title: string, draw: Draw])[] = [
  ['that anybody can spend', ({ draw }) => draw({})],
  ['without DLEQ proofs', ({ draw }) => draw({ lock: { pubkey: ours }, dleq: false })],
  ['of which one proof has no DLEQ', changed((proof, index) => (index === 1 ? without(proof) : proof))],
  [
    'whose DLEQ has no blinding factor',
    changed((proof) => ({ ...proof, dleq: { e: '', s: '', ...proof.dleq, r: '' } })),
  ],
  ['whose lock ends within the time to settle', lockedFor(80_000_000)],
  ['whose lock is over', lockedFor(-60_000)],
];

for (const [title, drawIt] of asked) {
  test(`for a token ${title} the mint is asked`, async (t) => {
    const scene = await enter(t);
    assert.equal(await scene.till.ask(await drawIt(scene)), 'paid');
    assert.equal(swapsAt(scene), 1);
    assert.deepEqual(await booksOf(scene.till), { received: AMOUNT, unsettled: 0, refused: 0 });
  });
}

test('a refund after the time to settle is no hindrance', async (t) => {
  const scene = await enter(t);
  assert.equal(await scene.till.ask(await lockedFor(90_000_000)(scene)), 'paid');
  assert.equal(swapsAt(scene), 0);
});

const forgeries: readonly (readonly [title: string, draw: Draw])[] = [
  ['another e', changed((proof) => ({ ...proof, dleq: { s: '', r: '', ...proof.dleq, e: '1'.repeat(64) } }))],
  ['another r', changed((proof) => ({ ...proof, dleq: { e: '', s: '', ...proof.dleq, r: '1'.repeat(64) } }))],
  ['another secret', changed((proof) => ({ ...proof, secret: proof.secret.replace('"nonce":"', '"nonce":"0') }))],
];

for (const [title, drawIt] of forgeries) {
  test(`a token with ${title} in it is refused, and the mint does not hear of it`, async (t) => {
    const scene = await enter(t);
    assert.equal(await scene.till.ask(await drawIt(scene)), 'payment_rejected');
    assert.equal(swapsAt(scene), 0);
    assert.deepEqual(await scene.till.proofs.balances(), []);
  });
}

for (const [title, lock] of [
  ['with SIG_ALL', { pubkey: ours, sigFlag: 'SIG_ALL' }],
  ['to another key', { pubkey: theirs }],
  ['to two keys', { pubkey: [ours, theirs] }],
] as const satisfies readonly (readonly [string, PaymentOptions['lock']])[]) {
  test(`a token that is locked ${title} is refused`, async (t) => {
    const scene = await enter(t);
    assert.equal(await scene.till.ask(await scene.draw({ lock })), 'wrong_lock');
    assert.equal(swapsAt(scene), 0);
  });
}

test('beyond the cap the mint is asked, until what was accepted is settled', async (t) => {
  const scene = await enter(t, { maxUnsettled: 2 * AMOUNT + 1 });
  const { till, draw } = scene;
  for (let count = 0; count < 3; count++) assert.equal(await till.ask(await draw()), 'paid');
  assert.equal(swapsAt(scene), 1);
  await settleAll(till);
  assert.equal(swapsAt(scene), 2);
  assert.equal(await till.ask(await draw()), 'paid');
  assert.equal(swapsAt(scene), 2);
});

test('a preview says that it would pay, and accepts nothing', async (t) => {
  const scene = await enter(t);
  assert.equal(await scene.till.ask(await scene.draw(), 'premium', 'preview'), 'free');
  assert.deepEqual(await scene.till.proofs.balances(), []);
});

test('a mint that is out of reach keeps nobody out whose token is locked', async (t) => {
  const scene = await enter(t);
  const { mint, till, draw } = scene;
  assert.equal(await till.ask(await draw()), 'paid', 'its keys are known from then on');
  const token = await draw();
  for (const path of ['/v1/swap', '/v1/checkstate', '/v1/keysets', '/v1/keys']) mint.faults.set(path, droppedBefore);
  assert.equal(await till.ask(token), 'paid');
});

type Trouble = readonly [title: string, fault: Fault];

const troubles: readonly Trouble[] = [
  ['dropped before it acts', droppedBefore],
  ['dropped after it has acted', droppedAfter],
  ['500', answering(500)],
  ['11002', refusing(11002)],
];

for (const [title, fault] of troubles) {
  test(`the swap of a batch gets ${title}: settled by the same bytes when it is over`, async (t) => {
    const scene = await enter(t);
    const { mint, till, draw } = scene;
    for (let count = 0; count < 3; count++) assert.equal(await till.ask(await draw()), 'paid');
    mint.faults.set('/v1/swap', fault);
    mint.faults.set('/v1/checkstate', droppedBefore);
    await settleAll(till);
    assert.equal((await booksOf(till)).unsettled, 3 * AMOUNT);
    assert.equal(await till.ask(await draw()), 'paid', 'others are accepted all the same');
    mint.faults.clear();
    for (let tries = 0; tries < 4; tries++) await settleAll(till, REST_MS);
    assert.deepEqual(await booksOf(till), { received: 4 * AMOUNT, unsettled: 0, refused: 0 }, till.reasons.join('; '));
    assert.equal(mint.spentAmount(), 4 * AMOUNT);
    assert.equal(
      new Set(mint.faults.requests('/v1/swap').map(({ body }) => body.toString())).size,
      2,
      'one for each batch',
    );
  });
}

test('a process that ends between acceptance and settlement, and another that goes on', async (t) => {
  const scene = await enter(t);
  const { mint, till, draw } = scene;
  assert.equal(await till.ask(await draw()), 'paid');
  mint.faults.set('/v1/swap', droppedAfter);
  mint.faults.set('/v1/restore', droppedBefore);
  await settleAll(till);
  assert.equal(await till.ask(await draw()), 'paid');
  mint.faults.clear();
  const { directory, clock } = till;
  const other = await openTill(t, { mints: [mint.url], lock: { privateKey }, maxUnsettled: 1_000, directory, clock });
  for (let tries = 0; tries < 3; tries++) await settleAll(other, REST_MS);
  assert.deepEqual(await booksOf(other), { received: 2 * AMOUNT, unsettled: 0, refused: 0 }, other.reasons.join('; '));
});

test('two processes settle one ledger: each payment is swapped once', async (t) => {
  const scene = await enter(t, { maxUnsettled: 10_000 });
  const { mint, till, draw } = scene;
  const { directory, clock } = till;
  const other = await openTill(t, { mints: [mint.url], lock: { privateKey }, maxUnsettled: 10_000, directory, clock });
  for (let count = 0; count < 12; count++) assert.equal(await [till, other][count % 2]?.ask(await draw()), 'paid');
  clock.nowMs += SETTLE_EVERY_MS;
  await Promise.all([till, other, till, other].map(({ settler }) => settler.settleDue()));
  await settleAll(till, REST_MS);
  assert.deepEqual(await booksOf(till), { received: 12 * AMOUNT, unsettled: 0, refused: 0 });
  assert.equal(mint.spentAmount(), 12 * AMOUNT);
});

test('keys that change before a batch is settled: drawn anew', async (t) => {
  const scene = await enter(t);
  const { mint, till, draw } = scene;
  assert.equal(await till.ask(await draw()), 'paid');
  mint.mint.rotate();
  for (let tries = 0; tries < 3; tries++) await settleAll(till, REST_MS);
  assert.deepEqual(await booksOf(till), { received: AMOUNT, unsettled: 0, refused: 0 }, till.reasons.join('; '));
});

/** What only a mint that is false, or our own key elsewhere, can do. */
const steal = async (scene: Scene, token: string): Promise<void> => {
  const { mint, till } = scene;
  const inputs = await Promise.all(
    decode(scene, token).map(async (proof) => {
      const signature = await till.curve.sign({ message: proof.secret, privateKey });
      return { ...wire(proof), witness: JSON.stringify({ signatures: [signature] }) };
    }),
  );
  mint.mint.swap(
    inputs,
    blank(
      activeKeyset(mint.mint),
      inputs.map(({ amount }) => amount),
    ).outputs,
  );
};

test('one payment that is spent already: the others are settled, it is told once and counts against the cap', async (t) => {
  const scene = await enter(t, { maxUnsettled: 10 * AMOUNT });
  const { mint, till, draw } = scene;
  const tokens = await Promise.all(Array.from({ length: 7 }, () => draw()));
  for (const token of tokens) assert.equal(await till.ask(token), 'paid');
  await steal(scene, tokens[3] ?? '');
  for (let tries = 0; tries < 8; tries++) await settleAll(till, NO_LONGER_UNDER_WAY_MS);
  assert.deepEqual(
    await booksOf(till),
    { received: 6 * AMOUNT, unsettled: 0, refused: AMOUNT },
    till.reasons.join('; '),
  );
  assert.deepEqual(till.refused, [{ mint: mint.url, unit: 'sat', amount: AMOUNT, count: 1 }]);
  const [balance] = await till.proofs.balances();
  assert.match(faultsOf({ balance: balance ?? assert.fail() }).join(), /refuses 13 sat that were accepted/);
  const before = swapsAt(scene);
  assert.equal(await till.ask(await draw()), 'paid');
  assert.equal(swapsAt(scene), before + 1, 'the mint is asked for a while');
});

test('what waits for long is checked each minute, and what is spent is not waited with', async (t) => {
  const scene = await enter(t, { settleEveryMs: 3_600_000 });
  const { mint, till, draw } = scene;
  const tokens = await Promise.all(Array.from({ length: 3 }, () => draw()));
  for (const token of tokens) assert.equal(await till.ask(token), 'paid');
  await settleAll(till, 59_999);
  assert.equal(mint.faults.seen('/v1/checkstate'), 0);
  await settleAll(till, 1);
  assert.deepEqual([mint.faults.seen('/v1/checkstate'), swapsAt(scene)], [1, 0], 'all at once, and all is well');
  await steal(scene, tokens[1] ?? '');
  await settleAll(till, 60_000);
  await settleAll(till, 0);
  assert.deepEqual(till.refused, [{ mint: mint.url, unit: 'sat', amount: AMOUNT, count: 1 }]);
  assert.equal((await booksOf(till)).unsettled + (await booksOf(till)).received, 2 * AMOUNT);
});

test('a mint that has signed and denies it: nothing is drawn anew, and it is found when it says so', async (t) => {
  const scene = await enter(t);
  const { mint, till, draw } = scene;
  for (let count = 0; count < 3; count++) assert.equal(await till.ask(await draw()), 'paid');
  mint.faults.set('/v1/restore', answering(200, '{"outputs":[],"signatures":[]}'));
  mint.faults.set('/v1/swap', droppedAfter, { times: 1 });
  await settleAll(till);
  for (let tries = 0; tries < 6; tries++) await settleAll(till, NO_LONGER_UNDER_WAY_MS);
  assert.deepEqual(await booksOf(till), { received: 0, unsettled: 0, refused: 3 * AMOUNT }, till.reasons.join('; '));
  mint.faults.clear();
  for (let tries = 0; tries < 6; tries++) await settleAll(till, NO_LONGER_UNDER_WAY_MS);
  assert.deepEqual(await booksOf(till), { received: 3 * AMOUNT, unsettled: 0, refused: 0 }, till.reasons.join('; '));
});

test('a mint that refuses for a while is asked again until it takes them', async (t) => {
  const scene = await enter(t);
  const { mint, till, draw } = scene;
  for (let count = 0; count < 4; count++) assert.equal(await till.ask(await draw()), 'paid');
  mint.faults.set('/v1/swap', refusing(99_999));
  for (let tries = 0; tries < 3; tries++) await settleAll(till);
  assert.deepEqual(await booksOf(till), { received: 0, unsettled: 0, refused: 4 * AMOUNT }, till.reasons.join('; '));
  assert.equal(till.refused.length, 4);
  mint.faults.clear();
  for (let tries = 0; tries < 6; tries++) await settleAll(till, NO_LONGER_UNDER_WAY_MS);
  assert.deepEqual(await booksOf(till), { received: 4 * AMOUNT, unsettled: 0, refused: 0 }, till.reasons.join('; '));
});
