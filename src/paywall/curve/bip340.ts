/** Schnorr signatures (BIP-340), made of libsecp256k1's scalars and points: its own are not in the npm package. */
import { hash, randomBytes } from 'node:crypto';

/** Each throws where a scalar is 0 or beyond the order. Those that change a scalar do so in place. */
export type ScalarBindings = Readonly<{
  publicKeyCreate(scalar: Uint8Array, compressed: boolean): Uint8Array;
  privateKeyNegate(scalar: Uint8Array): Uint8Array;
  privateKeyTweakAdd(scalar: Uint8Array, addend: Uint8Array): Uint8Array;
  privateKeyTweakMul(scalar: Uint8Array, factor: Uint8Array): Uint8Array;
}>;

const sha256 = (...parts: readonly Uint8Array[]): Buffer => hash('sha256', Buffer.concat(parts), 'buffer');

const tagged = (tag: string) => {
  const digest = sha256(Buffer.from(tag));
  return (...parts: readonly Uint8Array[]): Buffer => sha256(digest, digest, ...parts);
};

const auxHash = tagged('BIP0340/aux');
const nonceHash = tagged('BIP0340/nonce');
const challengeHash = tagged('BIP0340/challenge');

/** The scalar, or its negative, whichever has a public point with an even y; and that point's x. */
const withEvenY = (native: ScalarBindings, scalar: Uint8Array) => {
  const point = native.publicKeyCreate(scalar, true);
  const copy = Uint8Array.from(scalar);
  return { scalar: point[0] === 3 ? native.privateKeyNegate(copy) : copy, x: point.subarray(1) };
};

/** 64 bytes, for a message of 32. Another one each time, unless `aux` is given. */
export const signSchnorr = (
  native: ScalarBindings,
  privateKey: Uint8Array,
  message: Uint8Array,
  aux: Uint8Array = randomBytes(32),
): Buffer => {
  const key = withEvenY(native, privateKey);
  const mask = auxHash(aux);
  const masked = key.scalar.map((byte, index) => byte ^ (mask[index] ?? 0));
  const nonce = withEvenY(native, nonceHash(masked, key.x, message));
  const challenge = challengeHash(nonce.x, key.x, message);
  const s = native.privateKeyTweakAdd(native.privateKeyTweakMul(key.scalar, challenge), nonce.scalar);
  return Buffer.concat([nonce.x, s]);
};
