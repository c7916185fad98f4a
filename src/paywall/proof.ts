/** The form of one proof of a token, as far as it can be judged without asking anybody. */
import type { Proof } from '../core/payment.ts';
import { type Refusal, refuse } from '../core/refusal.ts';

export const malformed = (why: string): Refusal =>
  refuse('malformed_payment', `The Cashu token cannot be read: ${why}.`);

/** A library's error is never repeated: its text may hold parts of the token. */
export const attempt = <T>(decode: () => T): T | undefined => {
  try {
    return decode();
  } catch {
    return undefined;
  }
};

/** Nutshell's own limit. */
const LONGEST_SECRET = 1_024;

const compressedPoint = /^0[23][0-9a-f]{64}$/;

/** A secret of NUT-10 is a JSON array that begins with its kind: such a proof is locked, and not to us. */
const isLocked = (secret: string): boolean => {
  if (!secret.trimStart().startsWith('[')) return false;
  const parsed = attempt((): unknown => JSON.parse(secret));
  return Array.isArray(parsed) && typeof parsed[0] === 'string';
};

type RawProof = Readonly<{ amount: { toString(): string }; secret: unknown; C: unknown }>;

/** Without its keyset, which needs the mint's list. */
export const readProof = ({ amount, secret, C }: RawProof): Omit<Proof, 'id'> | Refusal => {
  if (typeof secret !== 'string' || typeof C !== 'string') return malformed('a proof is incomplete');
  const value = Number(amount.toString());
  if (!Number.isSafeInteger(value) || value <= 0) return malformed('an amount is not a positive number');
  if (secret.length === 0 || secret.length > LONGEST_SECRET) return malformed('a secret is empty or too long');
  // Two secrets that are one in UTF-8 are one proof to the mint.
  if (!secret.isWellFormed()) return malformed('a secret is no text');
  const point = C.toLowerCase();
  if (!compressedPoint.test(point)) return malformed('a signature is not a point of the curve');
  if (isLocked(secret)) return refuse('wrong_lock', 'The token is locked. Send one that anybody can spend.');
  return { amount: value, secret, C: point };
};
