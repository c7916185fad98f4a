/**
 * The ledger: what payers gave us and what they may still have for it. Every operation is one durable transaction; a
 * promise that resolves has been written to disk.
 */
import type { FoundSession, Purchase, Units, Use } from '../core/payment.ts';
import type { PaidPod, PodTerms } from '../core/pod.ts';

/** One exact request to the mint, and what makes money of its answer. */
export type Swap = Readonly<{
  /** Counts from 1 within its payment. */
  number: number;
  /** What the mint keeps. */
  fee: number;
  /** What the payer may have for it, in the payment's unit. */
  credit: number;
  /** The exact body of the request. */
  body: string;
  /** Our outputs with their secrets and blinding factors, as cashu-ts serialises them, in JSON. */
  outputs: string;
}>;

/** A payment as it is written before the mint is asked for anything. */
export type PreparedPayment = Readonly<{
  id: string;
  mint: string;
  unit: string;
  /** Face value of the token. */
  amount: number;
  /** The rule it was made for. */
  rule: string;
  createdAtMs: number;
  /** What the mint is asked now. */
  swap: Swap;
  /** What it was asked before. It may have signed one of these instead, never two. */
  earlier: readonly Swap[];
}>;

export type NewPayment = Omit<PreparedPayment, 'swap' | 'earlier'> &
  Readonly<{
    swap: Omit<Swap, 'number'>;
    /** Where its credit is added to; left out where it opens an account of its own. */
    accountId?: string | undefined;
    /**
     * What it is to pay for. For a pod, a place is kept from the same transaction on until it is bought, or the payment is
     * rejected, or its payer does not come back (`PodStore.releaseReserved`).
     */
    wants?: Debit | undefined;
  }>;

export type RejectionCode = 'payment_spent' | 'payment_rejected';

/**
 * `untilMs`: the mint may change its mind, and from then on the token counts as never seen. `isPart`: some of its proofs are
 * unspent.
 */
export type Rejection = Readonly<{ code: RejectionCode; detail: string; untilMs?: number; isPart?: true }>;

/** `useId`: what the application is to report by. */
export type Wanted = Exclude<Purchase, Units> | (Units & Readonly<{ useId: string }>);

/** `canStart`: pods that run are found, and their time goes on, even where none can be started now. */
export type PodOrder = PodTerms & Readonly<{ canStart: boolean }>;

/**
 * Nothing was taken. `cannot_start`: by the order. `all_taken`, `own_taken`: as many as there may be run already, of which
 * one ends at `freeAtMs`. `too_long`: it would outlive the longest life of a pod. `balance`: of the account that was asked.
 */
export type NoPod = Readonly<{
  standing: 'no_pod';
  why: 'cannot_start' | 'all_taken' | 'own_taken' | 'too_long';
  freeAtMs?: number;
  balance?: number;
}>;

/** What one request wants of a payment's credit. */
export type Debit = Readonly<{
  /** The rule, and the price where it was raised: what was bought for less is not found here. */
  rule: string;
  amount: number;
  unit: string;
  buys: Wanted;
  nowMs: number;
  /** The time that is bought is a pod's. Left out where the rule starts none. */
  pod?: PodOrder;
  /** A request that shows this key again until then is the same one, and is not debited again. */
  once?: Readonly<{ key: string; untilMs: number }>;
}>;

/**
 * A session that a payment's token may open. Its id is made of the salt and the token, so that whoever sends the token again
 * is given the same one, and nobody can make it of what is stored.
 */
export type SessionOffer = Readonly<{ idHash: string; salt: string; expiresAtMs: number }>;

export type SessionGrant = Omit<SessionOffer, 'idHash'>;

/** `closed`: how many sessions were open. */
export type Revocation = Readonly<{ accountId: string; closed: number }>;

/** The set of proofs that makes a payment: one claim for each, sorted, and the id that they give. */
export type Claims = Readonly<{ paymentId: string; ids: readonly string[] }>;

/** Proofs that are presented for a request. Without `commit` it is told what would be. */
export type Presentation = Readonly<{
  claims: Claims;
  debit: Debit;
  commit: boolean;
  offer: SessionOffer | undefined;
}>;

export type Standing =
  /** None of these proofs belongs to a payment. */
  | Readonly<{ standing: 'unknown' }>
  /** Some proofs belong to another payment, which may have the money for them. */
  | Readonly<{ standing: 'overlap' }>
  /** Written, and the mint's answer not yet known. */
  | Readonly<{ standing: 'prepared' }>
  | Readonly<{ standing: 'rejected'; rejection: Rejection }>
  /** Settled, and this request is paid for. */
  | Debited
  | Exhausted
  | NoPod;

/** `paymentId`: the account's. */
export type Debited = Readonly<{
  standing: 'debited';
  paymentId: string;
  balance: number;
  /** Nothing was taken: time that was bought before runs until then. */
  runsUntilMs?: number;
  use?: Use;
  /** What was bought for this rule, while its time lasts. */
  pod?: PaidPod;
  session?: SessionGrant;
}>;

/** What is left, in `unit`, does not pay for this request. `unitsLeft`: fewer than it has to reserve. */
export type Exhausted = Readonly<{
  standing: 'exhausted';
  paymentId: string;
  balance: number;
  unit: string;
  unitsLeft?: number;
}>;

/** What came of an application's report on one request. */
export type UseReport =
  /** `charged`: less than was reported where nothing more could be had. `paymentId`: the account's. */
  | Readonly<{ report: 'written'; charged: number; paymentId: string; rule: string }>
  /** It was reported before, with this number. */
  | Readonly<{ report: 'contradicted'; units: number }>
  | Readonly<{ report: 'unknown' }>;

export type NewLease = Readonly<{ holder: string; untilMs: number }>;

export type Lease =
  /** `unansweredAtMs`: an earlier holder posted then and never learnt, or never told, what came of it. */
  | Readonly<{ lease: 'taken'; payment: PreparedPayment; tries: number; unansweredAtMs: number | undefined }>
  /** Another acts on the payment. */
  | Readonly<{ lease: 'held' }>
  /** Nobody is to act on it before then. */
  | Readonly<{ lease: 'resting'; untilMs: number }>
  /** Settled, rejected or never written. */
  | Readonly<{ lease: 'concluded' }>;

/** A prepared payment that nobody acts on and that does not rest. */
export type DuePayment = Readonly<{ id: string; mint: string; createdAtMs: number }>;

/** The prepared payments, for which the mint's answer is not known yet. */
export type Outstanding = Readonly<{
  count: number;
  /** When the oldest of them was written. */
  oldestAtMs: number | undefined;
  /** Those that anybody may act on now, the least tried first. */
  due: readonly DuePayment[];
}>;

export type Ledger = Readonly<{
  /**
   * Finds the payment of a set of proofs and, where it is settled, debits its account. Without `commit` it says what would
   * be. With `offer` whoever is or would be debited gets the payment's session: the one that is open, or else the one offered.
   */
  present(claims: Claims, debit: Debit, commit: boolean, offer?: SessionOffer): Promise<Standing>;
  /** The same for an account whose session was presented. */
  draw(accountId: string, debit: Debit, commit: boolean): Promise<Debited | Exhausted | NoPod>;
  /** Takes what a request used, and gives back what is left of what it reserved. Repeating it changes nothing. */
  reportUse(useId: string, units: number, nowMs: number): Promise<UseReport>;
  /** What is left on an account, in its unit. */
  balanceOf(accountId: string): Promise<number>;
  findSession(idHash: string, nowMs: number): Promise<FoundSession>;
  /** Closes every open session of a payment's account. Undefined where there is no such payment. */
  revokeSessions(paymentId: string, nowMs: number): Promise<Revocation | undefined>;
  /** Whether any of these proofs belongs to a payment, or all of them once did. */
  isKnown(claims: Claims): Promise<boolean>;
  /**
   * Writes payment and claims, or neither: `false` where another request was faster with one of the proofs. `leased`: the
   * right to act on it was taken in the same transaction; it was not where the mint was asked about these proofs before.
   * `NoPod`, and nothing written, where there is no place for the pod that it is to buy.
   */
  prepare(payment: NewPayment, claims: Claims, lease?: NewLease): Promise<boolean | 'leased' | NoPod>;
  /** Takes or renews the right to act on a prepared payment until `untilMs`; one holder at a time. */
  lease(paymentId: string, holder: string, nowMs: number, untilMs: number): Promise<Lease>;
  /** Gives the right back; nobody is to act before `untilMs`. `unansweredAtMs`: the latest post without an answer. */
  release(paymentId: string, holder: string, untilMs: number, unansweredAtMs: number | undefined): Promise<void>;
  /** Adds what the mint is to be asked from now on. Gives its number; undefined where `holder` has no lease any more. */
  replaceSwap(paymentId: string, holder: string, swap: Omit<Swap, 'number'>): Promise<number | undefined>;
  /**
   * Signatures of one of the swaps (in JSON), settled, and the credit, all at once. Repeating it changes nothing. With
   * `presented` these claims are presented right after, in the same transaction.
   */
  settle(
    paymentId: string,
    swapNumber: number,
    signatures: string,
    nowMs: number,
    presented?: Presentation,
  ): Promise<Standing | undefined>;
  /**
   * Gives the proofs up to whoever sends them next. `false`, and nothing done, where `holder` has no lease any more.
   * `keepSwaps`: the outputs are kept, for whatever the mint may have signed after all.
   */
  reject(paymentId: string, holder: string, rejection: Rejection, keepSwaps: boolean, nowMs: number): Promise<boolean>;
  /**
   * Remembers the key that seals from now on. Gives the ids of keys that have sealed what is kept here and are not among
   * `known`; where there are any, nothing is remembered.
   */
  noteKeys(current: string | undefined, known: readonly string[]): Promise<readonly string[]>;
  /** Deletes sessions, uses and remembered debits that ended by then, at most `limit` of each. Says whether there may be more. */
  forget(beforeMs: number, limit: number): Promise<boolean>;
  /** `due`: at most `limit`, and none of `exceptMints`. */
  outstanding(nowMs: number, exceptMints: readonly string[], limit: number): Promise<Outstanding>;
}>;
