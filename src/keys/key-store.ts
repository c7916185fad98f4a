/** What is kept of an API key. Never the key itself. Times are epoch milliseconds. */
export type KeyRecord = Readonly<{
  id: string;
  /** SHA-256 of the key, lower-case hexadecimal. */
  hash: string;
  hint: string;
  userId: string;
  name: string;
  rateLimitPerMinute: number | undefined;
  rateLimitPerDay: number | undefined;
  scopes: readonly string[];
  metadata: Readonly<Record<string, unknown>>;
  createdAt: number;
  revokedAt: number | undefined;
}>;

/** Errors of a store that does not answer are thrown. */
export type KeyStore = Readonly<{
  insert(record: KeyRecord): Promise<void>;
  /** May answer at once where the store is in the process. */
  findByHash(hash: string): KeyRecord | undefined | Promise<KeyRecord | undefined>;
  /** Newest first, revoked ones included. */
  listByUser(userId: string): Promise<readonly KeyRecord[]>;
  /** Keeps the row as a tombstone. Gives the record as it is now, or undefined where there is none. */
  revoke(id: string, atMs: number): Promise<KeyRecord | undefined>;
}>;
