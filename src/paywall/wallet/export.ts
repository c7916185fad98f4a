/**
 * Taking money out as a token. It is written down, and its proofs reserved, before anybody sees it: whatever happens then,
 * the same token can be shown again, and no proof is ever in two tokens.
 */
import { Amount, getEncodedToken } from '@cashu/cashu-ts';
import { type Coin, chooseCoins } from './choose.ts';
import type { Export, OwnProof, ProofStore } from './proof-store.ts';

export type Exported = Export & Readonly<{ token: string }>;

export type ExportOutcome =
  | Readonly<{ outcome: 'exported'; exported: Exported }>
  /** Nothing can be made, or only these amounts can. */
  | Readonly<{ outcome: 'impossible'; below: number | undefined; above: number | undefined }>
  /** It would take more proofs than a mint accepts in one token; so much can be had at once. */
  | Readonly<{ outcome: 'too-many'; most: number }>;

export type ExportOptions = Readonly<{
  proofs: Pick<ProofStore, 'unspent' | 'find' | 'export'>;
  /** A new id at every call. */
  createId: () => string;
  now: () => number;
}>;

/** Nutshell takes 1,000 inputs, others fewer. */
const MOST_PROOFS = 500;
/** Another export at the same time may be faster with some of the proofs. */
const MOST_TRIES = 10;

const encode = (mint: string, unit: string, proofs: readonly OwnProof[]): string =>
  getEncodedToken({
    mint,
    unit,
    proofs: proofs.map(({ keysetId, amount, secret, C }) => ({
      id: keysetId,
      amount: Amount.from(amount),
      secret,
      C,
    })),
  });

const largest = (coins: readonly Coin[]): Coin[] => coins.toSorted((a, b) => b.amount - a.amount).slice(0, MOST_PROOFS);

const sum = (coins: readonly Coin[]): number => coins.reduce((total, { amount }) => total + amount, 0);

export const createExporter = ({ proofs, createId, now }: ExportOptions) => {
  const write = async (mint: string, unit: string, coins: readonly Coin[]): Promise<Exported | undefined> => {
    const ids = coins.map(({ id }) => id);
    const token = encode(mint, unit, await proofs.find(ids));
    const written = { id: createId(), mint, unit, amount: sum(coins), createdAtMs: now() };
    return (await proofs.export(written, token, ids)) ? { ...written, token } : undefined;
  };

  /** Undefined where another took some of the proofs in between. */
  const attempt = async (mint: string, unit: string, wanted: number | 'all'): Promise<ExportOutcome | undefined> => {
    const held = await proofs.unspent(mint, unit);
    const amount = wanted === 'all' ? sum(largest(held)) : wanted;
    const choice = chooseCoins(held, amount);
    if (choice.choice === 'none' || choice.coins.length === 0) {
      const { below, above } = choice.choice === 'none' ? choice : { below: undefined, above: undefined };
      return { outcome: 'impossible', below, above };
    }
    if (choice.coins.length > MOST_PROOFS) return { outcome: 'too-many', most: sum(largest(choice.coins)) };
    const exported = await write(mint, unit, choice.coins);
    return exported && { outcome: 'exported', exported };
  };

  /** `all`: as much as fits into one token. Throws where the store does not answer. */
  return async (mint: string, unit: string, amount: number | 'all'): Promise<ExportOutcome> => {
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const outcome = await attempt(mint, unit, amount);
      if (outcome) return outcome;
    }
    throw new Error('others take money out at the same time: nothing was taken, try again');
  };
};
