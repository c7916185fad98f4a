import {
  createBlindSignature,
  createDLEQProof,
  hashToCurve,
  pointFromHex,
  verifyUnblindedSignature,
} from '@cashu/cashu-ts';
import { MintError } from './errors.ts';
import type { Keyset } from './keyset.ts';
import type { Input, Output, Signature } from './wire.ts';

const bytes = (secret: string) => new TextEncoder().encode(secret);
const hex = (value: Uint8Array) => Buffer.from(value).toString('hex');

/** The point by which a mint knows a proof (NUT-07): hash_to_curve(secret), compressed, in hex. */
export const yOf = (secret: string): string => hashToCurve(bytes(secret)).toHex(true);

function point(text: string): ReturnType<typeof pointFromHex> {
  try {
    return pointFromHex(text);
  } catch {
    throw new MintError('notAllowed', 'no point on the curve');
  }
}

function privateKey(keyset: Keyset, amount: number): Uint8Array {
  const key = keyset.privateKeys[String(amount)];
  if (key === undefined) throw new MintError('amountOutOfRange', `the keyset has no coin of ${amount}`);
  return key;
}

/** Throws unless this keyset signed the proof. */
export function checkSignature(keyset: Keyset, { id, amount, secret, C }: Input): void {
  if (!verifyUnblindedSignature({ C: point(C), secret: bytes(secret), id }, privateKey(keyset, amount))) {
    throw new MintError('invalidProof', 'proofs could not be verified');
  }
}

/** Signs a blinded message, with proof that the key is the published one. */
export function sign(keyset: Keyset, { id, amount, B_ }: Output): Signature {
  const key = privateKey(keyset, amount);
  const { C_ } = createBlindSignature(point(B_), key, id);
  const { e, s } = createDLEQProof(point(B_), key);
  return { id, amount, C_: C_.toHex(true), dleq: { e: hex(e), s: hex(s) } };
}
