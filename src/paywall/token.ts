/** Step 0 of a redemption: everything that can be said of a token without asking anybody. */
import { getDecodedToken, getTokenMetadata, normalizeMintUrl, type TokenMetadata } from '@cashu/cashu-ts';
import type { CashuToken, Proof } from '../core/payment.ts';
import { isRefusal, type Refusal, refuse } from '../core/refusal.ts';
import type { Keyset, Mint } from './mint.ts';

export type TokenReader = (text: string) => Promise<CashuToken | Refusal>;

const LONGEST_SECRET = 1_024;
const compressedPoint = /^0[23][0-9a-f]{64}$/;

const malformed = (why: string): Refusal => refuse('malformed_payment', `The Cashu token cannot be read: ${why}.`);

/** A library error is described, never repeated: its text may hold parts of the token. */
const attempt = <T>(decode: () => T): T | undefined => {
  try {
    return decode();
  } catch {
    return undefined;
  }
};

type RawProof = Readonly<{ id: unknown; amount: { toString(): string }; secret: unknown; C: unknown }>;

/** A secret of NUT-10 is a JSON array that begins with its kind: such a proof is locked, and not to us. */
const isLocked = (secret: string): boolean => {
  if (!secret.startsWith('[')) return false;
  const parsed = attempt((): unknown => JSON.parse(secret));
  return Array.isArray(parsed) && typeof parsed[0] === 'string';
};

const readProof = ({ id, amount, secret, C }: RawProof): Proof | Refusal => {
  const value = Number(amount.toString());
  if (typeof id !== 'string' || typeof secret !== 'string' || typeof C !== 'string')
    return malformed('a proof is incomplete');
  if (!Number.isSafeInteger(value) || value <= 0) return malformed('an amount is not a positive number');
  if (secret.length === 0 || secret.length > LONGEST_SECRET) return malformed('a secret is empty or too long');
  if (!compressedPoint.test(C)) return malformed('a signature is not a point of the curve');
  if (isLocked(secret)) return refuse('wrong_lock', 'The token is locked. Send one that anybody can spend.');
  return { id, amount: value, secret, C };
};

const readProofs = (raw: readonly RawProof[], keysets: readonly Keyset[], unit: string): readonly Proof[] | Refusal => {
  const proofs: Proof[] = [];
  for (const entry of raw) {
    const proof = readProof(entry);
    if (isRefusal(proof)) return proof;
    const keyset = keysets.find(({ id }) => id === proof.id);
    if (!keyset) return malformed('a proof is of a keyset that the mint does not know');
    if (keyset.unit !== unit) return refuse('wrong_unit', 'A proof is in another unit than the token says.');
    proofs.push(proof);
  }
  if (new Set(proofs.map(({ secret }) => secret)).size !== proofs.length) return malformed('it holds one proof twice');
  return proofs;
};

export type FindMint = (url: string) => Mint | undefined;

export const createTokenReader = (findMint: FindMint, maxProofs: number): TokenReader => {
  const decode = (text: string, keysets: readonly Keyset[]) =>
    attempt(() =>
      getDecodedToken(
        text,
        keysets.map(({ id }) => id),
      ),
    );

  const isComplete = (token: ReturnType<typeof decode>, keysets: readonly Keyset[]): boolean =>
    token?.proofs.every((proof) => keysets.some(({ id }) => id === proof.id)) ?? false;

  /** A token may be of a keyset that is newer than what we know of its mint. */
  const decodeWithNewestKeysets = async (text: string, mint: Mint) => {
    const token = decode(text, mint.keysets());
    if (isComplete(token, mint.keysets())) return token;
    await mint.refreshKeysets();
    return decode(text, mint.keysets());
  };

  const refuseMetadata = (metadata: TokenMetadata, mint: Mint): Refusal | undefined => {
    const count = metadata.proofAmounts.length;
    if (!mint.units.includes(metadata.unit)) {
      return refuse('wrong_unit', `The token’s unit is not accepted. Expected ${mint.units.join(' or ')}.`);
    }
    if (count === 0) return malformed('it holds no proofs');
    return count > maxProofs ? malformed(`it holds more than ${maxProofs} proofs`) : undefined;
  };

  const readFrom = async (text: string, mint: Mint, unit: string): Promise<CashuToken | Refusal> => {
    const token = await decodeWithNewestKeysets(text, mint);
    if (!token) return malformed('a proof is of a keyset that the mint does not know');
    const proofs = readProofs(token.proofs, mint.keysets(), unit);
    if (isRefusal(proofs)) return proofs;
    const amount = proofs.reduce((sum, proof) => sum + proof.amount, 0);
    return Number.isSafeInteger(amount)
      ? { mint: mint.url, unit, amount, proofs }
      : malformed('its amount is too large');
  };

  return async (text) => {
    const bare = text.replace(/^cashu:(?:\/\/)?(?=cashu)/i, '');
    const metadata = attempt(() => getTokenMetadata(bare));
    if (!metadata) return malformed('it is no token of version 3 or 4');
    // The mint that a token names is never contacted unless it is one of ours.
    const mint = findMint(attempt(() => normalizeMintUrl(metadata.mint)) ?? '');
    if (!mint) return refuse('wrong_mint', 'The token is of a mint that is not accepted here.');
    return refuseMetadata(metadata, mint) ?? readFrom(bare, mint, metadata.unit);
  };
};
