/** The same operations in JavaScript, by cashu-ts. Milliseconds each: never on the thread that answers requests. */
import {
  blindMessage,
  hashToCurve,
  pointFromHex,
  schnorrSignMessage,
  unblindSignature,
  verifyDLEQProof,
  verifyDLEQProof_reblind,
} from '@cashu/cashu-ts';
import type { CurveOperations, HandedOn, Secret, Unblinding } from './operations.ts';

const bytesOf = (secret: Secret): Uint8Array =>
  typeof secret === 'string' ? new TextEncoder().encode(secret) : secret;

const scalar = (hex: string): bigint => BigInt(`0x${hex}`);

const open = ({ blindingFactor, B_, C_, dleq, publicKey }: Unblinding): string | undefined => {
  const [K, signed] = [pointFromHex(publicKey), pointFromHex(C_)];
  if (dleq) {
    const proof = { e: Buffer.from(dleq.e, 'hex'), s: Buffer.from(dleq.s, 'hex') };
    if (!verifyDLEQProof(proof, pointFromHex(B_), signed, K)) return undefined;
  }
  return unblindSignature(signed, scalar(blindingFactor), K).toHex(true);
};

const isProven = ({ secret, C, dleq: { e, s, r }, publicKey }: HandedOn): boolean => {
  const proof = { e: Buffer.from(e, 'hex'), s: Buffer.from(s, 'hex'), r: scalar(r) };
  return verifyDLEQProof_reblind(bytesOf(secret), proof, pointFromHex(C), pointFromHex(publicKey));
};

const orUndefined = <T>(run: () => T): T | undefined => {
  try {
    return run();
  } catch {
    return undefined;
  }
};

export const cashuTsOperations: CurveOperations = {
  hashToCurve: (secret) => hashToCurve(bytesOf(secret)).toHex(true),
  blind: ({ secret, blindingFactor }) => blindMessage(bytesOf(secret), scalar(blindingFactor)).B_.toHex(true),
  unblind: (signature) => orUndefined(() => open(signature)),
  areProven: (proofs) => proofs.every((proof) => orUndefined(() => isProven(proof)) === true),
  sign: ({ message, privateKey }) => schnorrSignMessage(message, privateKey),
  isPoint: (hex) => hex.length === 66 && orUndefined(() => pointFromHex(hex)) !== undefined,
};
