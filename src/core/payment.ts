import type { ProvisionedPod } from './pod.ts';
import type { Secret } from './secret.ts';

/** One proof of a Cashu token as the payer sent it (NUT-00): plain data, amounts in the token's unit. */
export type Proof = Readonly<{
  id: string;
  amount: number;
  secret: string;
  C: string;
  witness?: string;
  /** Locked to our key (NUT-11). Left out where anybody can spend it. */
  lock?: Lock;
  /** The mint's proof that it signed, with the blinding factor that makes it so (NUT-12); kept where the proof is locked. */
  dleq?: Dleq;
}>;

/** 64 hex digits each. */
export type Dleq = Readonly<{ e: string; s: string; r: string }>;

/** Nobody but us can spend the proof before then; for ever where it is infinite. */
export type Lock = Readonly<{ untilMs: number }>;

/** A decoded token, its mint on our list, its proofs distinct; nothing is known yet of whether they are spent. */
export type CashuToken = Readonly<{
  mint: string;
  unit: string;
  /** Face value: the sum of the proofs, before the mint's input fee. */
  amount: number;
  proofs: readonly Proof[];
}>;

/**
 * Units that the application counts and reports after each request. Until then `reserve` of them are set aside for the
 * request, for no longer than `reportWithinMs`.
 */
export type Units = Readonly<{ units: number; reserve: number; reportWithinMs: number }>;

/** What a price buys: so many requests, so long a time, or units. */
export type Purchase = Readonly<{ requests: number }> | Readonly<{ timeMs: number }> | Units;

export type Price = Readonly<{ amount: number; unit: string; buys: Purchase }>;

/** What a payment left to draw on. Named after the payment that opened it; later ones may have added to it. */
export type Account = Readonly<{ id: string; mint: string; unit: string }>;

/** What is known of a session's id. `closed`: it was one of ours, and has run out or was revoked. */
export type FoundSession =
  | Readonly<{ session: 'open'; account: Account; expiresAtMs: number }>
  | Readonly<{ session: 'closed' }>
  | Readonly<{ session: 'unknown' }>;

/** A request that is paid for in units: its application reports by `id` how many it took. */
export type Use = Readonly<{ id: string; unitsLeft: number }>;

/** The settled payment that opened a request. */
export type Receipt = Readonly<{
  /** The account's. */
  paymentId: string;
  /** What this request's purchase cost, in `unit`. */
  amount: number;
  unit: string;
  /** Credit that is left on the account after this request, in `unit`. */
  balance: number;
  /** Nothing was taken: time that was bought before is running. */
  isRunning: boolean;
  use?: Use;
  /** What runs for the payer. */
  pod?: ProvisionedPod;
  /** Opens the account from now on, in the place of the token. */
  session?: Readonly<{ id: Secret; maxAgeSeconds: number }>;
}>;

/** One of the credits of an API key was taken; how many are left. */
export type CreditReceipt = Readonly<{ creditsLeft: number }>;
