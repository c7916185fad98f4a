/** What mints and wallets do on the curve, by libsecp256k1: a tenth of the time that the same takes in JavaScript. */
import { hash, randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import type { Signing } from './signing.ts';
import type { Signature } from './wire.ts';

/** A signature to be opened, by the blinding factor `r`. */
export type Closed = Pick<Signature, 'C_'> &
  Readonly<{ B_: string; r: string; publicKey: string; dleq?: Signature['dleq'] }>;

export type Curve = Signing &
  Readonly<{
    publicKeyOf(privateKey: Uint8Array): string;
    /** C of a proof; undefined where the DLEQ does not prove that this key signed (NUT-12). */
    open(closed: Closed): string | undefined;
  }>;

/** What is used of `secp256k1/bindings.js`. Those that change a scalar do so in place. */
type Bindings = Readonly<{
  publicKeyVerify(point: Uint8Array): boolean;
  publicKeyConvert(point: Uint8Array, compressed: boolean): Uint8Array;
  publicKeyCreate(scalar: Uint8Array, compressed: boolean): Uint8Array;
  publicKeyCombine(points: readonly Uint8Array[], compressed: boolean): Uint8Array;
  publicKeyTweakMul(point: Uint8Array, scalar: Uint8Array, compressed: boolean): Uint8Array;
  privateKeyNegate(scalar: Uint8Array): Uint8Array;
  privateKeyTweakAdd(scalar: Uint8Array, addend: Uint8Array): Uint8Array;
  privateKeyTweakMul(scalar: Uint8Array, factor: Uint8Array): Uint8Array;
}>;

const DOMAIN = Buffer.from('Secp256k1_HashToCurve_Cashu_');

const pointForm = /^0[23][0-9a-f]{64}$/i;

const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

const createCurve = (native: Bindings): Curve => {
  const times = (point: Uint8Array, by: Uint8Array): Uint8Array => native.publicKeyTweakMul(point, by, true);

  /** NUT-00. */
  const hashToCurve = (secret: string): Uint8Array => {
    const message = hash('sha256', Buffer.concat([DOMAIN, Buffer.from(secret)]), 'buffer');
    for (let counter = 0; ; counter++) {
      const number = Buffer.alloc(4);
      number.writeUInt32LE(counter);
      const point = Buffer.concat([Buffer.of(2), hash('sha256', Buffer.concat([message, number]), 'buffer')]);
      if (native.publicKeyVerify(point)) return point;
    }
  };

  return {
    isPoint: (text) => pointForm.test(text) && native.publicKeyVerify(Buffer.from(text, 'hex')),
    yOf: (secret) => hexOf(hashToCurve(secret)),
    isSigned: ({ secret, C }, key) =>
      hexOf(native.publicKeyTweakMul(hashToCurve(secret), key, true)) === C.toLowerCase(),

    /** NUT-12: `R1 = rG`, `R2 = rB_`, `e = hash(R1, R2, A, C_)` of uncompressed points in hex, `s = r + ea`. */
    sign({ B_ }, key) {
      const blinded = Buffer.from(B_, 'hex');
      const C_ = native.publicKeyTweakMul(blinded, key, true);
      const r = randomBytes(32);
      const hashed = [
        native.publicKeyCreate(r, false),
        native.publicKeyTweakMul(blinded, r, false),
        native.publicKeyCreate(key, false),
        native.publicKeyConvert(C_, false),
      ];
      const e = hash('sha256', hashed.map(hexOf).join(''), 'buffer');
      const s = native.privateKeyTweakAdd(native.privateKeyTweakMul(Uint8Array.from(key), e), r);
      return { C_: hexOf(C_), dleq: { e: hexOf(e), s: hexOf(s) } };
    },

    publicKeyOf: (key) => hexOf(native.publicKeyCreate(key, true)),

    /** `C = C_ - rK`; by the proof, `R1 = sG - eK` and `R2 = sB_ - eC_`. */
    open({ B_, C_, dleq, r, publicKey }) {
      const [K, blinded, signed] = [Buffer.from(publicKey, 'hex'), Buffer.from(B_, 'hex'), Buffer.from(C_, 'hex')];
      if (dleq) {
        const minusE = native.privateKeyNegate(Buffer.from(dleq.e, 'hex'));
        const s = Buffer.from(dleq.s, 'hex');
        const hashed = [
          native.publicKeyCombine([native.publicKeyCreate(s, true), times(K, minusE)], false),
          native.publicKeyCombine([times(blinded, s), times(signed, minusE)], false),
          native.publicKeyConvert(K, false),
          native.publicKeyConvert(signed, false),
        ];
        if (hash('sha256', hashed.map(hexOf).join('')) !== dleq.e) return undefined;
      }
      const minusR = native.privateKeyNegate(Buffer.from(r, 'hex'));
      return hexOf(native.publicKeyCombine([signed, times(K, minusR)], true));
    },
  };
};

const load = (): Curve | undefined => {
  try {
    const native: Bindings = createRequire(import.meta.url)('secp256k1/bindings.js');
    return createCurve(native);
  } catch {
    return undefined;
  }
};

/** Undefined where there is no binary for this machine. */
export const libsecp256k1 = load();
