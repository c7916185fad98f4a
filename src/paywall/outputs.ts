/** Our side of a swap: blinded outputs for what a token is worth, and the exact bytes that ask the mint to sign them. */
import { OutputData, splitAmount } from '@cashu/cashu-ts';
import type { Proof } from '../core/payment.ts';
import type { Swap } from './ledger.ts';
import type { ActiveKeys, BlindedMessage } from './mint.ts';
import type { Worth } from './worth.ts';

/** Enough for any amount in coins of 1, 2, 4, …; a keyset that needs more would have us blind for seconds. */
const MOST_OUTPUTS = 64;

/** Throws where the keyset cannot make the amount. */
export const prepareSwap = (
  proofs: readonly Proof[],
  { fee, net, credit }: Worth,
  { id, keys }: ActiveKeys,
): Omit<Swap, 'number'> => {
  const coins = splitAmount(net, { ...keys });
  if (coins.length > MOST_OUTPUTS) throw new Error(`the keyset ${id} makes ${net} in ${coins.length} coins`);
  const outputs = coins.map((coin) => OutputData.serialize(OutputData.createSingleRandomData(coin, id)));
  const inputs = proofs.map((proof) => ({ id: proof.id, amount: proof.amount, secret: proof.secret, C: proof.C }));
  const messages = outputs.map(({ blindedMessage }) => plainMessage(blindedMessage));
  return { fee, credit, body: JSON.stringify({ inputs, outputs: messages }), outputs: JSON.stringify(outputs) };
};

const plainMessage = ({ amount, id, B_ }: { amount: unknown; id: string; B_: string }): BlindedMessage => ({
  amount: Number(amount),
  id,
  B_,
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
