/** Our side of a swap: blinded outputs for what a token is worth, and the exact bytes that ask the mint to sign them. */
import { OutputData } from '@cashu/cashu-ts';
import type { Proof } from '../core/payment.ts';
import type { ActiveKeys, BlindedMessage } from './mint.ts';

export type PreparedSwap = Readonly<{ body: string; outputs: string }>;

/** `net`: the inputs' sum less the mint's fee, in the keyset's unit. */
export const prepareSwap = (proofs: readonly Proof[], net: number, keys: ActiveKeys): PreparedSwap => {
  const created = OutputData.createRandomData(net, { id: keys.id, keys: { ...keys.keys } });
  const outputs = created.map((output) => OutputData.serialize(output));
  const inputs = proofs.map(({ id, amount, secret, C }) => ({ id, amount, secret, C }));
  const messages = outputs.map(({ blindedMessage }) => plainMessage(blindedMessage));
  return { body: JSON.stringify({ inputs, outputs: messages }), outputs: JSON.stringify(outputs) };
};

const plainMessage = ({ amount, id, B_ }: { amount: unknown; id: string; B_: string }): BlindedMessage => ({
  amount: Number(amount),
  id,
  B_,
});

/** The blinded messages of a swap, read back from the body that was stored. */
export const messagesOf = (body: string): BlindedMessage[] => {
  const { outputs } = JSON.parse(body) as { outputs: BlindedMessage[] };
  return outputs;
};

/** The proofs that a swap spends, read back from the body that was stored. */
export const secretsOf = (body: string): string[] => {
  const { inputs } = JSON.parse(body) as { inputs: Proof[] };
  return inputs.map(({ secret }) => secret);
};
