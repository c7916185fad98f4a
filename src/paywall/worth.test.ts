import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Proof } from '../core/payment.ts';
import { worthOf } from './worth.ts';

const keysets = (ppk: number) => [
  { id: 'a', unit: 'sat', active: true, inputFeePpk: ppk },
  { id: 'free', unit: 'sat', active: false, inputFeePpk: 0 },
];

const token = (coins: readonly number[], id = 'a') => ({
  amount: coins.reduce((sum, coin) => sum + coin, 0),
  proofs: coins.map((amount, index): Proof => ({ id, amount, secret: `${index}`, C: '02' })),
});

const binary = (amount: number): number[] =>
  [...amount.toString(2)].reverse().flatMap((digit, power) => (digit === '1' ? [2 ** power] : []));

// biome-ignore format: a table is read by its columns
for (const [title, coins, ppk, fee, credit] of [
  ['no fee', [8], 0, 0, 8],
  ['one coin, a tenth of a sat', [8], 100, 1, 8],
  ['ten coins, a tenth of a sat each', Array(10).fill(1), 100, 1, 10],
  ['eleven coins, a tenth of a sat each', Array(11).fill(1), 100, 2, 10],
  ['the fewest coins at a sat each', [4, 2, 1], 1_000, 3, 7],
  ['one coin more than the fewest at a sat each', [2, 2, 2, 1], 1_000, 4, 6],
  ['sixteen coins where one would do', Array(16).fill(1), 1_000, 16, 1],
  ['a fee above the amount', [1, 1], 2_000, 4, 0],
] as const) {
  test(`${title}: the mint keeps ${fee}, the payer may have ${credit}`, () => {
    const { amount } = token(coins);
    assert.deepEqual(worthOf(token(coins), keysets(ppk)), { fee, net: amount - fee, credit });
  });
}

test('a keyset that is not known costs nothing, and each proof costs what its own keyset says', () => {
  assert.equal(worthOf(token([1, 2], 'unknown'), keysets(1_000)).fee, 0);
  const mixed = { amount: 3, proofs: [...token([1]).proofs, ...token([2], 'free').proofs] };
  assert.equal(worthOf(mixed, keysets(1_000)).fee, 1);
});

test('whoever pays exactly the price in the fewest coins has the whole price; nobody ever has more than they sent', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 2 ** 31 }),
      fc.integer({ min: 0, max: 5_000 }),
      fc.nat({ max: 40 }),
      (amount, ppk, fragments) => {
        assert.equal(worthOf(token(binary(amount)), keysets(ppk)).credit, amount);
        const { credit, net, fee } = worthOf(token([...binary(amount), ...Array(fragments).fill(1)]), keysets(ppk));
        assert.ok(credit <= amount + fragments && credit >= net);
        assert.equal(net + fee, amount + fragments);
      },
    ),
  );
});
