/** Tokens that are locked to our key, by way of the mint: signed once, and otherwise redeemed like any other. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { getDecodedToken } from '@cashu/cashu-ts';
import { createPayer, type PaymentOptions } from '../../examples/play-mint/payer.ts';
import { encodeToken } from '../../examples/play-mint/token.ts';
import { readLockKey } from '../../src/config/lock-key.ts';
import { droppedAfter, droppedBefore } from '../peers/faults.ts';
import { type FaultyMint, startMint } from '../peers/mint.ts';
import { openTill, type Till } from './till.ts';

const privateKey = '7'.repeat(64);
const { publicKey: ours = '' } = readLockKey(privateKey) ?? {};
const { publicKey: theirs = '' } = readLockKey('8'.repeat(64)) ?? {};

const AMOUNT = 13;
const REST_MS = 40_000;

type Scene = Readonly<{ mint: FaultyMint; till: Till; draw(options?: PaymentOptions): Promise<string> }>;

const enter = async (t: TestContext, isRequired = false): Promise<Scene> => {
  const mint = await startMint({ owner: t });
  const till = await openTill(t, { mints: [mint.url], timeoutMs: 1_000, lock: { privateKey, isRequired } });
  const payer = createPayer(mint.url);
  return { mint, till, draw: (options = { lock: { pubkey: ours } }) => payer.token(AMOUNT, options) };
};

const bodiesOf = ({ mint }: Scene): Set<string> =>
  new Set(mint.faults.requests('/v1/swap').map(({ body }) => body.toString()));

test('a token that is locked to our key pays, and nothing of the lock is left', async (t) => {
  const { mint, till, draw } = await enter(t);
  const token = await draw();
  assert.equal(await till.ask(token), 'paid', till.reasons.join('; '));
  assert.equal(mint.spentAmount(), AMOUNT);
  assert.equal(till.credited(), AMOUNT);
  const keysOf = (id: string) => mint.mint.keysets().find(({ keyset }) => keyset.id === id)?.keyset.publicKeys ?? {};
  assert.ok(till.earned(keysOf).every(({ secret }) => /^[0-9a-f]{64}$/.test(secret)));
});

for (const [title, fault, moved] of [
  ['before it acts', droppedBefore, 0],
  ['after it has acted', droppedAfter, AMOUNT],
] as const) {
  test(`dropped ${title}, it is signed once: the same bytes every time`, async (t) => {
    const scene = await enter(t);
    const { mint, till, draw } = scene;
    const token = await draw();
    mint.faults.set('/v1/swap', fault);
    mint.faults.set('/v1/checkstate', droppedBefore);
    assert.equal(await till.ask(token), 'payment_uncertain');
    assert.equal(mint.spentAmount(), moved);
    mint.faults.clear();
    till.clock.nowMs += REST_MS;
    assert.equal(await till.ask(token), 'paid', till.reasons.join('; '));
    assert.equal(bodiesOf(scene).size, 1);
    assert.deepEqual([mint.spentAmount(), till.credited()], [AMOUNT, AMOUNT]);
  });
}

test('keys that change before the mint has acted: drawn anew with the signatures that were made', async (t) => {
  const scene = await enter(t);
  const { mint, till, draw } = scene;
  const token = await draw();
  mint.faults.set('/v1/swap', droppedBefore);
  assert.equal(await till.ask(token), 'payment_uncertain');
  mint.faults.clear();
  mint.mint.rotate();
  till.clock.nowMs += REST_MS;
  while ((await till.ask(token)) !== 'paid') till.clock.nowMs += REST_MS;
  const witnesses = [...bodiesOf(scene)].map((body) =>
    JSON.stringify((JSON.parse(body) as { inputs: { witness: string }[] }).inputs.map(({ witness }) => witness)),
  );
  assert.deepEqual([witnesses.length, new Set(witnesses).size], [2, 1]);
  assert.equal(till.credited(), AMOUNT);
});

test('encoded anew, without DLEQ or with another’s witness, it is the same payment', async (t) => {
  const { mint, till, draw } = await enter(t);
  const token = await draw();
  assert.equal(await till.ask(token), 'paid');
  const { proofs } = getDecodedToken(
    token,
    mint.mint.keysets().map(({ keyset }) => keyset.id),
  );
  const signed = proofs.map((proof) => ({ ...proof, witness: JSON.stringify({ signatures: ['00'.repeat(64)] }) }));
  for (const again of [
    encodeToken({ mint: mint.url, unit: 'sat', proofs: proofs.toReversed() }, { version: 3, dleq: false }),
    encodeToken({ mint: mint.url, unit: 'sat', proofs: signed }),
  ]) {
    assert.equal(await till.ask(again), 'credit_exhausted');
  }
  assert.equal(mint.spentAmount(), AMOUNT);
});

test('a token with a bad witness of its own is signed by us all the same', async (t) => {
  const { mint, till, draw } = await enter(t);
  const { proofs } = getDecodedToken(
    await draw(),
    mint.mint.keysets().map(({ keyset }) => keyset.id),
  );
  const signed = proofs.map((proof) => ({ ...proof, witness: '{"signatures":["00"]}' }));
  assert.equal(await till.ask(encodeToken({ mint: mint.url, unit: 'sat', proofs: signed })), 'paid');
});

const wrongLocks: readonly (readonly [title: string, options: PaymentOptions])[] = [
  ['to another key', { lock: { pubkey: theirs } }],
  ['to our key and another', { lock: { pubkey: [ours, theirs] } }],
  ['to our key, with SIG_ALL', { lock: { pubkey: ours, sigFlag: 'SIG_ALL' } }],
  ['to a hash', { lock: { pubkey: ours, hashlock: 'ab'.repeat(32) } }],
];

for (const [title, options] of wrongLocks) {
  test(`a token that is locked ${title} is refused, and the mint does not hear of it`, async (t) => {
    const { mint, till, draw } = await enter(t);
    assert.equal(await till.ask(await draw(options)), 'wrong_lock');
    assert.equal(mint.faults.seen('/v1/swap'), 0);
  });
}

test('a token that anybody can spend pays as well, unless the lock is required', async (t) => {
  const free = await enter(t);
  assert.equal(await free.till.ask(await free.draw({})), 'paid');
  const strict = await enter(t, true);
  assert.equal(await strict.till.ask(await strict.draw({})), 'wrong_lock');
  assert.equal(strict.mint.faults.seen('/v1/swap'), 0);
  assert.equal(await strict.till.ask(await strict.draw()), 'paid');
});

test('a lock that ends soon is no reason to refuse: the mint is asked', async (t) => {
  const { till, draw } = await enter(t);
  const locktime = Math.floor(Date.now() / 1_000) + 60;
  assert.equal(await till.ask(await draw({ lock: { pubkey: ours, locktime, refundKeys: [theirs] } })), 'paid');
});
