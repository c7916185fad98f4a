import { hash } from 'node:crypto';
import type { CashuToken } from '../core/payment.ts';
import { perObject } from '../core/per-object.ts';
import type { Claims } from './ledger.ts';

type Content = Pick<CashuToken, 'mint' | 'proofs'>;

/** All of a token that is money, in any order of its proofs the same. Worked out once for as long as a token is remembered. */
export const contentOf = perObject(({ mint, proofs }: Content): string =>
  [mint, ...proofs.map(({ id, amount, secret, C }) => JSON.stringify([id, amount, secret, C])).sort()].join('\n'),
);

/**
 * What makes a token ours. By proof and not by token, so that a token encoded anew is the same payment, in every process.
 * A claim is on the secret, for that is what a mint spends; the payment is of the whole proofs, so that a bad copy of a proof
 * does not stand for the good one.
 */
export const claimsOf = perObject((content: Content): Claims => {
  const { mint, proofs } = content;
  return {
    paymentId: `pay_${hash('sha256', contentOf(content)).slice(0, 32)}`,
    ids: proofs.map(({ secret }) => hash('sha256', `${mint}\n${secret}`)).sort(),
  };
});
