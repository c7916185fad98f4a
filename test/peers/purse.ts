import { Amount, type HasKeysetKeys, type Proof } from '@cashu/cashu-ts';
import type { Keyset } from '../../examples/play-mint/keyset.ts';
import type { PlayMint } from '../../examples/play-mint/mint.ts';
import { outputCreator } from '../../examples/play-mint/outputs.ts';
import type { Input, Output, Signature } from '../../examples/play-mint/wire.ts';

export type Blank = Readonly<{ outputs: Output[]; proofs(signatures: readonly Omit<Signature, 'dleq'>[]): Proof[] }>;

const keysOf = ({ id, publicKeys }: Keyset): HasKeysetKeys => ({ id, keys: publicKeys });

/** The keyset that signs now. */
export function activeKeyset(mint: PlayMint, unit = 'sat'): Keyset {
  const entry = mint.keysets().find(({ keyset, active }) => active && keyset.unit === unit);
  if (entry === undefined) throw new Error(`no active keyset for ${unit}`);
  return entry.keyset;
}

/** Blinded messages for coins, and what makes proofs of their signatures. */
export function blank(keyset: Keyset, coins: readonly number[]): Blank {
  const sum = coins.reduce((total, coin) => total + coin, 0);
  const data = outputCreator.createRandomData(sum, keysOf(keyset), [...coins]);
  return {
    outputs: data.map(({ blindedMessage: { id, B_, amount } }) => ({ id, B_, amount: Amount.from(amount).toNumber() })),
    proofs: (signatures) =>
      signatures.flatMap((signature, index) => {
        const own = data[index];
        return own ? [own.toProof({ ...signature, amount: Amount.from(signature.amount) }, keysOf(keyset))] : [];
      }),
  };
}

/** A proof as it goes over the wire. */
export const wire = ({ id, amount, secret, C }: Proof): Input => ({ id, amount: amount.toNumber(), secret, C });

/** Fresh coins from a paid quote. */
export function coinsOf(mint: PlayMint, coins: readonly number[], unit = 'sat'): Proof[] {
  const { outputs, proofs } = blank(activeKeyset(mint, unit), coins);
  const sum = coins.reduce((total, coin) => total + coin, 0);
  return proofs(mint.mint(mint.createQuote(sum, unit).quote, outputs));
}
