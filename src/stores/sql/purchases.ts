/** What was bought on an account for a rule: one purchase for each. */
import type { Debit } from '../../paywall/ledger.ts';
import { integer, type Row, type Transaction } from './transaction.ts';

export const findPurchase = (transaction: Transaction, paymentId: string, rule: string): Promise<Row | undefined> =>
  transaction.first('SELECT requests_left, expires_at FROM purchases WHERE payment_id = $1 AND rule = $2', [
    paymentId,
    rule,
  ]);

export const endOfTime = (purchase: Row | undefined, { buys, nowMs }: Debit): number | undefined => {
  if (purchase === undefined || !('timeMs' in buys)) return undefined;
  const endsAtMs = integer(purchase, 'expires_at');
  return endsAtMs > nowMs ? endsAtMs : undefined;
};

export const writePurchase = (
  transaction: Transaction,
  {
    paymentId,
    rule,
    requestsLeft,
    expiresAtMs,
  }: Readonly<{
    paymentId: string;
    rule: string;
    requestsLeft: number;
    expiresAtMs: number;
  }>,
): Promise<number> =>
  transaction.run(
    `INSERT INTO purchases (payment_id, rule, requests_left, expires_at) VALUES ($1, $2, $3, $4)
      ON CONFLICT (payment_id, rule) DO UPDATE SET requests_left = excluded.requests_left, expires_at = excluded.expires_at`,
    [paymentId, rule, requestsLeft, expiresAtMs],
  );

/** Moves the end of bought time. */
export const endTimeAt = (
  transaction: Transaction,
  paymentId: string,
  rule: string,
  expiresAtMs: number,
): Promise<number> =>
  transaction.run('UPDATE purchases SET expires_at = $3 WHERE payment_id = $1 AND rule = $2', [
    paymentId,
    rule,
    expiresAtMs,
  ]);
