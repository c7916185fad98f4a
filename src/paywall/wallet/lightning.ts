/** What is needed of a mint to pay by Lightning (NUT-05, NUT-08), and of a Lightning address to be paid. */
import type { BlindedMessage, BlindSignature } from '../mint.ts';

export type MeltQuote = Readonly<{
  id: string;
  /** Of the invoice, in the quote's unit. */
  amount: number;
  /** The most that the mint may take for the way. */
  feeReserve: number;
}>;

/** `UNKNOWN`: the mint does not know the quote. `change`: as far as it tells. */
export type MeltStatus = Readonly<{
  state: 'UNPAID' | 'PENDING' | 'PAID' | 'UNKNOWN';
  change: readonly BlindSignature[] | undefined;
}>;

/** What came of a melt; as with a swap, everything that does not say for certain is `unclear`. */
export type MeltOutcome =
  | Readonly<{ outcome: 'answered'; status: MeltStatus }>
  | Readonly<{ outcome: 'refused'; code: number | undefined }>
  | Readonly<{ outcome: 'unclear'; reason: string }>;

/** All but `melt` throw where the mint gives no readable answer. */
export type LightningMint = Readonly<{
  quote(invoice: string, unit: string): Promise<MeltQuote>;
  status(quoteId: string): Promise<MeltStatus>;
  /** Posts exactly this body. */
  melt(body: string): Promise<MeltOutcome>;
  /** The signatures that the mint once gave for some of these outputs, in their order, whatever their amounts. */
  restoreSome(outputs: readonly BlindedMessage[]): Promise<readonly (BlindSignature | undefined)[]>;
}>;

export type Invoice = Readonly<{ text: string; amountMsat: number }>;

const form = /^ln(?:bcrt|bc|tbs|tb)(?:(\d{1,15})([munp]?))1[02-9ac-hj-np-z]{50,4000}$/;

/** In 10⁻¹¹ bitcoin, which is a millisatoshi (BOLT 11). */
const msatOf = { '': 100_000_000_000n, m: 100_000_000n, u: 100_000n, n: 100n } as const;

/** Undefined where it is no invoice, or names no amount of whole millisatoshis. `lightning:` before it is allowed. */
export const readInvoice = (written: string): Invoice | undefined => {
  const text = written
    .trim()
    .toLowerCase()
    .replace(/^lightning:/, '');
  const [, digits = '', multiplier = ''] = form.exec(text) ?? [];
  if (digits === '') return undefined;
  const value = BigInt(digits);
  const isWhole = multiplier !== 'p' || value % 10n === 0n;
  const msat = multiplier === 'p' ? value / 10n : value * msatOf[multiplier as keyof typeof msatOf];
  const amountMsat = Number(msat);
  return isWhole && amountMsat > 0 && Number.isSafeInteger(amountMsat) ? { text, amountMsat } : undefined;
};

const address = /^[a-z0-9._+-]{1,64}@[a-z0-9.-]{1,253}(?::\d{1,5})?$/;

/** `name@host` (LUD-16), in lower case; undefined where it is none. */
export const readLightningAddress = (written: string): string | undefined => {
  const text = written.trim().toLowerCase();
  return address.test(text) ? text : undefined;
};

/** Asks an address for an invoice of exactly so much. Throws, with a reason for people. */
export type AskInvoice = (lightningAddress: string, amountMsat: number) => Promise<Invoice>;
