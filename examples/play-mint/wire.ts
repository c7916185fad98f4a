import { z } from 'zod';

/** A compressed point. In one spelling, or the same message could be signed twice. */
const hex = z.string().length(66).toLowerCase();

const coin = { id: z.string().max(66), amount: z.int().positive() };

/** NUT-00, BlindedMessage. */
const output = z.object({ ...coin, B_: hex });
/** NUT-00, Proof. */
const proof = z.object({ ...coin, secret: z.string(), C: hex, witness: z.string().nullish() });

const outputs = z.array(output).max(1_000);

/** What wallets post, by endpoint. */
export const bodies = {
  quote: z.object({ amount: z.int().positive(), unit: z.string() }),
  mint: z.object({ quote: z.string(), outputs }),
  meltQuote: z.object({ request: z.string(), unit: z.string() }),
  melt: z.object({ quote: z.string(), inputs: z.array(proof).max(1_000), outputs: outputs.nullish() }),
  swap: z.object({ inputs: z.array(proof).max(1_000), outputs }),
  checkstate: z.object({ Ys: z.array(hex).max(1_000) }),
  restore: z.object({ outputs }),
} as const;

export type Output = Readonly<z.infer<typeof output>>;
export type Input = Readonly<z.infer<typeof proof>>;

/** NUT-00, BlindSignature, with the DLEQ proof of NUT-12. */
export type Signature = Readonly<{ id: string; amount: number; C_: string; dleq: Readonly<{ e: string; s: string }> }>;

/** NUT-23, the answer to a quote request. */
export type Quote = Readonly<{
  quote: string;
  request: string;
  amount: number;
  unit: string;
  state: 'UNPAID' | 'PAID' | 'ISSUED';
  expiry: number | null;
}>;

/** NUT-23, the answer to a melt quote and to a melt; `change` as of NUT-08. */
export type MeltQuote = Readonly<{
  quote: string;
  request: string;
  amount: number;
  unit: string;
  fee_reserve: number;
  state: 'UNPAID' | 'PENDING' | 'PAID';
  expiry: number | null;
  change?: readonly Signature[];
}>;

/** NUT-07. */
export type ProofState = Readonly<{ Y: string; state: 'UNSPENT' | 'PENDING' | 'SPENT'; witness: string | null }>;
