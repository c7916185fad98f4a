/**
 * The ledger: what payers gave us and what they may still have for it. Every operation is one durable transaction; a
 * promise that resolves has been written to disk.
 */
import type { Purchase } from '../core/payment.ts';
import type { BlindSignature } from './mint.ts';

/** A payment as it is written before the mint is asked for anything. */
export type PreparedPayment = Readonly<{
  id: string;
  mint: string;
  unit: string;
  amount: number;
  /** What the mint keeps; `amount - fee` is what it signs. */
  fee: number;
  /** What the payer may have for it, in `unit`. */
  credit: number;
  /** The exact body of the swap. */
  swapBody: string;
  /** Our outputs with their secrets and blinding factors, as cashu-ts serialises them, in JSON. */
  outputs: string;
  /** The rule it was made for. */
  rule: string;
  createdAtMs: number;
}>;

export type RejectionCode = 'payment_spent' | 'payment_rejected';

export type Rejection = Readonly<{ code: RejectionCode; detail: string }>;

/** What one request wants of a payment's credit. */
export type Debit = Readonly<{ rule: string; amount: number; unit: string; buys: Purchase; nowMs: number }>;

export type Standing =
  /** None of these proofs was ever seen. */
  | Readonly<{ standing: 'unknown' }>
  /** Some proofs belong to another payment. */
  | Readonly<{ standing: 'overlap' }>
  /** Written, and the mint's answer not yet known. */
  | Readonly<{ standing: 'prepared'; payment: PreparedPayment }>
  | Readonly<{ standing: 'rejected'; rejection: Rejection }>
  /** Settled, and this request is paid for. */
  | Readonly<{ standing: 'debited'; paymentId: string; balance: number }>
  /** Settled, and what is left does not pay for this request. */
  | Readonly<{ standing: 'exhausted'; paymentId: string; balance: number }>;

/** `held` by another; `concluded`: the payment is settled or rejected already. */
export type Lease = 'taken' | 'held' | 'concluded';

export type Ledger = Readonly<{
  /**
   * Finds the payment of a set of claims and, where it is settled, debits it. Without `commit` it says what would be.
   * `claims`: one for each proof, as `claimOf` makes them.
   */
  present(claims: readonly string[], debit: Debit, commit: boolean): Promise<Standing>;
  /** Writes payment and claims, or neither: `false` where another request was faster with one of the claims. */
  prepare(payment: PreparedPayment, claims: readonly string[]): Promise<boolean>;
  /** Takes or renews the right to act on a prepared payment until `untilMs`; one holder at a time. */
  lease(paymentId: string, holder: string, nowMs: number, untilMs: number): Promise<Lease>;
  /** Signatures, settled, and the credit, all at once. Repeating it changes nothing. */
  settle(paymentId: string, signatures: readonly BlindSignature[], nowMs: number): Promise<void>;
  /** For good. The claims stay. A payment that is settled stays settled. */
  reject(paymentId: string, rejection: Rejection, nowMs: number): Promise<void>;
}>;
