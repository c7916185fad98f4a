import type {
  ChangedKey,
  Imported,
  KeyChanges,
  KeyQuery,
  KeyRecord,
  MadeBefore,
  NewSecret,
  Once,
} from '../../keys/key-store.ts';
import { creditOperations, writeCredits } from './key-credits.ts';
import { insertKeyRow, keyValues, selectKeys, toKeyRecord } from './key-rows.ts';
import { type SqlValue, type Transaction, text } from './transaction.ts';

/** What a change writes, in the words of UPDATE. `?` stands for the value. */
const assignments = (changes: KeyChanges): [set: string, value: SqlValue][] => {
  const written: [string, SqlValue][] = [];
  const write = (column: string, isChanged: boolean, value: SqlValue | undefined) => {
    if (isChanged) written.push([`${column} = ?`, value ?? null]);
  };
  write('name', 'name' in changes, changes.name);
  write('rate_limit_per_minute', 'rateLimitPerMinute' in changes, changes.rateLimitPerMinute);
  write('rate_limit_per_day', 'rateLimitPerDay' in changes, changes.rateLimitPerDay);
  write('scopes', 'scopes' in changes, JSON.stringify(changes.scopes));
  write('metadata', 'metadata' in changes, JSON.stringify(changes.metadata));
  write('allowed_ips', 'allowedIps' in changes, JSON.stringify(changes.allowedIps));
  write('customer_id', 'customerId' in changes, changes.customerId);
  write('expires_at', 'expiresAt' in changes, changes.expiresAt);
  if (changes.disabledAt !== undefined) written.push(['disabled_at = COALESCE(disabled_at, ?)', changes.disabledAt]);
  else write('disabled_at', 'disabledAt' in changes, undefined);
  return written;
};

const findKey = async (transaction: Transaction, id: string): Promise<KeyRecord | undefined> => {
  const row = await transaction.first(`${selectKeys} WHERE api_keys.id = $1`, [id]);
  return row && toKeyRecord(row);
};

const changedKey = async (transaction: Transaction, id: string): Promise<ChangedKey | undefined> => {
  const record = await findKey(transaction, id);
  if (!record) return undefined;
  const replaced = await transaction.all('SELECT hash FROM replaced_secrets WHERE key_id = $1', [id]);
  return { record, hashes: [record.hash, ...replaced.map((row) => text(row, 'hash'))] };
};

/** Nobody else changes the key until the end of the transaction. False where it is revoked, or there is none. */
const lockKey = async (transaction: Transaction, id: string): Promise<boolean> =>
  (await transaction.run('UPDATE api_keys SET name = name WHERE id = $1 AND revoked_at IS NULL', [id])) > 0;

/** Gives what the first call of this Idempotency-Key made, or remembers this one. */
const madeBefore = async (
  transaction: Transaction,
  keyId: string,
  { idHash, requestHash, sealedKey, nowMs, expiresAt }: Once,
): Promise<MadeBefore | undefined> => {
  await transaction.run('DELETE FROM key_creations WHERE expires_at <= $1', [nowMs]);
  const isFirst = await transaction.run(
    `INSERT INTO key_creations (id_hash, request_hash, key_id, sealed_key, expires_at) VALUES ($1, $2, $3, $4, $5)
      ON CONFLICT (id_hash) DO NOTHING`,
    [idHash, requestHash, keyId, sealedKey, expiresAt],
  );
  if (isFirst > 0) return undefined;
  const row = await transaction.first('SELECT key_id, request_hash, sealed_key FROM key_creations WHERE id_hash = $1', [
    idHash,
  ]);
  if (!row) throw new Error('what was made before was forgotten at this moment');
  return { keyId: text(row, 'key_id'), requestHash: text(row, 'request_hash'), sealedKey: text(row, 'sealed_key') };
};

const insertOne = async (transaction: Transaction, record: KeyRecord): Promise<void> => {
  await transaction.run(insertKeyRow, keyValues(record));
  if (record.credits) await writeCredits(transaction, record.id, record.credits);
};

const keyIdOfHash = async (transaction: Transaction, hash: string): Promise<string | undefined> => {
  const sql = `SELECT id FROM api_keys WHERE hash = $1
    UNION ALL SELECT key_id AS id FROM replaced_secrets WHERE hash = $1`;
  const row = await transaction.first(sql, [hash]);
  return row && text(row, 'id');
};

export const keyOperations = {
  ...creditOperations,

  async insertKey(
    transaction: Transaction,
    { record, once }: { record: KeyRecord; once?: Once | undefined },
  ): Promise<MadeBefore | undefined> {
    const before = once && (await madeBefore(transaction, record.id, once));
    if (!before) await insertOne(transaction, record);
    return before;
  },

  findKey: (transaction: Transaction, { id }: { id: string }): Promise<KeyRecord | undefined> =>
    findKey(transaction, id),

  async listKeys(transaction: Transaction, { userId, after, limit }: KeyQuery): Promise<readonly KeyRecord[]> {
    const values: SqlValue[] = [];
    const placeholder = (value: SqlValue): string => `$${values.push(value)}`;
    const conditions = [
      ...(userId === undefined ? [] : [`user_id = ${placeholder(userId)}`]),
      ...(after ? [`(created_at, id) < (${placeholder(after.createdAt)}, ${placeholder(after.id)})`] : []),
    ];
    const where = conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : '';
    const sql = `${selectKeys} ${where} ORDER BY created_at DESC, id DESC LIMIT ${placeholder(limit)}`;
    return (await transaction.all(sql, values)).map(toKeyRecord);
  },

  async updateKey(
    transaction: Transaction,
    { id, changes }: { id: string; changes: KeyChanges },
  ): Promise<ChangedKey | undefined> {
    if (await lockKey(transaction, id)) {
      const written = assignments(changes);
      const sets = written.map(([set], index) => set.replace('?', `$${index + 2}`));
      if (sets.length > 0) {
        const sql = `UPDATE api_keys SET ${sets.join(', ')} WHERE id = $1`;
        await transaction.run(sql, [id, ...written.map(([, value]) => value)]);
      }
      if ('credits' in changes) await writeCredits(transaction, id, changes.credits);
    }
    return changedKey(transaction, id);
  },

  async rotateKey(
    transaction: Transaction,
    { id, secret, once }: { id: string; secret: NewSecret; once?: Once | undefined },
  ): Promise<ChangedKey | MadeBefore | undefined> {
    if (await lockKey(transaction, id)) {
      const before = once && (await madeBefore(transaction, id, once));
      if (before) return before;
      await transaction.run(
        'INSERT INTO replaced_secrets (hash, key_id, ends_at) SELECT hash, id, CAST($2 AS BIGINT) FROM api_keys WHERE id = $1',
        [id, secret.replacedUntil],
      );
      // Those that were replaced before end no later than this one asks for.
      await transaction.run('UPDATE replaced_secrets SET ends_at = $2 WHERE key_id = $1 AND ends_at > $2', [
        id,
        secret.replacedUntil,
      ]);
      await transaction.run('UPDATE api_keys SET hash = $2, hint = $3 WHERE id = $1', [id, secret.hash, secret.hint]);
    }
    return changedKey(transaction, id);
  },

  async revokeKey(
    transaction: Transaction,
    { id, atMs }: { id: string; atMs: number },
  ): Promise<ChangedKey | undefined> {
    await transaction.run('UPDATE api_keys SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL', [id, atMs]);
    return changedKey(transaction, id);
  },

  async importKeys(
    transaction: Transaction,
    { records }: { records: readonly KeyRecord[] },
  ): Promise<readonly Imported[]> {
    const imported = new Map<KeyRecord, Imported>();
    // In one order for all, so that none waits for another that waits for it.
    for (const record of records.toSorted((one, other) => (one.hash < other.hash ? -1 : 1))) {
      const existing = await keyIdOfHash(transaction, record.hash);
      if (existing === undefined) await insertOne(transaction, record);
      imported.set(
        record,
        existing === undefined ? { id: record.id, outcome: 'imported' } : { id: existing, outcome: 'exists' },
      );
    }
    return records.flatMap((record) => imported.get(record) ?? []);
  },
};
