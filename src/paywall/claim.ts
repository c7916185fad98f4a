import { hash } from 'node:crypto';
import type { CashuToken, Proof } from '../core/payment.ts';
import type { Claims } from './ledger.ts';

const contentOf = ({ id, amount, secret, C }: Proof): string => JSON.stringify([id, amount, secret, C]);

/**
 * What makes a token ours. By proof and not by token, so that a token encoded anew is the same payment, in every process.
 * A claim is on the secret, for that is what a mint spends; the payment is of the whole proofs, so that a bad copy of a proof
 * does not stand for the good one.
 */
export const claimsOf = ({ mint, proofs }: Pick<CashuToken, 'mint' | 'proofs'>): Claims => {
  const contents = proofs.map(contentOf).sort();
  return {
    paymentId: `pay_${hash('sha256', [mint, ...contents].join('\n')).slice(0, 32)}`,
    ids: proofs.map(({ secret }) => hash('sha256', `${mint}\n${secret}`)).sort(),
  };
};
