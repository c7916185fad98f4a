/** An amount that the proofs we hold do not make: some are swapped at the mint for exactly it, and for change. */
import type { Curve } from '../curve/operations.ts';
import { inputFee, type Keyset, type Mint } from '../mint.ts';
import { coinsOf, drawSwap } from '../outputs.ts';
import { toProof } from './own-token.ts';
import type { OwnProof, ProofStore } from './proof-store.ts';
import type { Spend } from './spend-store.ts';

export type Held = Pick<OwnProof, 'id' | 'amount' | 'keysetId'>;

/** `worth`: what they are after the mint's fee for spending them. */
export type Inputs = Readonly<{ coins: readonly Held[]; worth: number }>;

const worthOf = (coins: readonly Held[], keysets: readonly Keyset[]): number =>
  coins.reduce((sum, { amount }) => sum + amount, 0) -
  inputFee(
    keysets,
    coins.map(({ keysetId }) => keysetId),
  );

/**
 * The fewest proofs that are worth `amount` after fees, or else those that are worth the most: there may be less than it
 * then. Never more than `most`.
 */
export const chooseInputs = (
  held: readonly Held[],
  amount: number,
  keysets: readonly Keyset[],
  most: number,
): Inputs => {
  let best: Inputs = { coins: [], worth: 0 };
  const coins: Held[] = [];
  for (const coin of held.toSorted((a, b) => b.amount - a.amount).slice(0, most)) {
    coins.push(coin);
    const worth = worthOf(coins, keysets);
    if (worth > best.worth) best = { coins: [...coins], worth };
    if (worth >= amount) break;
  }
  return best;
};

export type Change =
  | Readonly<{ change: 'drawn'; spend: Spend; proofIds: readonly string[] }>
  /** So much could be had at once. */
  | Readonly<{ change: 'too-little'; most: number }>;

export type ChangeOptions = Readonly<{ proofs: Pick<ProofStore, 'find'>; curve: Curve; now: () => number }>;

export type ChangeOrder = Readonly<{
  id: string;
  unit: string;
  amount: number;
  /** Who bears the mint's fee for the exchange: we, or whoever gets the token, which is then of so much less. */
  feeFrom: 'held' | 'token';
}>;

/** Draws a spend of at most `most` proofs, and writes nothing. Throws where the mint does not tell its keys. */
export const createChange =
  ({ proofs, curve, now }: ChangeOptions) =>
  async (mint: Mint, order: ChangeOrder, held: readonly Held[], most: number): Promise<Change> => {
    const { id, unit, feeFrom } = order;
    const keyset = await mint.activeKeys(unit);
    const { coins, worth } = chooseInputs(held, order.amount, mint.keysets(), most);
    if (worth < order.amount) return { change: 'too-little', most: worth };
    const fee = coins.reduce((sum, coin) => sum + coin.amount, 0) - worth;
    // No token is of nothing.
    const amount = feeFrom === 'token' && fee < order.amount ? order.amount - fee : order.amount;
    const sent = coinsOf(amount, keyset);
    const kept = worth > amount ? coinsOf(worth - amount, keyset) : [];
    const proofIds = coins.map((coin) => coin.id);
    const inputs = (await proofs.find(proofIds)).map(toProof);
    const drawn = await drawSwap(curve, inputs, [...sent, ...kept], keyset.id);
    const spend = { id, kind: 'swap', mint: mint.url, unit, amount, sent: sent.length, createdAtMs: now() } as const;
    return { change: 'drawn', spend: { ...spend, ...drawn }, proofIds };
  };
