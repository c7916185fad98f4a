import { randomBytes } from 'node:crypto';
import { createNewMintKeys, deriveKeysetId, type RawMintKeys, serializeMintKeys } from '@cashu/cashu-ts';
import { libsecp256k1 } from './libsecp256k1.ts';

export type KeysetOptions = Readonly<{
  unit?: string;
  /** Fee for each proof spent, in thousandths of the unit. */
  inputFeePpk?: number;
  /** From then on, in seconds since 1970, it neither signs nor redeems. */
  finalExpiry?: number;
  /** Version of the keyset id: 0 (16 hex digits) or 1 (66). */
  idVersion?: 0 | 1;
  seed?: Uint8Array;
}>;

export type Keyset = Readonly<{
  id: string;
  unit: string;
  inputFeePpk: number;
  finalExpiry: number | undefined;
  /** By amount, as on the wire: compressed public keys in hex. */
  publicKeys: Readonly<Record<string, string>>;
  privateKeys: RawMintKeys;
}>;

/** 2³¹ is the largest coin: every sum of a request stays far below what a JavaScript number holds exactly. */
const coins = 32;

type NewKeys = Pick<Keyset, 'id' | 'publicKeys' | 'privateKeys'>;

const createKeys = ({ unit = 'sat', inputFeePpk = 0, finalExpiry, idVersion = 1, seed }: KeysetOptions): NewKeys => {
  const terms = {
    unit,
    input_fee_ppk: inputFeePpk,
    versionByte: idVersion,
    ...(finalExpiry !== undefined && { expiry: finalExpiry }),
  };
  if (seed || !libsecp256k1) {
    const { keysetId, pubKeys, privKeys } = createNewMintKeys(coins, seed, terms);
    return { id: keysetId, publicKeys: serializeMintKeys(pubKeys), privateKeys: privKeys };
  }
  const { publicKeyOf } = libsecp256k1;
  const privateKeys = Object.fromEntries(Array.from({ length: coins }, (_, power) => [2 ** power, randomBytes(32)]));
  const publicKeys = Object.fromEntries(Object.entries(privateKeys).map(([coin, key]) => [coin, publicKeyOf(key)]));
  return { id: deriveKeysetId(publicKeys, terms), publicKeys, privateKeys };
};

/** A keyset as of NUT-01 and NUT-02, with coins of 1, 2, 4, … 2³¹. */
export function createKeyset(options: KeysetOptions = {}): Keyset {
  const { unit = 'sat', inputFeePpk = 0, finalExpiry } = options;
  return { ...createKeys(options), unit, inputFeePpk, finalExpiry };
}
