/** The form of one proof of a token, as far as it can be judged without asking anybody. */
import type { Dleq, Proof } from '../core/payment.ts';
import { type Refusal, refuse } from '../core/refusal.ts';
import { readLock } from './lock.ts';

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

/** As a token holds it. */
export type RawProof = Readonly<{ amount: { toString(): string }; secret: unknown; C: unknown; dleq?: unknown }>;

const isScalar = (value: unknown): value is string => typeof value === 'string' && /^[0-9a-f]{64}$/i.test(value);

/** One that is malformed is none: the mint is asked. */
const readDleq = (raw: unknown): Dleq | undefined => {
  if (typeof raw !== 'object' || raw === null) return undefined;
  const { e, s, r } = raw as Partial<Record<keyof Dleq, unknown>>;
  return isScalar(e) && isScalar(s) && isScalar(r) ? { e, s, r } : undefined;
};

/** The key that tokens may be locked to. */
export type LockKey = Readonly<{
  /** Compressed, in lower-case hex. */
  publicKey: string;
  /** No other token is taken. */
  isRequired: boolean;
}>;

const wrongLock = (key: LockKey | undefined): Refusal => {
  const expected = key ? `one that is locked to ${key.publicKey} alone` : 'one that anybody can spend';
  return refuse('wrong_lock', `The token is locked, and not to us alone. Send ${expected}.`);
};

const notLocked = ({ publicKey }: LockKey): Refusal =>
  refuse('wrong_lock', `The token is not locked. Send one that is locked to ${publicKey}.`);

/** Without its keyset, which needs the mint's list. */
export const readProof = ({ amount, secret, C, dleq: given }: RawProof, key?: LockKey): Omit<Proof, 'id'> | Refusal => {
  if (typeof secret !== 'string' || typeof C !== 'string') return malformed('a proof is incomplete');
  const value = Number(amount.toString());
  if (!Number.isSafeInteger(value) || value <= 0) return malformed('an amount is not a positive number');
  if (secret.length === 0 || secret.length > LONGEST_SECRET) return malformed('a secret is empty or too long');
  // Two secrets that are one in UTF-8 are one proof to the mint.
  if (!secret.isWellFormed()) return malformed('a secret is no text');
  const point = C.toLowerCase();
  if (!compressedPoint.test(point)) return malformed('a signature is not a point of the curve');
  const lock = readLock(secret, key?.publicKey);
  if (lock === 'foreign') return wrongLock(key);
  if (lock !== 'none') {
    const dleq = readDleq(given);
    return { amount: value, secret, C: point, lock, ...(dleq && { dleq }) };
  }
  return key?.isRequired ? notLocked(key) : { amount: value, secret, C: point };
};
