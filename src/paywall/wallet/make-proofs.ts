/** The last step of a redemption, off the request's path: the mint's signatures become proofs of our own. */
import type { SerializedOutputData } from '@cashu/cashu-ts';
import type { Curve } from '../curve/operations.ts';
import type { BlindSignature } from '../mint.ts';
import { ownProofId } from './own-token.ts';
import type { NewProof, Signed, Uncollected } from './proof-store.ts';

type Keys = Readonly<Record<string, string>>;

type Output = Readonly<{ amount: number; id: string; B_: string; secret: string; blindingFactor: string }>;

const readOutput = ({ blindedMessage, blindingFactor, secret }: SerializedOutputData): Output => ({
  amount: Number(blindedMessage.amount),
  id: blindedMessage.id,
  B_: blindedMessage.B_,
  secret: Buffer.from(secret, 'hex').toString(),
  blindingFactor: BigInt(blindingFactor).toString(16).padStart(64, '0'),
});

/** Empty where the signature does not fit the output, or the mint's key did not make it. */
const open = async (
  curve: Curve,
  { amount, id, B_, blindingFactor }: Output,
  signature: BlindSignature | undefined,
  publicKey: string | undefined,
): Promise<string> => {
  if (signature?.amount !== amount || signature.id !== id || publicKey === undefined) return '';
  const { C_, dleq } = signature;
  return (await curve.unblind({ blindingFactor, B_, C_, publicKey, ...(dleq && { dleq }) })) ?? '';
};

/**
 * One proof for each output that we drew. `keysOf` gives a keyset's public keys by amount. Throws where what was written
 * cannot be read, or `keysOf` throws.
 */
export const makeProofs = async (
  { mint }: Pick<Uncollected, 'mint'>,
  { outputs, signatures }: Signed,
  curve: Curve,
  keysOf: (keysetId: string) => Promise<Keys>,
): Promise<readonly NewProof[]> => {
  const drawn = (JSON.parse(outputs) as SerializedOutputData[]).map(readOutput);
  const signed = JSON.parse(signatures) as BlindSignature[];
  return Promise.all(
    drawn.map(async (output, index) => {
      const { amount, id, secret } = output;
      const C = await open(curve, output, signed[index], (await keysOf(id))[amount]);
      const state = C === '' ? 'bad' : 'unspent';
      return { id: ownProofId(mint, secret), keysetId: id, amount, secret, C, state } as const;
    }),
  );
};
