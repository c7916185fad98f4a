import { hash } from 'node:crypto';
import type { CashuToken } from '../core/payment.ts';

/** Marks one proof of one mint as ours, for ever. By proof and not by token, so that a token encoded anew is the same. */
export const claimsOf = ({ mint, proofs }: CashuToken): string[] =>
  proofs.map(({ secret }) => hash('sha256', `${mint}\n${secret}`)).sort();

/** The same set of proofs gives the same id, in every process. */
export const paymentIdOf = (claims: readonly string[]): string =>
  `pay_${hash('sha256', claims.join('\n')).slice(0, 32)}`;
