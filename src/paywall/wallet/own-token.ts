/** Our proofs as the mint and as wallets read them. */
import { hash } from 'node:crypto';
import { Amount, getEncodedToken } from '@cashu/cashu-ts';
import type { Proof } from '../../core/payment.ts';
import type { NewProof } from './proof-store.ts';

/** By which a proof of ours is known in the books. */
export const ownProofId = (mint: string, secret: string): string => hash('sha256', `${mint}\n${secret}`);

type Own = Pick<NewProof, 'keysetId' | 'amount' | 'secret' | 'C'>;

export const toProof = ({ keysetId, amount, secret, C }: Own): Proof => ({ id: keysetId, amount, secret, C });

export const encodeOwn = (mint: string, unit: string, proofs: readonly Own[]): string =>
  getEncodedToken({
    mint,
    unit,
    proofs: proofs.map((proof) => ({ ...toProof(proof), amount: Amount.from(proof.amount) })),
  });
