/** Which payment has a proof: at most one. */
import type { Claims } from '../../paywall/ledger.ts';
import { type Transaction, text } from './transaction.ts';

const placeholders = (count: number, first = 1): string =>
  Array.from({ length: count }, (_, index) => `$${index + first}`).join(', ');

/** The payment of `$1`, or one that has one of so many claims that follow. */
export const findAnyKnown = (claims: number): string =>
  `SELECT 1 AS one FROM payments WHERE id = $1
    UNION ALL SELECT 1 FROM claims WHERE id IN (${placeholders(claims, 2)}) LIMIT 1`;

/** A payment that has one of these proofs. */
export const findClaimant = async (transaction: Transaction, { ids }: Claims): Promise<string | undefined> => {
  const sql = `SELECT payment_id FROM claims WHERE id IN (${placeholders(ids.length)}) LIMIT 1`;
  const claim = await transaction.first(sql, ids);
  return claim && text(claim, 'payment_id');
};

/** Throws where another payment has one of them. */
export const addClaims = async (transaction: Transaction, { paymentId, ids }: Claims): Promise<void> => {
  const rows = ids.map((_, index) => `($${index + 2}, $1)`).join(', ');
  await transaction.run(`INSERT INTO claims (id, payment_id) VALUES ${rows}`, [paymentId, ...ids]);
};
