/** Brings spends to their end that a process left in the middle, or that the mint left without an answer. */
import type { SpendStore } from './spend-store.ts';
import type { Spender } from './spender.ts';

export type FinishOptions = Readonly<{
  spends: Pick<SpendStore, 'due'>;
  spend: Spender;
  now: () => number;
}>;

const MOST_AT_A_LOOK = 32;

/** A mint that gives no certain answer is asked about one of them in each round. */
export const createFinisher =
  ({ spends, spend, now }: FinishOptions) =>
  async (signal?: AbortSignal): Promise<void> => {
    const silent = new Set<string>();
    for (const { id, mint } of await spends.due(now(), MOST_AT_A_LOOK)) {
      if (silent.has(mint) || signal?.aborted) continue;
      const { spent } = await spend(id);
      if (spent === 'uncertain') silent.add(mint);
    }
  };
