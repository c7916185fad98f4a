/** Our signature on proofs that are locked to our key (NUT-11), which the mint wants beside them. */
import type { Proof } from '../core/payment.ts';
import type { Curve } from './curve/operations.ts';

/** Once for each proof: what is signed again is another request to the mint. */
export type Unlock = (proofs: readonly Proof[]) => Promise<readonly Proof[]>;

/** `privateKey`: 64 hex digits. */
export const createUnlock =
  (curve: Pick<Curve, 'sign'>, privateKey: () => string): Unlock =>
  (proofs) =>
    Promise.all(
      proofs.map(async (proof) => {
        if (!proof.lock) return proof;
        const signature = await curve.sign({ message: proof.secret, privateKey: privateKey() });
        return { ...proof, witness: JSON.stringify({ signatures: [signature] }) };
      }),
    );
