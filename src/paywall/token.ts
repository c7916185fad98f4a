/** Step 0 of a redemption: everything that can be said of a token without asking anybody. */
import { hash } from 'node:crypto';
import { getDecodedToken, getTokenMetadata, normalizeMintUrl } from '@cashu/cashu-ts';
import { LRUCache } from 'lru-cache';
import type { Eventually } from '../core/eventually.ts';
import type { CashuToken, Proof } from '../core/payment.ts';
import { isRefusal, type Refusal, refuse } from '../core/refusal.ts';
import type { Keyset, Mint } from './mint.ts';
import { attempt, type LockKey, malformed, type RawProof, readProof } from './proof.ts';

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

const readForm = (proofs: readonly RawProof[], { maxProofs, lockKey }: ReaderOptions): Form | Refusal => {
  if (proofs.length === 0) return malformed('it holds no proofs');
  if (proofs.length > maxProofs) return malformed(`it holds more than ${maxProofs} proofs`);
  const form: Omit<Proof, 'id'>[] = [];
  for (const raw of proofs) {
    const proof = readProof(raw, lockKey);
    if (isRefusal(proof)) return proof;
    form.push(proof);
  }
  if (new Set(form.map(({ secret }) => secret)).size !== form.length) return malformed('it holds one proof twice');
  return form;
};

const sum = (form: Form): number => form.reduce((total, { amount }) => total + amount, 0);

type Decoded = Readonly<{ mint: string; proofs: readonly RawProof[]; ids?: readonly string[] }>;

/** With the keysets' ids in full; undefined where one cannot be told by these keysets. */
const decodeBy = (
  text: string,
  keysets: readonly Keyset[],
): (Decoded & Readonly<{ ids: readonly string[] }>) | undefined => {
  const known = keysets.map(({ id }) => id);
  const token = attempt(() => getDecodedToken(text, known));
  const ids = token?.proofs.map(({ id }) => id);
  return token && ids?.every((id) => known.includes(id)) ? { mint: token.mint, proofs: token.proofs, ids } : undefined;
};

const decode = (text: string): Decoded | undefined => {
  const metadata = attempt(() => getTokenMetadata(text));
  return metadata && { mint: metadata.mint, proofs: metadata.incompleteProofs };
};

/** The keysets' ids, in the order of the proofs and in full; undefined where one is not known or cannot be told. */
const readIds = (text: string, keysets: readonly Keyset[]): readonly string[] | undefined =>
  decodeBy(text, keysets)?.ids;

const readIdsAnew = async (text: string, mint: Mint): Promise<readonly string[] | undefined> => {
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

type Read = Readonly<{ token: CashuToken; mint: Mint }>;

/** `likely`: the mint of the token before. Mostly it is this one's too, which is then decoded once instead of twice. */
const readToken = async (
  text: string,
  findMint: FindMint,
  options: ReaderOptions,
  likely: Mint | undefined,
): Promise<Read | Refusal> => {
  const bare = text.replace(/^cashu:(?:\/\/)?(?=cashu)/i, '');
  const decoded = (likely && decodeBy(bare, likely.keysets())) ?? decode(bare);
  if (!decoded) return malformed('it is no token of version 3 or 4');
  // The mint that a token names is never contacted unless it is one of ours.
  const mint = findMint(attempt(() => normalizeMintUrl(decoded.mint)) ?? '');
  if (!mint) return refuse('wrong_mint', 'The token is of a mint that is not accepted here.');
  const form = readForm(decoded.proofs, options);
  if (isRefusal(form)) return form;
  const amount = sum(form);
  if (!Number.isSafeInteger(amount)) return malformed('its amount is too large');
  const ids = mint === likely && decoded.ids ? decoded.ids : await readIdsAnew(bare, mint);
  if (!ids) return malformed('a proof is of a keyset that the mint does not know');
  const unit = unitOf(ids, mint);
  if (isRefusal(unit)) return unit;
  const proofs = form.map((proof, index) => ({ ...proof, id: ids[index] ?? '' }));
  return { mint, token: { mint: mint.url, unit, amount, proofs } };
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

  let likely: Mint | undefined;

  const readAnew = async (text: string, key: string): Promise<CashuToken | Refusal> => {
    const read = await readToken(text, findMint, options, likely);
    if (isRefusal(read)) return read;
    likely = read.mint;
    known.set(key, read.token);
    return read.token;
  };

  return (text) => {
    const key = digest(text);
    return known.get(key) ?? readAnew(text, key);
  };
};
