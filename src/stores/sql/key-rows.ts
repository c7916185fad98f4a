/** Keys as they lie in the tables. */
import type { Credits, KeyRecord } from '../../keys/key-store.ts';
import { integer, optionalInteger, type Row, type SqlValue, text } from './transaction.ts';

const fields = [
  'id',
  'hash',
  'hint',
  'user_id',
  'name',
  'rate_limit_per_minute',
  'rate_limit_per_day',
  'scopes',
  'metadata',
  'allowed_ips',
  'customer_id',
  'created_at',
  'expires_at',
  'disabled_at',
  'revoked_at',
] as const;

type Field = (typeof fields)[number];

const columns = [
  ...fields.map((field) => `api_keys.${field}`),
  'remaining',
  'refill_amount',
  'refill_interval',
  'refill_at',
].join(', ');

const withCredits = 'LEFT JOIN key_credits ON key_credits.key_id = api_keys.id';

/** Selects keys, by what follows. */
export const selectKeys = `SELECT ${columns}, NULL AS ends_at FROM api_keys ${withCredits}`;

/** By the newest secret or by one that was replaced. No secret is both. */
export const findKeyByHash = `${selectKeys} WHERE api_keys.hash = $1
  UNION ALL
  SELECT ${columns}, replaced_secrets.ends_at FROM replaced_secrets
    JOIN api_keys ON api_keys.id = replaced_secrets.key_id ${withCredits} WHERE replaced_secrets.hash = $1`;

export const insertKeyRow = `INSERT INTO api_keys (${fields.join(', ')})
  VALUES (${fields.map((_, index) => `$${index + 1}`).join(', ')})`;

const values = (record: KeyRecord): Readonly<Record<Field, SqlValue>> => ({
  id: record.id,
  hash: record.hash,
  hint: record.hint,
  user_id: record.userId,
  name: record.name,
  rate_limit_per_minute: record.rateLimitPerMinute ?? null,
  rate_limit_per_day: record.rateLimitPerDay ?? null,
  scopes: JSON.stringify(record.scopes),
  metadata: JSON.stringify(record.metadata),
  allowed_ips: JSON.stringify(record.allowedIps),
  customer_id: record.customerId ?? null,
  created_at: record.createdAt,
  expires_at: record.expiresAt ?? null,
  disabled_at: record.disabledAt ?? null,
  revoked_at: record.revokedAt ?? null,
});

/** For `insertKeyRow`. */
export const keyValues = (record: KeyRecord): SqlValue[] => {
  const byField = values(record);
  return fields.map((field) => byField[field]);
};

const optionalText = (row: Row, column: string): string | undefined =>
  row[column] === null ? undefined : text(row, column);

const toCredits = (row: Row): Credits | undefined => {
  const remaining = optionalInteger(row, 'remaining');
  if (remaining === undefined) return undefined;
  const amount = optionalInteger(row, 'refill_amount');
  const refill = amount !== undefined && {
    amount,
    intervalMs: integer(row, 'refill_interval'),
    nextAt: integer(row, 'refill_at'),
  };
  return { remaining, refill: refill || undefined };
};

export const toKeyRecord = (row: Row): KeyRecord => ({
  id: text(row, 'id'),
  hash: text(row, 'hash'),
  hint: text(row, 'hint'),
  userId: text(row, 'user_id'),
  name: text(row, 'name'),
  rateLimitPerMinute: optionalInteger(row, 'rate_limit_per_minute'),
  rateLimitPerDay: optionalInteger(row, 'rate_limit_per_day'),
  scopes: JSON.parse(text(row, 'scopes')),
  metadata: JSON.parse(text(row, 'metadata')),
  allowedIps: JSON.parse(text(row, 'allowed_ips')),
  customerId: optionalText(row, 'customer_id'),
  credits: toCredits(row),
  createdAt: integer(row, 'created_at'),
  expiresAt: optionalInteger(row, 'expires_at'),
  disabledAt: optionalInteger(row, 'disabled_at'),
  revokedAt: optionalInteger(row, 'revoked_at'),
  replacedUntil: optionalInteger(row, 'ends_at'),
});
