/**
 * The proofs that are ours: what the mint signed for settled payments, and where each of them went. Every operation is one
 * durable transaction. `outputs`, `signatures`, `secret` and `token` are money for whoever reads them.
 */
import type { RefundClaim } from './refund-store.ts';

/** A settled payment whose signatures were not made proofs yet. */
export type Uncollected = Readonly<{ paymentId: string; mint: string; unit: string }>;

/** What makes proofs of a payment, as the ledger wrote it, in JSON. */
export type Signed = Readonly<{ outputs: string; signatures: string }>;

/**
 * `reserved`: in a token that was given out. `spent`: such a token was redeemed. `pending`: in a spend that is under way.
 * `exchanged`: spent by ourselves, and replaced by what came of it. `bad`: the mint's signature is not what it should be.
 * `lost`: held here, and spent by somebody else.
 */
export type OwnProofState = 'unspent' | 'reserved' | 'pending' | 'exchanged' | 'spent' | 'bad' | 'lost';

export type NewProof = Readonly<{
  id: string;
  keysetId: string;
  amount: number;
  secret: string;
  /** Empty where there is none. */
  C: string;
  state: Extract<OwnProofState, 'unspent' | 'bad'>;
}>;

/** `paymentId`: of the payment or the spend that brought it. */
export type OwnProof = Omit<NewProof, 'state'> & Readonly<{ paymentId: string; state: OwnProofState }>;

export type Sum = Readonly<{ amount: number; count: number }>;

/** Of one mint in one unit. */
export type Balance = Readonly<{
  mint: string;
  unit: string;
  /**
   * What settled payments brought, after the mint's fees: all that follows but exchanged proofs, `inFlight`,
   * `unsettled`, `refused` and `owed`.
   */
  received: Sum;
  /** Signed for, and not yet made proofs of. */
  uncollected: Sum;
  proofs: Readonly<Record<OwnProofState, Sum>>;
  /** What mints kept of our own spends. */
  fees: Sum;
  /** What was paid by Lightning. */
  melted: Sum;
  /** Face value of payments that the mint has not answered for certain. */
  inFlight: Sum;
  /** Face value of payments that were accepted without asking the mint, until a swap has brought their money. */
  unsettled: Sum;
  /** The same where the mint has refused it. */
  refused: Sum;
  /** Credit that payers have left, and refunds without their token yet; not what was bought and is not used. */
  owed: number;
}>;

export type Export = Readonly<{
  id: string;
  mint: string;
  unit: string;
  amount: number;
  createdAtMs: number;
}>;

export type PaymentRecord = Readonly<{
  id: string;
  /** `accepted`: without asking the mint, and not settled there yet. */
  state: 'prepared' | 'accepted' | 'settled' | 'rejected';
  mint: string;
  unit: string;
  /** Face value. */
  amount: number;
  /** Of payments with a swap of their own that is settled: what the mint kept. */
  fee: number | undefined;
  rule: string;
  createdAtMs: number;
  concludedAtMs: number | undefined;
}>;

/** What a payment's signatures were made into. */
export type Made = Readonly<{ payment: Uncollected; proofs: readonly NewProof[] }>;

/** `heldAtLeast` is not kept. */
export type Written = Export & Readonly<{ heldAtLeast?: number | undefined }>;

export type ProofStore = Readonly<{
  /** Settled payments, in the order of their ids, from behind `after`, and none of `exceptMints`. */
  uncollected(after: string, exceptMints: readonly string[], limit: number): Promise<readonly Uncollected[]>;
  signed(paymentId: string): Promise<Signed | undefined>;
  /** Writes the proofs of all these payments, or of none. Gives the ids of those of which that was not done before. */
  collect(made: readonly Made[], nowMs: number): Promise<readonly string[]>;
  balances(): Promise<readonly Balance[]>;
  /** In the order of their ids, from behind `after`. */
  proofs(mint: string, unit: string, state: OwnProofState, after: string, limit: number): Promise<readonly OwnProof[]>;
  /** Amounts of the proofs that can be spent. */
  unspent(mint: string, unit: string): Promise<readonly Pick<OwnProof, 'id' | 'amount' | 'keysetId'>[]>;
  find(ids: readonly string[]): Promise<readonly OwnProof[]>;
  /**
   * Reserves the proofs and writes the token, or neither: `false` where one of them, or the refund, is taken, or where less than
   * `heldAtLeast` is held at the mint, unspent, at that moment.
   */
  export(written: Written, token: string, ids: readonly string[], refund?: RefundClaim): Promise<boolean>;
  exports(limit: number): Promise<readonly Export[]>;
  findExport(id: string): Promise<(Export & Readonly<{ token: string }>) | undefined>;
  /** Exports whose ids begin so, and which were not marked as delivered. */
  undelivered(prefix: string): Promise<readonly string[]>;
  markDelivered(id: string, nowMs: number): Promise<void>;
  /** Of reserved proofs. */
  markSpent(ids: readonly string[]): Promise<void>;
  /** The latest first. */
  payments(limit: number): Promise<readonly PaymentRecord[]>;
}>;
