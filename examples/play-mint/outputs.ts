import { OutputData, type OutputDataCreator, type OutputDataLike } from '@cashu/cashu-ts';
import { libsecp256k1 } from './libsecp256k1.ts';

const scalar = (value: bigint): string => value.toString(16).padStart(64, '0');

/** cashu-ts takes 7 ms to check and to open a signature. */
const quickly = (data: OutputDataLike): OutputDataLike => {
  const curve = libsecp256k1;
  if (!curve) return data;
  const { blindingFactor, secret, blindedMessage, ephemeralE } = data;
  const r = scalar(blindingFactor);
  return {
    ...data,
    toProof({ id, amount, C_, dleq }, { keys }) {
      const publicKey = keys[amount.toString()] ?? '';
      const C = curve.open({ B_: blindedMessage.B_, C_, r, publicKey, ...(dleq && { dleq }) });
      if (C === undefined) throw new Error('the mint signed by another key than it published');
      return {
        ...{ id, amount, C, secret: new TextDecoder().decode(secret) },
        ...(dleq && { dleq: { e: dleq.e, s: dleq.s, r } }),
        ...(ephemeralE !== undefined && { p2pk_e: ephemeralE }),
      };
    },
  };
};

/** Blinded messages as cashu-ts makes them, whose signatures are opened by libsecp256k1 where there is a binary of it. */
export const outputCreator: OutputDataCreator = {
  createP2PKData: (...asked) => OutputData.createP2PKData(...asked).map(quickly),
  createSingleP2PKData: (...asked) => quickly(OutputData.createSingleP2PKData(...asked)),
  createRandomData: (...asked) => OutputData.createRandomData(...asked).map(quickly),
  createSingleRandomData: (...asked) => quickly(OutputData.createSingleRandomData(...asked)),
  createDeterministicData: (...asked) => OutputData.createDeterministicData(...asked).map(quickly),
  createSingleDeterministicData: (...asked) => quickly(OutputData.createSingleDeterministicData(...asked)),
};
