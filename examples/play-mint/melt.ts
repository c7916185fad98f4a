import { randomUUID } from 'node:crypto';
import type { Book } from './book.ts';
import { MintError } from './errors.ts';
import { checkInputs, feeOf, keysetOf } from './rules.ts';
import { sign, yOf } from './signing.ts';
import type { Input, MeltQuote, Output, Signature } from './wire.ts';

/** What becomes of payments by Lightning from now on. */
export type Lightning = 'paid' | 'failed' | 'pending';

export type Melt = { quote: MeltQuote; inputs: readonly Input[]; outputs: readonly Output[] };

const sum = (coins: readonly { amount: number }[]) => coins.reduce((total, { amount }) => total + amount, 0);

/** An invoice for regtest in whole sat. */
const amountOf = (request: string): number => {
  const [, nano = ''] = /^lnbcrt(\d+)0n1/.exec(request) ?? [];
  if (nano === '') throw new MintError('transaction', 'no invoice with an amount in sat');
  return Number(nano);
};

export function createMeltQuote({ melts }: Book, request: string, unit: string): MeltQuote {
  const amount = amountOf(request);
  const reserve = Math.max(2, Math.ceil(amount / 100));
  const quote = {
    quote: randomUUID(),
    request,
    amount,
    unit,
    fee_reserve: reserve,
    state: 'UNPAID',
    expiry: null,
  } as const;
  melts.set(quote.quote, { quote, inputs: [], outputs: [] });
  return quote;
}

export function meltOf({ melts }: Book, id: string): Melt {
  const melt = melts.get(id);
  if (melt === undefined) throw new MintError('transaction', 'quote not found');
  return melt;
}

/** The way costs 1. What was paid besides comes back in as many blank outputs as it takes (NUT-08). */
function settle(book: Book, melt: Melt): void {
  const { inputs, outputs, quote } = melt;
  const change = sum(inputs) - feeOf(book, inputs) - quote.amount - 1;
  const coins = [...change.toString(2)].reverse().flatMap((digit, power) => (digit === '1' ? [2 ** power] : []));
  const signed: Signature[] = [];
  for (const [index, amount] of coins.entries()) {
    const blank = outputs[index];
    if (!blank) break;
    const signature = sign(keysetOf(book, blank.id, 'sign'), { ...blank, amount });
    book.signatures.set(blank.B_, signature);
    signed.push(signature);
  }
  for (const input of inputs) {
    book.pending.delete(yOf(input.secret));
    book.spent.set(yOf(input.secret), input);
  }
  melt.quote = { ...quote, state: 'PAID', change: signed };
}

/** The end of a payment that was pending. */
export function conclude(book: Book, melt: Melt, isPaid: boolean): void {
  if (isPaid) {
    settle(book, melt);
    return;
  }
  for (const { secret } of melt.inputs) book.pending.delete(yOf(secret));
  melt.quote = { ...melt.quote, state: 'UNPAID' };
}

export function melt(
  book: Book,
  lightning: Lightning,
  id: string,
  inputs: readonly Input[],
  outputs: readonly Output[],
): MeltQuote {
  const found = meltOf(book, id);
  const { quote } = found;
  if (quote.state === 'PAID') throw new MintError('invoicePaid', 'the quote is paid');
  if (quote.state === 'PENDING') throw new MintError('quotePending', 'the quote is pending');
  if (checkInputs(book, inputs) !== quote.unit)
    throw new MintError('unitMismatch', 'quote and inputs not of same unit');
  if (sum(inputs) < quote.amount + quote.fee_reserve + feeOf(book, inputs)) {
    throw new MintError('unbalanced', 'not enough inputs');
  }
  if (outputs.some(({ B_ }) => book.signatures.has(B_))) throw new MintError('outputsSigned', 'outputs already signed');
  if (lightning === 'failed') throw new MintError('lightningFailed', 'no route');
  Object.assign(found, { inputs, outputs });
  if (lightning === 'paid') settle(book, found);
  else {
    for (const { secret } of inputs) book.pending.add(yOf(secret));
    found.quote = { ...quote, state: 'PENDING' };
  }
  return found.quote;
}
