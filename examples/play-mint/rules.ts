import type { Book } from './book.ts';
import { checkConditions } from './conditions.ts';
import { MintError } from './errors.ts';
import type { Keyset } from './keyset.ts';
import { checkSignature, yOf } from './signing.ts';
import type { Input, Output } from './wire.ts';

type Use = 'sign' | 'redeem';

/** The keyset of an id, if it may still be used so. */
export function keysetOf({ keysets, now }: Book, id: string, use: Use): Keyset {
  const entry = keysets.get(id);
  if (entry === undefined) throw new MintError('keysetUnknown', `keyset not found: ${id}`);
  const { finalExpiry } = entry.keyset;
  if (finalExpiry !== undefined && finalExpiry * 1000 <= now()) throw new MintError('keysetExpired', 'keyset expired');
  if (use === 'sign' && !entry.active) throw new MintError('keysetInactive', 'keyset is inactive');
  return entry.keyset;
}

function unitOf(book: Book, coins: readonly { id: string }[], use: Use): string {
  const [unit = '', ...others] = new Set(coins.map(({ id }) => keysetOf(book, id, use).unit));
  if (others.length > 0) throw new MintError('multipleUnits', 'inputs or outputs of multiple units');
  return unit;
}

const hasTwice = (names: readonly string[]) => new Set(names).size < names.length;

/** Throws unless all of these proofs may be spent now, together; gives their unit. In Nutshell's order of checks. */
export function checkInputs(book: Book, inputs: readonly Input[]): string {
  if (inputs.length === 0) throw new MintError('transaction', 'no proofs provided');
  if (hasTwice(inputs.map(({ secret }) => secret))) {
    throw new MintError('duplicateInputs', 'duplicate inputs provided');
  }
  const unit = unitOf(book, inputs, 'redeem');
  for (const input of inputs) {
    checkSignature(keysetOf(book, input.id, 'redeem'), input);
    checkConditions(input);
  }
  const ys = inputs.map(({ secret }) => yOf(secret));
  if (ys.some((y) => book.spent.has(y))) throw new MintError('alreadySpent', 'proofs already spent');
  if (ys.some((y) => book.pending.has(y))) throw new MintError('pending', 'proofs are pending');
  return unit;
}

/** Throws unless all of these blinded messages may be signed now; gives their unit. */
export function checkOutputs(book: Book, outputs: readonly Output[]): string {
  if (outputs.length === 0) throw new MintError('transaction', 'no outputs provided');
  const unit = unitOf(book, outputs, 'sign');
  if (hasTwice(outputs.map(({ B_ }) => B_))) throw new MintError('duplicateOutputs', 'duplicate outputs provided');
  if (outputs.some(({ B_ }) => book.signatures.has(B_))) {
    throw new MintError('outputsSigned', 'outputs already signed');
  }
  return unit;
}

/** NUT-02: a started thousand counts as a whole. */
export function feeOf(book: Book, inputs: readonly Input[]): number {
  const ppk = inputs.reduce((total, { id }) => total + keysetOf(book, id, 'redeem').inputFeePpk, 0);
  return Math.floor((ppk + 999) / 1000);
}
