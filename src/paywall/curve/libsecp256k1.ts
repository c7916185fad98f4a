/** NUT-00 and NUT-12 on libsecp256k1: a hundred times as fast as the same in JavaScript. */
import { hash } from 'node:crypto';
import { createRequire } from 'node:module';
import { LRUCache } from 'lru-cache';
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
    ecdsaRecover(signature: Uint8Array, recoveryId: number, message: Uint8Array, compressed: boolean): Uint8Array;
  }>;

type Dleq = NonNullable<Unblinding['dleq']>;

const DOMAIN = Buffer.from('Secp256k1_HashToCurve_Cashu_');

/** Some keysets of 64 keys: of a mint there are few that sign. */
const MOST_KEYS = 512;

/** A mint's key in the forms in which it is used. */
type MintKey = Readonly<{ compressed: Buffer; point: Uint8Array; hex: string }>;

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

  const bytesOf = (hex: string): Buffer => Buffer.from(hex, 'hex');

  /** Uncompressed, which is quicker to read again. */
  const point = (compressed: Uint8Array): Uint8Array => native.publicKeyConvert(compressed, false);

  const keys = new LRUCache<string, MintKey>({ max: MOST_KEYS });

  /** Throws where it is no point. */
  const keyOf = (publicKey: string): MintKey => {
    const known = keys.get(publicKey);
    if (known) return known;
    const compressed = bytesOf(publicKey);
    const uncompressed = point(compressed);
    const key = { compressed, point: uncompressed, hex: hexOf(uncompressed) };
    keys.set(publicKey, key);
    return key;
  };

  const times = (of: Uint8Array, by: Uint8Array): Uint8Array => native.publicKeyTweakMul(of, by, false);

  const product = (a: Uint8Array, b: Uint8Array): Uint8Array => native.privateKeyTweakMul(Uint8Array.from(a), b);

  /**
   * `aP + bG` by one multiplication (Shamir's trick), which libsecp256k1 offers where it recovers a key: of a signature (x, s)
   * over z it gives `(s/x)P - (z/x)G`, where x is the coordinate of P.
   */
  const timesPlusG = (compressed: Uint8Array, a: Uint8Array, b: Uint8Array): Uint8Array => {
    const x = compressed.subarray(1);
    const signature = Buffer.concat([x, product(a, x)]);
    const isOdd = compressed[0] === 3;
    return native.ecdsaRecover(signature, isOdd ? 1 : 0, native.privateKeyNegate(product(b, x)), false);
  };

  /** `e = hash(sG - eK, sB_ - eC_, K, C_)`, the hash being of uncompressed points in hex. */
  const isProven = ({ e, s }: Dleq, K: MintKey, sB_: Uint8Array, C_: Uint8Array): boolean => {
    const minusE = native.privateKeyNegate(scalar(e));
    const r1 = timesPlusG(K.compressed, minusE, scalar(s));
    const r2 = native.publicKeyCombine([sB_, times(C_, minusE)], false);
    return hash('sha256', `${hexOf(r1)}${hexOf(r2)}${K.hex}${hexOf(C_)}`) === e.toLowerCase();
  };

  /** With the blinding factor a proof is again what the mint saw and signed: `B_ = Y + rG`, `C_ = C + rK`. */
  const isProvenToUs = ({ secret, C, dleq, publicKey }: HandedOn): boolean => {
    const [s, r] = [scalar(dleq.s), scalar(dleq.r)];
    const sB_ = timesPlusG(hashToCurve(secret), s, product(s, r));
    const K = keyOf(publicKey);
    const C_ = native.publicKeyCombine([bytesOf(C), times(K.point, r)], false);
    return isProven(dleq, K, sB_, C_);
  };

  const open = ({ blindingFactor, dleq, publicKey, ...hex }: Unblinding): string | undefined => {
    const [K, C_] = [keyOf(publicKey), point(bytesOf(hex.C_))];
    if (dleq && !isProven(dleq, K, times(bytesOf(hex.B_), scalar(dleq.s)), C_)) return undefined;
    const minusR = native.privateKeyNegate(scalar(blindingFactor));
    return hexOf(native.publicKeyCombine([C_, times(K.point, minusR)], true));
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
      const bytes = bytesOf(hex);
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
