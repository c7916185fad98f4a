import { randomUUID } from 'node:crypto';
import { addKeyset, createBook, type Totals, totals } from './book.ts';
import { MintError } from './errors.ts';
import type { Keyset, KeysetOptions } from './keyset.ts';
import { conclude, createMeltQuote, type Lightning, melt, meltOf } from './melt.ts';
import { checkInputs, checkOutputs, feeOf, keysetOf } from './rules.ts';
import { sign, yOf } from './signing.ts';
import type { Input, MeltQuote, Output, ProofState, Quote, Signature } from './wire.ts';

export type MintOptions = Readonly<{
  /** The first active keysets, one for each unit. */
  keysets?: readonly KeysetOptions[];
  /** Whether quotes are paid at once: it is play money. */
  paid?: boolean;
  /** Milliseconds since 1970. */
  now?: () => number;
}>;

/**
 * The rules of a Cashu mint (NUT-00 to 05, 07, 08, 09, 11, 12, 14) over a state in memory. Every operation runs to its end
 * before the next one begins, so it is atomic; a refused one (`MintError`) leaves nothing behind.
 */
export type PlayMint = Readonly<{
  keysets(): readonly Readonly<{ keyset: Keyset; active: boolean }>[];
  /** A new active keyset; the others of its unit redeem from now on, but sign no more. */
  rotate(options?: KeysetOptions): Keyset;
  createQuote(amount: number, unit: string): Quote;
  quote(id: string): Quote;
  payQuote(id: string): void;
  mint(quote: string, outputs: readonly Output[]): Signature[];
  createMeltQuote(request: string, unit: string): MeltQuote;
  meltQuote(id: string): MeltQuote;
  melt(quote: string, inputs: readonly Input[], outputs: readonly Output[]): MeltQuote;
  /** What becomes of payments by Lightning from now on. */
  setLightning(lightning: Lightning): void;
  /** Ends all that are pending. */
  concludeMelts(isPaid: boolean): void;
  swap(inputs: readonly Input[], outputs: readonly Output[]): Signature[];
  states(ys: readonly string[]): ProofState[];
  restore(outputs: readonly Output[]): { outputs: Output[]; signatures: Signature[] };
  /** Marks proofs, by their secrets, as held by another transaction, or takes the mark off. */
  setPending(secrets: readonly string[], pending: boolean): void;
  totals(unit?: string): Totals;
}>;

const sum = (coins: readonly { amount: number }[]) => coins.reduce((total, { amount }) => total + amount, 0);

export function createMint({ keysets = [{}], paid = true, now = Date.now }: MintOptions = {}): PlayMint {
  const book = createBook(keysets, now);
  let lightning: Lightning = 'paid';

  const quoteOf = (id: string): Quote => {
    const quote = book.quotes.get(id);
    if (quote === undefined) throw new MintError('transaction', 'quote not found');
    return quote;
  };

  // All signatures are made before any is kept, so that a bad output leaves nothing behind.
  const signAll = (outputs: readonly Output[]): Signature[] => {
    const signed = outputs.map((output) => [output, sign(keysetOf(book, output.id, 'sign'), output)] as const);
    for (const [{ B_ }, signature] of signed) book.signatures.set(B_, signature);
    return signed.map(([, signature]) => signature);
  };

  return {
    keysets: () => [...book.keysets.values()],
    rotate: (options) => addKeyset(book, options),
    createQuote: (amount, unit) => {
      const signs = [...book.keysets.values()].some(({ keyset, active }) => active && keyset.unit === unit);
      if (!signs) throw new MintError('unitNotSupported', `unit not supported: ${unit}`);
      const id = randomUUID();
      // An invoice for regtest by its looks: wallets read the amount in it (in 10⁻⁹ bitcoin), nobody could pay it.
      const request = `lnbcrt${amount}0n1${id.replaceAll(/[-1]/g, 'q')}`;
      const quote: Quote = { quote: id, request, amount, unit, state: paid ? 'PAID' : 'UNPAID', expiry: null };
      book.quotes.set(id, quote);
      return quote;
    },
    quote: quoteOf,
    payQuote: (id) => book.quotes.set(id, { ...quoteOf(id), state: 'PAID' }),
    mint: (id, outputs) => {
      const quote = quoteOf(id);
      if (quote.state === 'UNPAID') throw new MintError('quoteNotPaid', 'quote not paid');
      if (quote.state === 'ISSUED') throw new MintError('quoteIssued', 'quote already issued');
      const unit = checkOutputs(book, outputs);
      if (unit !== quote.unit) throw new MintError('unitMismatch', 'quote and outputs not of same unit');
      if (sum(outputs) !== quote.amount) throw new MintError('unbalanced', 'outputs do not match the quote');
      const signed = signAll(outputs);
      book.quotes.set(id, { ...quote, state: 'ISSUED' });
      return signed;
    },
    createMeltQuote: (request, unit) => createMeltQuote(book, request, unit),
    meltQuote: (id) => meltOf(book, id).quote,
    melt: (id, inputs, outputs) => melt(book, lightning, id, inputs, outputs),
    setLightning: (next) => {
      lightning = next;
    },
    concludeMelts: (isPaid) => {
      for (const each of book.melts.values()) if (each.quote.state === 'PENDING') conclude(book, each, isPaid);
    },
    swap: (inputs, outputs) => {
      const unit = checkInputs(book, inputs);
      if (checkOutputs(book, outputs) !== unit) {
        throw new MintError('unitMismatch', 'inputs and outputs not of same unit');
      }
      const fee = feeOf(book, inputs);
      if (sum(inputs) - fee !== sum(outputs)) {
        throw new MintError('unbalanced', `inputs (${sum(inputs)}) - fees (${fee}) are not outputs (${sum(outputs)})`);
      }
      const signed = signAll(outputs);
      for (const input of inputs) book.spent.set(yOf(input.secret), input);
      return signed;
    },
    states: (ys) =>
      ys.map((Y) => {
        const input = book.spent.get(Y);
        if (input) return { Y, state: 'SPENT', witness: input.witness ?? null };
        return { Y, state: book.pending.has(Y) ? 'PENDING' : 'UNSPENT', witness: null };
      }),
    restore: (outputs) => {
      const known = outputs.flatMap((output) => {
        const signature = book.signatures.get(output.B_);
        return signature ? [{ output, signature }] : [];
      });
      return { outputs: known.map(({ output }) => output), signatures: known.map(({ signature }) => signature) };
    },
    setPending: (secrets, pending) => {
      for (const y of secrets.map(yOf)) {
        if (pending) book.pending.add(y);
        else book.pending.delete(y);
      }
    },
    totals: (unit = 'sat') => totals(book, unit),
  };
}
