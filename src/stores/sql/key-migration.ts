/** Questions that have taken a credit. What ended goes with the key's next one. */
export const creditUses: readonly string[] = [
  `CREATE TABLE credit_uses (
    key_id TEXT NOT NULL REFERENCES api_keys (id),
    request_key TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (key_id, request_key)
  )`,
  'CREATE INDEX credit_uses_by_end ON credit_uses (key_id, expires_at)',
];

/** What the whole life of an API key needs, besides the first table. */
export const keyLife: readonly string[] = [
  'ALTER TABLE api_keys ADD COLUMN expires_at BIGINT',
  'ALTER TABLE api_keys ADD COLUMN disabled_at BIGINT',
  `ALTER TABLE api_keys ADD COLUMN allowed_ips TEXT NOT NULL DEFAULT '[]'`,
  'ALTER TABLE api_keys ADD COLUMN customer_id TEXT',
  'CREATE INDEX api_keys_by_time ON api_keys (created_at, id)',
  'CREATE INDEX api_keys_by_customer ON api_keys (customer_id) WHERE customer_id IS NOT NULL',
  `CREATE TABLE key_credits (
    key_id TEXT PRIMARY KEY REFERENCES api_keys (id),
    remaining BIGINT NOT NULL CHECK (remaining >= 0),
    refill_amount BIGINT CHECK (refill_amount > 0),
    refill_interval BIGINT CHECK (refill_interval > 0),
    refill_at BIGINT
  )`,
  `CREATE TABLE replaced_secrets (
    hash TEXT PRIMARY KEY,
    key_id TEXT NOT NULL REFERENCES api_keys (id),
    ends_at BIGINT NOT NULL
  )`,
  'CREATE INDEX replaced_secrets_by_key ON replaced_secrets (key_id)',
  `CREATE TABLE key_creations (
    id_hash TEXT PRIMARY KEY,
    request_hash TEXT NOT NULL,
    key_id TEXT NOT NULL,
    sealed_key TEXT NOT NULL,
    expires_at BIGINT NOT NULL
  )`,
  'CREATE INDEX key_creations_by_end ON key_creations (expires_at)',
];
