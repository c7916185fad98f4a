import type { KeyRecord } from '../../keys/key-store.ts';
import { integer, optionalInteger, type Row, type Transaction, text } from './transaction.ts';

const columns = `id, hash, hint, user_id, name, rate_limit_per_minute, rate_limit_per_day, scopes, metadata, created_at,
  revoked_at`;

export const findKeyByHash = `SELECT ${columns} FROM api_keys WHERE hash = $1`;

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
  createdAt: integer(row, 'created_at'),
  revokedAt: optionalInteger(row, 'revoked_at'),
});

export const keyOperations = {
  async insertKey(transaction: Transaction, record: KeyRecord): Promise<void> {
    await transaction.run(`INSERT INTO api_keys (${columns}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`, [
      record.id,
      record.hash,
      record.hint,
      record.userId,
      record.name,
      record.rateLimitPerMinute ?? null,
      record.rateLimitPerDay ?? null,
      JSON.stringify(record.scopes),
      JSON.stringify(record.metadata),
      record.createdAt,
      record.revokedAt ?? null,
    ]);
  },

  async listKeysByUser(transaction: Transaction, userId: string): Promise<readonly KeyRecord[]> {
    const sql = `SELECT ${columns} FROM api_keys WHERE user_id = $1 ORDER BY created_at DESC, id`;
    return (await transaction.all(sql, [userId])).map(toKeyRecord);
  },

  async revokeKey(
    transaction: Transaction,
    { id, atMs }: { id: string; atMs: number },
  ): Promise<KeyRecord | undefined> {
    await transaction.run('UPDATE api_keys SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL', [id, atMs]);
    const row = await transaction.first(`SELECT ${columns} FROM api_keys WHERE id = $1`, [id]);
    return row && toKeyRecord(row);
  },
};
