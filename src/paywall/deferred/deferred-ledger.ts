/**
 * Payments that were accepted without asking their mint: in tokens that only we can spend. Their credit is there at once; they
 * are settled later, many by one swap. Such a batch is a payment of its own, which opens no account: it is leased, posted,
 * recovered and collected like any other. Every operation is one durable transaction.
 */
import type { Claims, Debit, NewPayment, SessionOffer, Standing } from '../ledger.ts';
import type { Sum } from '../wallet/proof-store.ts';

/** `swap`: its body has the payment's inputs and no outputs. */
export type Acceptance = Readonly<{
  payment: NewPayment;
  claims: Claims;
  /** Number of its proofs. */
  proofs: number;
  /** Most that may be unsettled at the mint in the unit, this payment included. */
  cap: number;
}>;

/** `isNew`: it was written, and not found. */
export type Accepted = Readonly<{ isNew: boolean; standing: Standing }>;

/** A payment that no batch has. `body` has its inputs. */
export type Waiting = Readonly<{ paymentId: string; amount: number; body: string }>;

/** Left out are the earlier swaps, its credit and its account: it has none. */
export type NewBatch = Pick<NewPayment, 'id' | 'mint' | 'unit' | 'amount' | 'createdAtMs' | 'swap'>;

/** Payments that no batch has, at one mint in one unit. */
export type Group = Readonly<{
  mint: string;
  unit: string;
  amount: number;
  proofs: number;
  oldestAtMs: number;
  /** When the one was checked that was not checked for longest. */
  checkedAtMs: number;
  /** Some are to be settled alone or by few, for they were refused with others. */
  isDivided: boolean;
}>;

export type Unsettled = Readonly<{
  /** Of all mints and units, by count. */
  count: number;
  oldestAtMs: number | undefined;
  groups: readonly Group[];
  /** Batches that anybody may act on now. */
  due: readonly Readonly<{ id: string; mint: string }>[];
}>;

/** What one batch has brought together. */
export type RefusedSum = Sum & Readonly<{ mint: string; unit: string }>;

/** What became of a batch that the mint refuses. */
export type Division =
  /** Its payments wait again, for smaller batches. */
  | Readonly<{ division: 'divided' }>
  /**
   * There is nothing to divide. It is asked for again, at long intervals, and its mint accepts nothing unasked for a while.
   * `isFirst`: it was not refused before.
   */
  | Readonly<{ division: 'kept'; isFirst: boolean; sum: RefusedSum }>
  /** Another acts on it. */
  | Readonly<{ division: 'lost' }>;

export type Refused = Readonly<{
  batchId: string;
  holder: string;
  nowMs: number;
  /** Dividing it would tell nothing: the mint calls all of it spent. */
  isWhole: boolean;
  /** Nobody acts on it before then, where it is kept. */
  restUntilMs: number;
  /** Nothing is accepted unasked before then, where it is kept. */
  pauseUntilMs: number;
}>;

export type DeferredLedger = Readonly<{
  /**
   * Payment, claims, credit, debit (with `commit`) and session at once. Where the payment is there already, it is presented
   * as any is.
   * Undefined, and nothing written, where it would go beyond the cap, the mint is paused, or it has to be redeemed by way of
   * the mint.
   */
  accept(acceptance: Acceptance, debit: Debit, commit: boolean, offer: SessionOffer): Promise<Accepted | undefined>;
  unsettled(nowMs: number): Promise<Unsettled>;
  /** The oldest, of at most so many proofs in all, and no more payments than each of them may share a batch with. */
  waiting(mint: string, unit: string, mostProofs: number): Promise<readonly Waiting[]>;
  /** Those that were checked by then and not since, of at most so many proofs in all. */
  unchecked(mint: string, unit: string, beforeMs: number, mostProofs: number): Promise<readonly Waiting[]>;
  /** `suspect`: to be settled alone, and at once. */
  noteChecked(good: readonly string[], suspect: readonly string[], nowMs: number): Promise<void>;
  /** Writes the batch and puts the payments into it, or neither: `false` where another batch has one of them. */
  openBatch(batch: NewBatch, paymentIds: readonly string[]): Promise<boolean>;
  refuse(refused: Refused): Promise<Division>;
}>;
