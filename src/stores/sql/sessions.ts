/** Sessions, and the accounts that they open. */
import type { FoundSession } from '../../core/payment.ts';
import type { Debited, SessionGrant, SessionOffer } from '../../paywall/ledger.ts';
import { toRunningTime } from './debit.ts';
import { integer, optionalInteger, type Row, type Transaction, text } from './transaction.ts';

export const findSessionByHash = `SELECT expires_at, revoked_at, account_id, mint, unit FROM sessions
  JOIN payments ON payments.id = sessions.payment_id
  WHERE id_hash = $1`;

export const toFoundSession = (row: Row | undefined, nowMs: number): FoundSession => {
  if (!row) return { session: 'unknown' };
  const expiresAtMs = integer(row, 'expires_at');
  if (optionalInteger(row, 'revoked_at') !== undefined || expiresAtMs <= nowMs) return { session: 'closed' };
  const account = { id: text(row, 'account_id'), mint: text(row, 'mint'), unit: text(row, 'unit') };
  return { session: 'open', account, expiresAtMs };
};

/** Of a settled payment with an open session: time that was bought on its account and has not run out at `$3`. */
export const findRunningTimeOfPayment = `SELECT purchases.payment_id, purchases.expires_at AS runs_until, balance,
    salt, sessions.expires_at FROM payments
  JOIN purchases ON purchases.payment_id = payments.account_id
  JOIN credits ON credits.payment_id = payments.account_id
  JOIN sessions ON sessions.payment_id = payments.id
  WHERE payments.id = $1 AND state = 'settled' AND purchases.rule = $2 AND purchases.expires_at > $3
    AND sessions.expires_at > $3 AND revoked_at IS NULL`;

const toGrant = (row: Row): SessionGrant => ({ salt: text(row, 'salt'), expiresAtMs: integer(row, 'expires_at') });

export const toRunningTimeOfPayment = (row: Row): Debited => ({ ...toRunningTime(row), session: toGrant(row) });

/** The payment's open session, or else the one offered. Its account's row has been locked. */
export const grantSession = async (
  transaction: Transaction,
  paymentId: string,
  { idHash, salt, expiresAtMs }: SessionOffer,
  nowMs: number,
): Promise<SessionGrant> => {
  const open = await transaction.first(
    'SELECT salt, expires_at FROM sessions WHERE payment_id = $1 AND expires_at > $2 AND revoked_at IS NULL',
    [paymentId, nowMs],
  );
  if (open) return toGrant(open);
  await transaction.run('DELETE FROM sessions WHERE payment_id = $1', [paymentId]);
  await transaction.run('INSERT INTO sessions (id_hash, payment_id, salt, expires_at) VALUES ($1, $2, $3, $4)', [
    idHash,
    paymentId,
    salt,
    expiresAtMs,
  ]);
  return { salt, expiresAtMs };
};
