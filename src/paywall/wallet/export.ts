/**
 * Taking money out as a token. It is written down, and its proofs reserved, before anybody sees it: whatever happens then,
 * the same token can be shown again, and no proof is ever in two tokens.
 */

import type { Curve } from '../curve/operations.ts';
import type { Mint } from '../mint.ts';
import { type Change, createChange, type Held } from './change.ts';
import { type Choice, type Coin, chooseCoins } from './choose.ts';
import { encodeOwn } from './own-token.ts';
import type { Export, ProofStore } from './proof-store.ts';
import type { SpendStore } from './spend-store.ts';
import type { Spender } from './spender.ts';

export type Exported = Export & Readonly<{ token: string }>;

export type Unexported =
  /** So much can be had, after the mint's fee for making change. */
  | Readonly<{ outcome: 'too-little'; most: number }>
  /** It would take more proofs than a mint accepts in one token; so much can be had at once. */
  | Readonly<{ outcome: 'too-many'; most: number }>
  /** No change can be had; the nearest amounts that need none, where there are any. */
  | Readonly<{ outcome: 'no-change'; reason: string; below: number | undefined; above: number | undefined }>
  /** The mint would not exchange the proofs, and they are held as before. */
  | Readonly<{ outcome: 'refused'; reason: string }>
  /** The mint has not answered for certain: the token will be there under this id, or the proofs be held again. */
  | Readonly<{ outcome: 'uncertain'; id: string; reason: string }>;

export type ExportOutcome = Readonly<{ outcome: 'exported'; exported: Exported }> | Unexported;

export type ExportOptions = Readonly<{
  proofs: Pick<ProofStore, 'unspent' | 'find' | 'export' | 'findExport'>;
  spends: Pick<SpendStore, 'prepare'>;
  spend: Spender;
  mintAt: (url: string) => Mint;
  curve: Curve;
  /** A new id at every call. */
  createId: () => string;
  now: () => number;
}>;

/** Nutshell takes 1,000 inputs, others fewer. */
const MOST_PROOFS = 500;
/** Another export at the same time may be faster with some of the proofs. */
const MOST_TRIES = 10;

const largest = <T extends Coin>(coins: readonly T[]): T[] =>
  coins.toSorted((a, b) => b.amount - a.amount).slice(0, MOST_PROOFS);

const sum = (coins: readonly Coin[]): number => coins.reduce((total, { amount }) => total + amount, 0);

type NoChoice = Extract<Choice, { choice: 'none' }>;

export const createExporter = (options: ExportOptions) => {
  const { proofs, spends, spend, mintAt, createId, now } = options;
  const drawChange = createChange(options);

  const write = async (mint: string, unit: string, coins: readonly Coin[]): Promise<ExportOutcome | undefined> => {
    const ids = coins.map(({ id }) => id);
    const token = encodeOwn(mint, unit, await proofs.find(ids));
    const written = { id: createId(), mint, unit, amount: sum(coins), createdAtMs: now() };
    const isWritten = await proofs.export(written, token, ids);
    return isWritten ? { outcome: 'exported', exported: { ...written, token } } : undefined;
  };

  const carryOut = async (id: string, mint: Mint): Promise<ExportOutcome> => {
    const spent = await spend(id);
    const exported = await proofs.findExport(id);
    if (exported) return { outcome: 'exported', exported };
    if (spent.spent === 'settled') throw new Error(`${mint.url} signed wrongly what the token ${id} was to be made of`);
    if (spent.spent === 'uncertain') return { outcome: 'uncertain', id, reason: spent.reason };
    if (spent.spent === 'failed') return { outcome: 'refused', reason: spent.reason };
    return { outcome: 'uncertain', id, reason: 'another process asks the mint' };
  };

  const exchange = async (
    mint: Mint,
    unit: string,
    amount: number,
    held: readonly Held[],
    nearest: NoChoice,
  ): Promise<ExportOutcome | undefined> => {
    const { below, above } = nearest;
    let change: Change;
    try {
      change = await drawChange(createId(), mint, unit, amount, held, MOST_PROOFS);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      return { outcome: 'no-change', reason, below, above };
    }
    if (change.change === 'too-little') return { outcome: 'too-little', most: Math.max(change.most, below ?? 0) };
    if (!(await spends.prepare(change.spend, change.proofIds))) return undefined;
    return carryOut(change.spend.id, mint);
  };

  /** Undefined where it may be tried again. */
  const attempt = async (mint: string, unit: string, wanted: number | 'all'): Promise<ExportOutcome | undefined> => {
    const held = await proofs.unspent(mint, unit);
    const amount = wanted === 'all' ? sum(largest(held)) : wanted;
    if (sum(held) < amount || held.length === 0) return { outcome: 'too-little', most: sum(held) };
    const choice = chooseCoins(held, amount);
    if (choice.choice === 'none') return exchange(mintAt(mint), unit, amount, held, choice);
    if (choice.coins.length > MOST_PROOFS) return { outcome: 'too-many', most: sum(largest(choice.coins)) };
    return write(mint, unit, choice.coins);
  };

  /** `all`: as much as fits into one token. Throws where the store does not answer. */
  return async (mint: string, unit: string, amount: number | 'all'): Promise<ExportOutcome> => {
    let wasRefused = false;
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const outcome = await attempt(mint, unit, amount);
      if (outcome && (outcome.outcome !== 'refused' || wasRefused)) return outcome;
      if (!outcome) continue;
      // Its keysets may not be what they were when we looked.
      await mintAt(mint).refreshKeysets(0);
      wasRefused = true;
    }
    throw new Error('others take money out at the same time: nothing was taken, try again');
  };
};
