import {
  createBlindSignature,
  createDLEQProof,
  hashToCurve,
  pointFromHex,
  verifyUnblindedSignature,
} from '@cashu/cashu-ts';
import { MintError } from './errors.ts';
import type { Keyset } from './keyset.ts';
import { libsecp256k1 } from './libsecp256k1.ts';
import type { Input, Output, Signature } from './wire.ts';

/** What a mint does on the curve (NUT-00, NUT-12). Points are compressed, in hex. */
export type Signing = Readonly<{
  isPoint(text: string): boolean;
  /** The point by which a mint knows a proof (NUT-07): hash_to_curve(secret). */
  yOf(secret: string): string;
  /** Whether this key signed the proof. */
  isSigned(proof: Pick<Input, 'id' | 'secret' | 'C'>, privateKey: Uint8Array): boolean;
  /** Signs a blinded message, with proof that the key is the published one. */
  sign(message: Pick<Output, 'id' | 'B_'>, privateKey: Uint8Array): Pick<Signature, 'C_' | 'dleq'>;
}>;

const bytes = (secret: string) => new TextEncoder().encode(secret);
const hex = (value: Uint8Array) => Buffer.from(value).toString('hex');

/** Where there is no binary of libsecp256k1. */
export const inJavaScript: Signing = {
  isPoint(text) {
    try {
      pointFromHex(text);
      return true;
    } catch {
      return false;
    }
  },
  yOf: (secret) => hashToCurve(bytes(secret)).toHex(true),
  isSigned: ({ id, secret, C }, key) =>
    verifyUnblindedSignature({ C: pointFromHex(C), secret: bytes(secret), id }, key),
  sign({ id, B_ }, key) {
    const { C_ } = createBlindSignature(pointFromHex(B_), key, id);
    const { e, s } = createDLEQProof(pointFromHex(B_), key);
    return { C_: C_.toHex(true), dleq: { e: hex(e), s: hex(s) } };
  },
};

const signing = libsecp256k1 ?? inJavaScript;

export const yOf = signing.yOf;

function checkPoint(text: string): void {
  if (!signing.isPoint(text)) throw new MintError('notAllowed', 'no point on the curve');
}

function privateKey(keyset: Keyset, amount: number): Uint8Array {
  const key = keyset.privateKeys[String(amount)];
  if (key === undefined) throw new MintError('amountOutOfRange', `the keyset has no coin of ${amount}`);
  return key;
}

/** Throws unless this keyset signed the proof. */
export function checkSignature(keyset: Keyset, proof: Input): void {
  checkPoint(proof.C);
  if (!signing.isSigned(proof, privateKey(keyset, proof.amount))) {
    throw new MintError('invalidProof', 'proofs could not be verified');
  }
}

/** Signs a blinded message, with proof that the key is the published one. */
export function sign(keyset: Keyset, output: Output): Signature {
  const { id, amount, B_ } = output;
  const key = privateKey(keyset, amount);
  checkPoint(B_);
  return { id, amount, ...signing.sign(output, key) };
}
