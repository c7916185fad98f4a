/**
 * What we spend ourselves at a mint: proofs of our own go in, new ones come out. Written down before the mint is asked, and
 * brought to its end by whoever comes next. Every operation is one durable transaction; `body` and `outputs` are money.
 */
import type { NewProof } from './proof-store.ts';
import type { RefundClaim } from './refund-store.ts';

/** `swap`: for a token of an exact amount, and change. `melt`: for a payment by Lightning (NUT-05). */
export type SpendKind = 'swap' | 'melt';

/** `payee`: the Lightning address that gave the invoice, or the invoice itself. */
export type Melt = Readonly<{ quoteId: string; invoice: string; payee: string }>;

/** As it is written before the mint is asked. Proofs that come of it have its id as their `paymentId`. */
export type Spend = Readonly<{
  /** Of the token that comes of it, too. */
  id: string;
  kind: SpendKind;
  mint: string;
  unit: string;
  /** What is to leave. */
  amount: number;
  /** The exact body of the request. */
  body: string;
  /** Our outputs with their secrets and blinding factors, as cashu-ts serialises them, in JSON. */
  outputs: string;
  /** So many of the outputs, from the first, make the token. */
  sent: number;
  createdAtMs: number;
  /** Of a melt. */
  melt?: Melt;
  /** Nothing is written where less than this is held at the mint, unspent, at that moment. Not kept. */
  heldAtLeast?: number | undefined;
}>;

export type SpendState = 'prepared' | 'settled' | 'failed';

export type SpendRecord = Omit<Spend, 'body' | 'outputs' | 'sent' | 'melt' | 'heldAtLeast'> &
  Readonly<{
    payee: string | undefined;
    state: SpendState;
    /** What the mint kept. */
    fee: number | undefined;
    failure: string | undefined;
  }>;

export type SpendLease =
  /** `unansweredAtMs`: an earlier holder posted then and never learnt, or never told, what came of it. */
  | Readonly<{ lease: 'taken'; spend: Spend; tries: number; unansweredAtMs: number | undefined }>
  | Readonly<{ lease: 'held' }>
  | Readonly<{ lease: 'resting'; untilMs: number }>
  | Readonly<{ lease: 'concluded' }>;

/** What came of it. `token`: left out where one of its proofs is bad; then the good ones are held like any other. */
export type Proceeds = Readonly<{ made: readonly NewProof[]; token: string | undefined; fee: number }>;

export type SpendStore = Readonly<{
  /**
   * Takes the proofs and writes the spend, or neither: `false` where one of them, or the refund, is taken, where the invoice was
   * melted or is being melted, or where another melt for the same payee is under way.
   */
  prepare(spend: Spend, proofIds: readonly string[], refund?: RefundClaim): Promise<boolean>;
  lease(id: string, holder: string, nowMs: number, untilMs: number): Promise<SpendLease>;
  release(id: string, holder: string, untilMs: number, unansweredAtMs: number | undefined): Promise<void>;
  /** Proofs, token and end at once. `false`, and nothing done, where that was done before. */
  settle(id: string, proceeds: Proceeds, nowMs: number): Promise<boolean>;
  /** The mint did not act: proofs are held again, but for `lost`. `false` where `holder` has no lease any more. */
  fail(id: string, holder: string, failure: string, lost: readonly string[], nowMs: number): Promise<boolean>;
  /** Prepared spends that nobody acts on and that do not rest, the least tried first. */
  due(nowMs: number, limit: number): Promise<readonly Readonly<{ id: string; mint: string }>[]>;
  find(id: string): Promise<SpendRecord | undefined>;
  /** What keeps a melt from being prepared: one of the same invoice, unless it failed, or one for the same payee under way. */
  findMelt(invoice: string, payee: string): Promise<SpendRecord | undefined>;
  /** The latest first. */
  list(limit: number): Promise<readonly SpendRecord[]>;
}>;
