import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { chooseCoins } from './choose.ts';

const coinsOf = (amounts: readonly number[]) => amounts.map((amount, index) => ({ id: `coin ${index}`, amount }));

// biome-ignore format: a table is read by its columns
for (const [held, amount, expected] of [
  [[1, 2, 4, 8], 11, [8, 2, 1]],
  [[4, 4, 4], 8, [4, 4]],
  [[8, 1, 1, 1, 1], 4, [1, 1, 1, 1]],
  [[8], 8, [8]],
] as const) {
  test(`${amount} of ${held.join(' ')} is made of ${expected.join(' ')}`, () => {
    const choice = chooseCoins(coinsOf(held), amount);
    assert.equal(choice.choice, 'exact');
    assert.deepEqual(choice.choice === 'exact' && choice.coins.map((coin) => coin.amount), expected);
  });
}

// biome-ignore format: a table is read by its columns
for (const [held, amount, below, above] of [
  [[8, 2], 5, 2, 8],
  [[8, 2], 9, 8, 10],
  [[8, 8], 4, undefined, 8],
  [[8, 2], 11, 10, undefined],
  [[], 1, undefined, undefined],
] as const) {
  test(`${amount} cannot be made of ${held.join(' ') || 'nothing'}: ${below} and ${above} can`, () => {
    assert.deepEqual(chooseCoins(coinsOf(held), amount), { choice: 'none', below, above });
  });
}

/** Every sum that some of the coins make. */
const sums = (amounts: readonly number[]): Set<number> => {
  const reached = new Set([0]);
  for (const amount of amounts) for (const sum of [...reached]) reached.add(sum + amount);
  return reached;
};

test('what can be made is made, in distinct coins, and what is offered instead is nearest', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.nat({ max: 6 }).map((power) => 2 ** power),
        { maxLength: 12 },
      ),
      fc.integer({ min: 1, max: 300 }),
      (held, amount) => {
        const reachable = [...sums(held)].filter((sum) => sum > 0).sort((a, b) => a - b);
        const choice = chooseCoins(coinsOf(held), amount);
        if (choice.choice === 'exact') {
          assert.equal(new Set(choice.coins.map(({ id }) => id)).size, choice.coins.length);
          assert.equal(
            choice.coins.reduce((sum, coin) => sum + coin.amount, 0),
            amount,
          );
          return;
        }
        assert.ok(!reachable.includes(amount));
        assert.equal(
          choice.below,
          reachable.findLast((sum) => sum < amount),
        );
        assert.equal(
          choice.above,
          reachable.find((sum) => sum > amount),
        );
      },
    ),
    { numRuns: 500 },
  );
});
