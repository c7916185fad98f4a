/**
 * Taking money out as a token. It is written down, and its proofs reserved, before anybody sees it: whatever happens then,
 * the same token can be shown again, and no proof is ever in two tokens.
 */

import type { Curve } from '../curve/operations.ts';
import type { Mint } from '../mint.ts';
import { type Change, type ChangeOrder, createChange, type Held } from './change.ts';
import { type Choice, type Coin, chooseCoins } from './choose.ts';
import { encodeOwn } from './own-token.ts';
import type { Export, ProofStore } from './proof-store.ts';
import type { RefundClaim } from './refund-store.ts';
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

export type Order = Omit<ChangeOrder, 'amount'> &
  Readonly<{
    /** Of the token, should it be made at once. */
    id: string;
    mint: string;
    /** `all`: as much as fits into one token. */
    amount: number | 'all';
    /** Left out where the token is for the operator. */
    refund?: RefundClaim;
    /** Nothing is taken where less than this is held: another has taken some since. */
    heldAtLeast?: number | undefined;
  }>;

export type AttemptOptions = Readonly<{
  proofs: Pick<ProofStore, 'unspent' | 'find' | 'export' | 'findExport'>;
  spends: Pick<SpendStore, 'prepare'>;
  spend: Spender;
  mintAt: (url: string) => Mint;
  curve: Curve;
  now: () => number;
}>;

export type ExportOptions = AttemptOptions &
  Readonly<{
    /** A new id at every call. */
    createId: () => string;
  }>;

/** Nutshell takes 1,000 inputs, others fewer. */
const MOST_PROOFS = 500;
/** Another export at the same time may be faster with some of the proofs. */
const MOST_TRIES = 10;

const largest = <T extends Coin>(coins: readonly T[]): T[] =>
  coins.toSorted((a, b) => b.amount - a.amount).slice(0, MOST_PROOFS);

const sum = (coins: readonly Coin[]): number => coins.reduce((total, { amount }) => total + amount, 0);

type NoChoice = Extract<Choice, { choice: 'none' }>;

/** One try; undefined where another was faster with some of the proofs, or with the refund. */
export type Attempt = (order: Order) => Promise<ExportOutcome | undefined>;

export const createAttempt = (options: AttemptOptions): Attempt => {
  const { proofs, spends, spend, mintAt, now } = options;
  const drawChange = createChange(options);

  const write = async (order: Order, coins: readonly Coin[]): Promise<ExportOutcome | undefined> => {
    const { id, mint, unit, refund } = order;
    const ids = coins.map((coin) => coin.id);
    const token = encodeOwn(mint, unit, await proofs.find(ids));
    const written = { id, mint, unit, amount: sum(coins), createdAtMs: now() };
    const isWritten = await proofs.export({ ...written, heldAtLeast: order.heldAtLeast }, token, ids, refund);
    return isWritten ? { outcome: 'exported', exported: { ...written, token } } : undefined;
  };

  const carryOut = async ({ id, mint }: Order): Promise<ExportOutcome> => {
    const spent = await spend(id);
    const exported = await proofs.findExport(id);
    if (exported) return { outcome: 'exported', exported };
    if (spent.spent === 'settled') throw new Error(`${mint} signed wrongly what the token ${id} was to be made of`);
    if (spent.spent === 'uncertain') return { outcome: 'uncertain', id, reason: spent.reason };
    if (spent.spent === 'failed') return { outcome: 'refused', reason: spent.reason };
    return { outcome: 'uncertain', id, reason: 'another process asks the mint' };
  };

  const exchange = async (
    order: Order,
    amount: number,
    held: readonly Held[],
    { below, above }: NoChoice,
  ): Promise<ExportOutcome | undefined> => {
    let change: Change;
    try {
      change = await drawChange(mintAt(order.mint), { ...order, amount }, held, MOST_PROOFS);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      return { outcome: 'no-change', reason, below, above };
    }
    if (change.change === 'too-little') return { outcome: 'too-little', most: Math.max(change.most, below ?? 0) };
    const written = { ...change.spend, heldAtLeast: order.heldAtLeast };
    return (await spends.prepare(written, change.proofIds, order.refund)) ? carryOut(order) : undefined;
  };

  return async (order) => {
    const held = await proofs.unspent(order.mint, order.unit);
    if (sum(held) < (order.heldAtLeast ?? 0))
      return { outcome: 'refused', reason: 'another has taken money out meanwhile' };
    const amount = order.amount === 'all' ? sum(largest(held)) : order.amount;
    if (sum(held) < amount || held.length === 0) return { outcome: 'too-little', most: sum(held) };
    const choice = chooseCoins(held, amount);
    if (choice.choice === 'none') return exchange(order, amount, held, choice);
    if (choice.coins.length > MOST_PROOFS) return { outcome: 'too-many', most: sum(largest(choice.coins)) };
    return write(order, choice.coins);
  };
};

export const createExporter = (options: ExportOptions) => {
  const attempt = createAttempt(options);

  /** Throws where the store does not answer. */
  return async (mint: string, unit: string, amount: number | 'all', heldAtLeast?: number): Promise<ExportOutcome> => {
    let wasRefused = false;
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const outcome = await attempt({ id: options.createId(), mint, unit, amount, feeFrom: 'held', heldAtLeast });
      if (outcome && (outcome.outcome !== 'refused' || wasRefused)) return outcome;
      if (!outcome) continue;
      // Its keysets may not be what they were when we looked.
      await options.mintAt(mint).refreshKeysets(0);
      wasRefused = true;
    }
    throw new Error('others take money out at the same time: nothing was taken, try again');
  };
};
