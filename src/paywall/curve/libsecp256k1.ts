/** NUT-00 and NUT-12 on libsecp256k1: a hundred times as fast as the same in JavaScript. */
import { hash } from 'node:crypto';
import { createRequire } from 'node:module';
import { type ScalarBindings, signSchnorr } from './bip340.ts';
import type { CurveOperations, HandedOn, Secret, Unblinding } from './operations.ts';

/** What is used of `secp256k1/bindings.js`. Each throws where a point or a scalar is none, or a sum has no point. */
type Bindings = ScalarBindings &
  Readonly<{
    publicKeyVerify(point: Uint8Array): boolean;
    publicKeyConvert(point: Uint8Array, compressed: boolean): Uint8Array;
    publicKeyCombine(points: readonly Uint8Array[], compressed: boolean): Uint8Array;
    publicKeyTweakAdd(point: Uint8Array, scalar: Uint8Array, compressed: boolean): Uint8Array;
    publicKeyTweakMul(point: Uint8Array, scalar: Uint8Array, compressed: boolean): Uint8Array;
  }>;

type Dleq = NonNullable<Unblinding['dleq']>;

const DOMAIN = Buffer.from('Secp256k1_HashToCurve_Cashu_');

const scalarForm = /^[0-9a-f]{64}$/i;

const scalar = (hex: string): Buffer => {
  if (!scalarForm.test(hex)) throw new Error('a scalar has 64 hex digits');
  return Buffer.from(hex, 'hex');
};

const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');

const createOperations = (native: Bindings): CurveOperations => {
  const hashToCurve = (secret: Secret): Buffer => {
    const bytes = typeof secret === 'string' ? Buffer.from(secret) : secret;
    const message = hash('sha256', Buffer.concat([DOMAIN, bytes]), 'buffer');
    const preimage = Buffer.alloc(message.length + 4);
    message.copy(preimage);
    // Every second hash is the x of a point.
    for (let counter = 0; counter < 2 ** 16; counter++) {
      preimage.writeUInt32LE(counter, message.length);
      const candidate = Buffer.concat([Buffer.of(2), hash('sha256', preimage, 'buffer')]);
      if (native.publicKeyVerify(candidate)) return candidate;
    }
    throw new Error('no point of the curve was found for a secret');
  };

  /** Uncompressed, which is quicker to read again. */
  const point = (hex: string): Uint8Array => native.publicKeyConvert(Buffer.from(hex, 'hex'), false);

  const times = (of: Uint8Array, by: Uint8Array): Uint8Array => native.publicKeyTweakMul(of, by, false);

  /** `e = hash(sG - eK, sB_ - eC_, K, C_)`, the hash being of uncompressed points in hex. */
  const isProven = ({ e, s }: Dleq, K: Uint8Array, B_: Uint8Array, C_: Uint8Array): boolean => {
    const [minusE, plusS] = [native.privateKeyNegate(scalar(e)), scalar(s)];
    const r1 = native.publicKeyTweakAdd(times(K, minusE), plusS, false);
    const r2 = native.publicKeyCombine([times(B_, plusS), times(C_, minusE)], false);
    return hash('sha256', [r1, r2, K, C_].map(hexOf).join('')) === e.toLowerCase();
  };

  /** With the blinding factor a proof is again what the mint saw and signed. */
  const isProvenToUs = ({ secret, C, dleq, publicKey }: HandedOn): boolean => {
    const [K, r] = [point(publicKey), scalar(dleq.r)];
    const B_ = native.publicKeyTweakAdd(hashToCurve(secret), r, false);
    const C_ = native.publicKeyCombine([Buffer.from(C, 'hex'), times(K, r)], false);
    return isProven(dleq, K, B_, C_);
  };

  const open = ({ blindingFactor, dleq, ...hex }: Unblinding): string | undefined => {
    const [K, B_, C_] = [point(hex.publicKey), point(hex.B_), point(hex.C_)];
    if (dleq && !isProven(dleq, K, B_, C_)) return undefined;
    const minusR = native.privateKeyNegate(scalar(blindingFactor));
    return hexOf(native.publicKeyCombine([C_, times(K, minusR)], true));
  };

  return {
    hashToCurve: (secret) => hexOf(hashToCurve(secret)),
    blind: ({ secret, blindingFactor }) =>
      hexOf(native.publicKeyTweakAdd(hashToCurve(secret), scalar(blindingFactor), true)),

    unblind(signature) {
      try {
        return open(signature);
      } catch {
        return undefined;
      }
    },

    areProven(proofs) {
      try {
        return proofs.every(isProvenToUs);
      } catch {
        return false;
      }
    },

    sign: ({ message, privateKey }) =>
      signSchnorr(native, scalar(privateKey), hash('sha256', message, 'buffer')).toString('hex'),

    isPoint(hex) {
      const bytes = Buffer.from(hex, 'hex');
      return bytes.length === 33 && native.publicKeyVerify(bytes);
    },
  };
};

/**
 * Undefined where there is no binary for this machine. The bindings themselves, for the package's own entry falls back to a
 * slow library without a word.
 */
export const loadLibsecp256k1 = (): CurveOperations | undefined => {
  try {
    const native: Bindings = createRequire(import.meta.url)('secp256k1/bindings.js');
    return createOperations(native);
  } catch {
    return undefined;
  }
};
