/** Our side of a swap: blinded outputs for what a token is worth, and the exact bytes that ask the mint to sign them. */
import type { SerializedOutputData } from '@cashu/cashu-ts';
import type { Proof } from '../core/payment.ts';
import { perObject } from '../core/per-object.ts';
import type { Curve, DrawnBlinding } from './curve/operations.ts';
import type { Swap } from './ledger.ts';
import type { BlindedMessage, BlindSignature, KeysetKeys } from './mint.ts';
import type { Worth } from './worth.ts';

/** Enough for any amount in coins of 1, 2, 4, …; a keyset that needs more would have us blind for seconds. */
const MOST_OUTPUTS = 64;

type Output = Readonly<{ message: BlindedMessage; blinding: DrawnBlinding }>;

const drawOutput = async (curve: Curve, amount: number, id: string): Promise<Output> => {
  const blinding = await curve.drawBlinding();
  return { message: { amount, id, B_: blinding.B_ }, blinding };
};

/** As cashu-ts has it: the secret's bytes in hex, the blinding factor as a decimal. */
const serialize = ({ message, blinding }: Output): SerializedOutputData => ({
  blindedMessage: { ...message, amount: String(message.amount) },
  blindingFactor: BigInt(`0x${blinding.blindingFactor}`).toString(),
  secret: Buffer.from(blinding.secret).toString('hex'),
});

/** As many as NUT-08 wants for change of at most so much; their amount says nothing. */
export const blanksFor = (most: number): readonly number[] => Array.from({ length: most.toString(2).length }, () => 1);

/** The largest first. */
const valuesOf = perObject(({ keys }: KeysetKeys) =>
  Object.keys(keys)
    .map(Number)
    .filter((value) => Number.isSafeInteger(value) && value > 0)
    .sort((a, b) => b - a),
);

/** The largest that fit. Throws where the keyset cannot make the amount so. */
export const coinsOf = (amount: number, keyset: KeysetKeys): readonly number[] => {
  const coins: number[] = [];
  let left = amount;
  for (const value of valuesOf(keyset)) {
    for (; value <= left && coins.length < MOST_OUTPUTS; left -= value) coins.push(value);
  }
  if (left > 0) throw new Error(`the keyset ${keyset.id} does not make ${amount} in ${MOST_OUTPUTS} coins`);
  return coins;
};

/** The request that asks for these coins of a keyset in exchange for the proofs, which are signed where they are locked. */
export const drawSwap = async (
  curve: Curve,
  proofs: readonly Proof[],
  coins: readonly number[],
  keysetId: string,
): Promise<Pick<Swap, 'body' | 'outputs'>> => {
  const outputs = await Promise.all(coins.map((amount) => drawOutput(curve, amount, keysetId)));
  const inputs = proofs.map(({ id, amount, secret, C, witness }) => ({
    id,
    amount,
    secret,
    C,
    ...(witness === undefined ? {} : { witness }),
  }));
  const messages = outputs.map(({ message }) => message);
  return {
    body: JSON.stringify({ inputs, outputs: messages }),
    outputs: JSON.stringify(outputs.map(serialize)),
  };
};

/** `proofs`: signed, where they are locked. Throws where the keyset cannot make the amount. */
export const prepareSwap = async (
  curve: Curve,
  proofs: readonly Proof[],
  { fee, net, credit }: Worth,
  keyset: KeysetKeys,
): Promise<Omit<Swap, 'number'>> => ({
  fee,
  credit,
  ...(await drawSwap(curve, proofs, coinsOf(net, keyset), keyset.id)),
});

/** The blinded messages of a swap, read back from the body that was stored. */
export const messagesOf = ({ body }: Pick<Swap, 'body'>): BlindedMessage[] => {
  const { outputs } = JSON.parse(body) as { outputs: BlindedMessage[] };
  return outputs;
};

/** The proofs that a swap spends, read back from the body that was stored. */
export const proofsOf = ({ body }: Pick<Swap, 'body'>): Proof[] => {
  const { inputs } = JSON.parse(body) as { inputs: Proof[] };
  return inputs;
};

/**
 * Blank outputs of which a mint has signed some, for amounts of its choice (NUT-08), as outputs of these amounts.
 */
export const fillBlanks = (
  outputs: string,
  change: readonly (BlindSignature | undefined)[],
): Readonly<{ outputs: string; signatures: readonly BlindSignature[] }> => {
  const filled: SerializedOutputData[] = [];
  const signatures: BlindSignature[] = [];
  for (const [index, output] of (JSON.parse(outputs) as SerializedOutputData[]).entries()) {
    const signature = change[index];
    if (!signature) continue;
    filled.push({ ...output, blindedMessage: { ...output.blindedMessage, amount: String(signature.amount) } });
    signatures.push(signature);
  }
  return { outputs: JSON.stringify(filled), signatures };
};
