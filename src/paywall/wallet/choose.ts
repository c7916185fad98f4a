/** Which proofs make an amount. */

export type Coin = Readonly<{ id: string; amount: number }>;

export type Choice =
  | Readonly<{ choice: 'exact'; coins: readonly Coin[] }>
  /** The nearest amounts that can be made; undefined where there is none. */
  | Readonly<{ choice: 'none'; below: number | undefined; above: number | undefined }>;

const sum = (coins: readonly Coin[]): number => coins.reduce((total, { amount }) => total + amount, 0);

/**
 * The most that can be made without exceeding `most`, in the fewest coins. Each coin of a mint divides every larger one
 * (they are powers of two), so that taking the largest that fits, again and again, is the best there is.
 */
const takeAtMost = (coins: readonly Coin[], most: number): Coin[] => {
  const taken: Coin[] = [];
  let left = most;
  for (const coin of coins.toSorted((a, b) => b.amount - a.amount)) {
    if (coin.amount > left) continue;
    taken.push(coin);
    left -= coin.amount;
  }
  return taken;
};

export const chooseCoins = (coins: readonly Coin[], amount: number): Choice => {
  const taken = takeAtMost(coins, amount);
  const below = sum(taken);
  if (below === amount) return { choice: 'exact', coins: taken };
  const total = sum(coins);
  // What is left out is the most that may be left out.
  const above = total > amount ? total - sum(takeAtMost(coins, total - amount)) : undefined;
  return { choice: 'none', below: below === 0 ? undefined : below, above };
};
