/** One proof of a Cashu token as the payer sent it (NUT-00): plain data, amounts in the token's unit. */
export type Proof = Readonly<{
  id: string;
  amount: number;
  secret: string;
  C: string;
  witness?: string;
}>;

/** A decoded token, its mint on our list, its proofs distinct; nothing is known yet of whether they are spent. */
export type CashuToken = Readonly<{
  mint: string;
  unit: string;
  /** Face value: the sum of the proofs, before the mint's input fee. */
  amount: number;
  proofs: readonly Proof[];
}>;

/** What a price buys: so many requests, or so long a time. */
export type Purchase = Readonly<{ requests: number } | { timeMs: number }>;

export type Price = Readonly<{ amount: number; unit: string; buys: Purchase }>;

/** The settled payment that opened a request. */
export type Receipt = Readonly<{
  paymentId: string;
  /** What this request's purchase cost, in `unit`. */
  amount: number;
  unit: string;
  /** Credit that is left on the payment after this request, in `unit`. */
  balance: number;
}>;
