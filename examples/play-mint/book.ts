import { createKeyset, type Keyset, type KeysetOptions } from './keyset.ts';
import type { Melt } from './melt.ts';
import type { Input, Quote, Signature } from './wire.ts';

export type Totals = Readonly<{
  /** Signed for paid quotes: what came into circulation. */
  minted: number;
  /** All that was ever signed, swaps included. */
  issued: number;
  /** All proofs ever spent. */
  spent: number;
  /** Spent, but not signed again: the mint's own, or paid out. `issued - spent` is what is outstanding. */
  fees: number;
}>;

/** All that a mint knows. */
export type Book = Readonly<{
  keysets: Map<string, { keyset: Keyset; active: boolean }>;
  quotes: Map<string, Quote>;
  melts: Map<string, Melt>;
  /** By the point Y of the proof's secret. */
  spent: Map<string, Input>;
  /** Points Y of proofs that another transaction holds. */
  pending: Set<string>;
  /** By the blinded message that was signed. */
  signatures: Map<string, Signature>;
  /** Milliseconds since 1970. */
  now: () => number;
}>;

export function createBook(keysets: readonly KeysetOptions[], now: () => number): Book {
  const book: Book = {
    keysets: new Map(),
    quotes: new Map(),
    melts: new Map(),
    spent: new Map(),
    pending: new Set(),
    signatures: new Map(),
    now,
  };
  for (const options of keysets) addKeyset(book, options);
  return book;
}

/** A new active keyset; the others of its unit redeem from now on, but sign no more (NUT-02). */
export function addKeyset({ keysets }: Book, options: KeysetOptions = {}): Keyset {
  const keyset = createKeyset(options);
  for (const entry of keysets.values()) if (entry.keyset.unit === keyset.unit) entry.active = false;
  keysets.set(keyset.id, { keyset, active: true });
  return keyset;
}

const sum = (coins: Iterable<{ amount: number }>) => [...coins].reduce((total, { amount }) => total + amount, 0);

/** The mint's books for one unit; summed anew each time, so that they cannot disagree with what was signed and spent. */
export function totals({ keysets, quotes, spent, signatures }: Book, unit: string): Totals {
  const ofUnit = ({ id }: { id: string }) => keysets.get(id)?.keyset.unit === unit;
  const minted = sum([...quotes.values()].filter((quote) => quote.unit === unit && quote.state === 'ISSUED'));
  const issued = sum([...signatures.values()].filter(ofUnit));
  const redeemed = sum([...spent.values()].filter(ofUnit));
  return { minted, issued, spent: redeemed, fees: minted + redeemed - issued };
}
