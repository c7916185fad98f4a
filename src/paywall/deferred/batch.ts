/** Many accepted payments in one swap: signed once, drawn once, and written down before the mint hears of it. */
import type { Proof } from '../../core/payment.ts';
import type { Curve } from '../curve/operations.ts';
import { readLock } from '../lock.ts';
import { inputFee, type Mint } from '../mint.ts';
import { prepareSwap, proofsOf } from '../outputs.ts';
import type { Unlock } from '../unlock.ts';
import type { DeferredLedger, Group } from './deferred-ledger.ts';

/** In one swap. Mints take 1,000 inputs, or fewer; these make a body of some 100 KB. */
export const MOST_PROOFS = 200;

/** Of a payment that was accepted: what is to be swapped, unsigned. */
export const inputsOnly = (proofs: readonly Proof[]): string =>
  JSON.stringify({ inputs: proofs.map(({ id, amount, secret, C }) => ({ id, amount, secret, C })), outputs: [] });

export type BatcherOptions = Readonly<{
  deferred: Pick<DeferredLedger, 'waiting' | 'openBatch'>;
  curve: Curve;
  unlock: Unlock;
  /** Ours, that all of it has to be locked to; undefined where there is none any more. */
  publicKey: string | undefined;
  /** A new id at every call. */
  createId: () => string;
  now: () => number;
}>;

/**
 * Gives its id; undefined where there is nothing to put into it, or others were faster. Throws where the mint's keys cannot be
 * had, or ours is not the key that was configured then.
 */
export type OpenBatch = (mint: Mint, group: Pick<Group, 'unit'>) => Promise<string | undefined>;

export const createBatcher = ({ deferred, curve, unlock, publicKey, createId, now }: BatcherOptions): OpenBatch => {
  const locked = (proof: Proof): Proof => {
    const lock = readLock(proof.secret, publicKey);
    if (typeof lock !== 'string') return { ...proof, lock };
    throw new Error('payments wait that are locked to another key than cashu.lock.private_key: name that one again');
  };

  return async (mint, { unit }) => {
    const waiting = await deferred.waiting(mint.url, unit, MOST_PROOFS);
    if (waiting.length === 0) return undefined;
    // First, for with it the mint's list is there.
    const keys = await mint.activeKeys(unit);
    const amount = waiting.reduce((sum, payment) => sum + payment.amount, 0);
    const proofs = waiting.flatMap(({ body }) => proofsOf({ body })).map(locked);
    const fee = inputFee(
      mint.keysets(),
      proofs.map(({ id }) => id),
    );
    const net = amount - fee;
    const swap = await prepareSwap(curve, await unlock(proofs), { fee, net, credit: net }, keys);
    const id = createId();
    const batch = { id, mint: mint.url, unit, amount, createdAtMs: now(), swap };
    const paymentIds = waiting.map(({ paymentId }) => paymentId);
    return (await deferred.openBatch(batch, paymentIds)) ? id : undefined;
  };
};
