import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OutputData, splitAmount } from '@cashu/cashu-ts';
import fc from 'fast-check';
import { createKeyset } from '../../examples/play-mint/keyset.ts';
import { openCurve } from './curve/open.ts';
import { coinsOf, messagesOf, prepareSwap, proofsOf } from './outputs.ts';

const curve = await openCurve();
const { id, publicKeys: keys } = createKeyset();
const proofs = [{ id, amount: 8, secret: 'secret', C: `02${'1'.repeat(64)}`, witness: 'signed', lock: { untilMs: 1 } }];
const worth = (net: number) => ({ fee: 1, net, credit: net });

test('the outputs sum up to what the mint signs, one of each power of two', () => {
  return fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 2 ** 20 }), async (net) => {
      const swap = await prepareSwap(curve, proofs, worth(net), { id, keys });
      const messages = messagesOf(swap);
      assert.equal(
        messages.reduce((sum, { amount }) => sum + amount, 0),
        net,
      );
      assert.equal(new Set(messages.map(({ amount }) => amount)).size, messages.length);
      assert.ok(messages.every((message) => message.id === id));
    }),
    { numRuns: 10 },
  );
});

test('the body is a swap as NUT-03 has it, and our secrets are not in it', async () => {
  const swap = await prepareSwap(curve, proofs, worth(7), { id, keys });
  const { inputs, outputs, ...more } = JSON.parse(swap.body);
  assert.deepEqual(inputs, [{ id, amount: 8, secret: 'secret', C: proofs[0]?.C, witness: 'signed' }]);
  assert.deepEqual(Object.keys(outputs[0]).sort(), ['B_', 'amount', 'id']);
  assert.deepEqual(more, {});
  assert.deepEqual(proofsOf(swap), inputs);
  const own = JSON.parse(swap.outputs) as Parameters<typeof OutputData.deserialize>[0][];
  assert.deepEqual(
    own.map((output) => OutputData.deserialize(output).blindedMessage.B_),
    messagesOf(swap).map(({ B_ }) => B_),
  );
  for (const { secret, blindingFactor } of own) {
    for (const hidden of [secret, Buffer.from(secret, 'hex').toString(), blindingFactor])
      assert.ok(!swap.body.includes(hidden));
  }
});

test('no two swaps share an output', async () => {
  const swaps = await Promise.all([1, 2, 3].map(() => prepareSwap(curve, proofs, worth(1_023), { id, keys })));
  const messages = swaps.flatMap(messagesOf);
  assert.equal(new Set(messages.map(({ B_ }) => B_)).size, 30);
});

test('coins are those that cashu-ts would take, of whatever values a keyset has', () => {
  const values = fc.uniqueArray(fc.integer({ min: 2, max: 5_000 }), { maxLength: 8 });
  fc.assert(
    fc.property(values, fc.integer({ min: 1, max: 10_000 }), (more, amount) => {
      const few = Object.fromEntries([1, 50, ...more].map((value) => [String(value), keys['1'] ?? '']));
      const expected = splitAmount(amount, few).map(Number);
      if (expected.length > 64) assert.throws(() => coinsOf(amount, { id, keys: few }), /64 coins/);
      else assert.deepEqual(coinsOf(amount, { id, keys: few }), expected);
    }),
  );
});

test('an amount that takes endless coins is refused without making them', () => {
  assert.throws(() => coinsOf(Number.MAX_SAFE_INTEGER, { id, keys: { '1': keys['1'] ?? '' } }), /64 coins/);
});

for (const [title, net, few] of [
  ['only has coins of 1', 65, { '1': keys['1'] ?? '' }],
  ['has no keys', 1, {}],
  ['cannot make the amount', 3, { '2': keys['2'] ?? '' }],
] as const) {
  test(`a keyset that ${title} is refused`, async () => {
    await assert.rejects(prepareSwap(curve, proofs, worth(net), { id, keys: few as Record<string, string> }));
  });
}
