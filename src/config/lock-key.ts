/** The private key that tokens may be locked to (NUT-11), as `openssl rand -hex 32` writes it. */
import { createECDH } from 'node:crypto';

const form = /^[0-9a-f]{64}$/i;

export type KeyPair = Readonly<{
  /** 64 hex digits. */
  privateKey: string;
  /** Compressed, in lower-case hex. */
  publicKey: string;
}>;

/** Undefined where it is no such key. */
export const readLockKey = (text: string): KeyPair | undefined => {
  if (!form.test(text)) return undefined;
  const pair = createECDH('secp256k1');
  try {
    pair.setPrivateKey(text, 'hex');
  } catch {
    // 0, or beyond the order.
    return undefined;
  }
  return { privateKey: text, publicKey: pair.getPublicKey('hex', 'compressed') };
};
