/** Step 0 of a redemption: everything that can be said of a token without asking anybody. */
import { hash } from 'node:crypto';
import { getDecodedToken, getTokenMetadata, normalizeMintUrl, type TokenMetadata } from '@cashu/cashu-ts';
import { LRUCache } from 'lru-cache';
import type { Eventually } from '../core/eventually.ts';
import type { CashuToken, Proof } from '../core/payment.ts';
import { isRefusal, type Refusal, refuse } from '../core/refusal.ts';
import type { Keyset, Mint } from './mint.ts';
import { attempt, type LockKey, malformed, readProof } from './proof.ts';

export type TokenReader = (text: string) => Eventually<CashuToken | Refusal>;

export type FindMint = (url: string) => Mint | undefined;

/** A token of a keyset that we do not know makes us look at the mint's list again, but not at every request. */
const KEYSETS_MAX_AGE_MS = 5_000;

/** Some 500 bytes each. */
const MOST_KNOWN_PROOFS = 20_000;

export type ReaderOptions = Readonly<{
  /** Most in one token. */
  maxProofs: number;
  /** Left out where no locked token is taken. */
  lockKey?: LockKey | undefined;
  /** In place of SHA-256 in hex, with the same result. */
  digest?: ((text: string) => string) | undefined;
}>;

type Form = readonly Omit<Proof, 'id'>[];

const readForm = ({ incompleteProofs }: TokenMetadata, { maxProofs, lockKey }: ReaderOptions): Form | Refusal => {
  if (incompleteProofs.length === 0) return malformed('it holds no proofs');
  if (incompleteProofs.length > maxProofs) return malformed(`it holds more than ${maxProofs} proofs`);
  const form: Omit<Proof, 'id'>[] = [];
  for (const raw of incompleteProofs) {
    const proof = readProof(raw, lockKey);
    if (isRefusal(proof)) return proof;
    form.push(proof);
  }
  if (new Set(form.map(({ secret }) => secret)).size !== form.length) return malformed('it holds one proof twice');
  return form;
};

const sum = (form: Form): number => form.reduce((total, { amount }) => total + amount, 0);

/** The keysets' ids, in the order of the proofs and in full; undefined where one is not known or cannot be told. */
const readIds = (text: string, keysets: readonly Keyset[]): string[] | undefined => {
  const known = keysets.map(({ id }) => id);
  const ids = attempt(() => getDecodedToken(text, known).proofs.map(({ id }) => id));
  return ids?.every((id) => known.includes(id)) ? ids : undefined;
};

const readIdsAnew = async (text: string, mint: Mint): Promise<string[] | undefined> => {
  const ids = readIds(text, mint.keysets());
  if (ids) return ids;
  await mint.refreshKeysets(KEYSETS_MAX_AGE_MS);
  return readIds(text, mint.keysets());
};

/** The keyset's unit counts, whatever the token says. */
const unitOf = (ids: readonly string[], mint: Mint): string | Refusal => {
  const units = new Set(mint.keysets().flatMap(({ id, unit }) => (ids.includes(id) ? [unit] : [])));
  const [unit = '', ...others] = units;
  if (others.length > 0) return refuse('wrong_unit', 'The token mixes units.');
  if (mint.units.includes(unit)) return unit;
  return refuse('wrong_unit', `The token’s unit is not accepted. Expected ${mint.units.join(' or ')}.`);
};

const readToken = async (text: string, findMint: FindMint, options: ReaderOptions): Promise<CashuToken | Refusal> => {
  const bare = text.replace(/^cashu:(?:\/\/)?(?=cashu)/i, '');
  const metadata = attempt(() => getTokenMetadata(bare));
  if (!metadata) return malformed('it is no token of version 3 or 4');
  // The mint that a token names is never contacted unless it is one of ours.
  const mint = findMint(attempt(() => normalizeMintUrl(metadata.mint)) ?? '');
  if (!mint) return refuse('wrong_mint', 'The token is of a mint that is not accepted here.');
  const form = readForm(metadata, options);
  if (isRefusal(form)) return form;
  const amount = sum(form);
  if (!Number.isSafeInteger(amount)) return malformed('its amount is too large');
  const ids = await readIdsAnew(bare, mint);
  if (!ids) return malformed('a proof is of a keyset that the mint does not know');
  const unit = unitOf(ids, mint);
  if (isRefusal(unit)) return unit;
  return { mint: mint.url, unit, amount, proofs: form.map((proof, index) => ({ ...proof, id: ids[index] ?? '' })) };
};

/**
 * Gives a token or a refusal; throws where a mint of ours would have to be asked and cannot be reached. A token that was
 * read once is remembered, for decoding is most of what one costs that is presented again and again: what a text means
 * never changes, and whether it is money is not decided here.
 */
export const createTokenReader = (findMint: FindMint, options: ReaderOptions): TokenReader => {
  const { digest = (text) => hash('sha256', text) } = options;
  const known = new LRUCache<string, CashuToken>({
    maxSize: MOST_KNOWN_PROOFS,
    sizeCalculation: ({ proofs }) => proofs.length,
  });

  const readAnew = async (text: string, key: string): Promise<CashuToken | Refusal> => {
    const token = await readToken(text, findMint, options);
    if (!isRefusal(token)) known.set(key, token);
    return token;
  };

  return (text) => {
    const key = digest(text);
    return known.get(key) ?? readAnew(text, key);
  };
};
