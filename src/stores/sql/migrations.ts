import { billingTables } from './billing-migration.ts';
import { creditUses, keyLife } from './key-migration.ts';
import { podTables } from './pod-migration.ts';

/** The schema, one entry a version. An entry that was released is never changed: a later one changes the schema. */
export const migrations: readonly (readonly string[])[] = [
  [
    `CREATE TABLE api_keys (
      id TEXT PRIMARY KEY,
      hash TEXT NOT NULL UNIQUE,
      hint TEXT NOT NULL,
      user_id TEXT NOT NULL,
      name TEXT NOT NULL,
      rate_limit_per_minute BIGINT,
      rate_limit_per_day BIGINT,
      scopes TEXT NOT NULL,
      metadata TEXT NOT NULL,
      created_at BIGINT NOT NULL,
      revoked_at BIGINT
    )`,
    'CREATE INDEX api_keys_by_user ON api_keys (user_id, created_at)',
    `CREATE TABLE payments (
      id TEXT PRIMARY KEY,
      state TEXT NOT NULL CHECK (state IN ('prepared', 'settled', 'rejected')),
      mint TEXT NOT NULL,
      unit TEXT NOT NULL,
      amount BIGINT NOT NULL CHECK (amount > 0),
      rule TEXT NOT NULL,
      swap_number BIGINT,
      signatures TEXT,
      rejection TEXT,
      rejected_until BIGINT,
      lease_holder TEXT,
      lease_until BIGINT NOT NULL,
      tries BIGINT NOT NULL,
      unanswered_at BIGINT,
      created_at BIGINT NOT NULL,
      concluded_at BIGINT
    )`,
    `CREATE INDEX payments_prepared ON payments (lease_until) WHERE state = 'prepared'`,
    `CREATE TABLE swaps (
      payment_id TEXT NOT NULL REFERENCES payments (id),
      number BIGINT NOT NULL,
      fee BIGINT NOT NULL CHECK (fee >= 0),
      credit BIGINT NOT NULL CHECK (credit > 0),
      body TEXT NOT NULL,
      outputs TEXT NOT NULL,
      PRIMARY KEY (payment_id, number)
    )`,
    `CREATE TABLE claims (
      id TEXT PRIMARY KEY,
      payment_id TEXT NOT NULL REFERENCES payments (id)
    )`,
    'CREATE INDEX claims_by_payment ON claims (payment_id)',
    `CREATE TABLE credits (
      payment_id TEXT PRIMARY KEY REFERENCES payments (id),
      balance BIGINT NOT NULL CHECK (balance >= 0)
    )`,
    `CREATE TABLE purchases (
      payment_id TEXT NOT NULL REFERENCES payments (id),
      rule TEXT NOT NULL,
      requests_left BIGINT NOT NULL CHECK (requests_left >= 0),
      expires_at BIGINT NOT NULL,
      PRIMARY KEY (payment_id, rule)
    )`,
  ],
  [
    `CREATE TABLE debits (
      payment_id TEXT NOT NULL REFERENCES payments (id),
      request_key TEXT NOT NULL,
      expires_at BIGINT NOT NULL,
      PRIMARY KEY (payment_id, request_key)
    )`,
  ],
  ['CREATE TABLE sealing_keys (id TEXT PRIMARY KEY)'],
  [
    'ALTER TABLE payments ADD COLUMN collected_at BIGINT',
    `CREATE INDEX payments_uncollected ON payments (id) WHERE state = 'settled' AND collected_at IS NULL`,
    'CREATE INDEX payments_by_time ON payments (created_at)',
    `CREATE TABLE exports (
      id TEXT PRIMARY KEY,
      mint TEXT NOT NULL,
      unit TEXT NOT NULL,
      amount BIGINT NOT NULL CHECK (amount > 0),
      token TEXT NOT NULL,
      created_at BIGINT NOT NULL
    )`,
    `CREATE TABLE proofs (
      id TEXT PRIMARY KEY,
      payment_id TEXT NOT NULL REFERENCES payments (id),
      mint TEXT NOT NULL,
      unit TEXT NOT NULL,
      keyset_id TEXT NOT NULL,
      amount BIGINT NOT NULL CHECK (amount > 0),
      secret TEXT NOT NULL,
      c TEXT NOT NULL,
      state TEXT NOT NULL CHECK (state IN ('unspent', 'reserved', 'spent', 'bad')),
      export_id TEXT REFERENCES exports (id)
    )`,
    'CREATE INDEX proofs_by_state ON proofs (mint, unit, state, id)',
  ],
  [
    'ALTER TABLE payments ADD COLUMN account_id TEXT REFERENCES payments (id)',
    'UPDATE payments SET account_id = id',
    `CREATE TABLE sessions (
      id_hash TEXT PRIMARY KEY,
      payment_id TEXT NOT NULL REFERENCES payments (id),
      salt TEXT NOT NULL,
      expires_at BIGINT NOT NULL,
      revoked_at BIGINT
    )`,
    'CREATE INDEX sessions_by_payment ON sessions (payment_id)',
    'CREATE INDEX payments_by_account ON payments (account_id)',
  ],
  [
    'ALTER TABLE purchases ADD COLUMN units_left BIGINT NOT NULL DEFAULT 0 CHECK (units_left >= 0)',
    'ALTER TABLE debits ADD COLUMN use_id TEXT',
    `CREATE TABLE uses (
      id TEXT PRIMARY KEY,
      payment_id TEXT NOT NULL REFERENCES payments (id),
      rule TEXT NOT NULL,
      amount BIGINT NOT NULL,
      units BIGINT NOT NULL,
      reserved BIGINT NOT NULL CHECK (reserved >= 0),
      expires_at BIGINT NOT NULL,
      reported BIGINT,
      charged BIGINT
    )`,
    'CREATE INDEX uses_open ON uses (payment_id, rule, expires_at) WHERE reported IS NULL',
  ],
  [
    'CREATE INDEX debits_by_end ON debits (expires_at)',
    'CREATE INDEX uses_by_end ON uses (expires_at)',
    'CREATE INDEX sessions_by_end ON sessions (expires_at)',
  ],
  [
    `CREATE TABLE spends (
      id TEXT PRIMARY KEY,
      kind TEXT NOT NULL CHECK (kind IN ('swap', 'melt')),
      state TEXT NOT NULL CHECK (state IN ('prepared', 'settled', 'failed')),
      mint TEXT NOT NULL,
      unit TEXT NOT NULL,
      amount BIGINT NOT NULL CHECK (amount > 0),
      fee BIGINT CHECK (fee >= 0),
      body TEXT NOT NULL,
      outputs TEXT NOT NULL,
      sent BIGINT NOT NULL,
      failure TEXT,
      lease_holder TEXT,
      lease_until BIGINT NOT NULL,
      tries BIGINT NOT NULL,
      unanswered_at BIGINT,
      created_at BIGINT NOT NULL,
      concluded_at BIGINT
    )`,
    `CREATE INDEX spends_prepared ON spends (lease_until) WHERE state = 'prepared'`,
    'CREATE INDEX spends_by_time ON spends (created_at)',
    // A proof comes of a payment or of a spend. No one statement takes a condition off a column in both databases.
    'ALTER TABLE proofs RENAME TO proofs_of_payments',
    `CREATE TABLE proofs (
      id TEXT PRIMARY KEY,
      payment_id TEXT NOT NULL,
      mint TEXT NOT NULL,
      unit TEXT NOT NULL,
      keyset_id TEXT NOT NULL,
      amount BIGINT NOT NULL CHECK (amount > 0),
      secret TEXT NOT NULL,
      c TEXT NOT NULL,
      state TEXT NOT NULL CHECK (state IN ('unspent', 'reserved', 'pending', 'exchanged', 'spent', 'bad', 'lost')),
      export_id TEXT REFERENCES exports (id),
      spend_id TEXT REFERENCES spends (id)
    )`,
    `INSERT INTO proofs (id, payment_id, mint, unit, keyset_id, amount, secret, c, state, export_id)
      SELECT id, payment_id, mint, unit, keyset_id, amount, secret, c, state, export_id FROM proofs_of_payments`,
    'DROP TABLE proofs_of_payments',
    'CREATE INDEX proofs_by_state ON proofs (mint, unit, state, id)',
    'CREATE INDEX proofs_by_spend ON proofs (spend_id) WHERE spend_id IS NOT NULL',
  ],
  [
    'ALTER TABLE payments ADD COLUMN batch_id TEXT REFERENCES payments (id)',
    `CREATE TABLE exposures (
      mint TEXT NOT NULL,
      unit TEXT NOT NULL,
      amount BIGINT NOT NULL CHECK (amount >= 0),
      paused_until BIGINT NOT NULL,
      PRIMARY KEY (mint, unit)
    )`,
    `CREATE TABLE unsettled (
      payment_id TEXT PRIMARY KEY REFERENCES payments (id),
      mint TEXT NOT NULL,
      unit TEXT NOT NULL,
      amount BIGINT NOT NULL CHECK (amount > 0),
      proofs BIGINT NOT NULL,
      most BIGINT NOT NULL CHECK (most > 0),
      accepted_at BIGINT NOT NULL,
      checked_at BIGINT NOT NULL,
      batch_id TEXT REFERENCES payments (id),
      refused_at BIGINT
    )`,
    'CREATE INDEX unsettled_waiting ON unsettled (mint, unit, accepted_at) WHERE batch_id IS NULL',
    'CREATE INDEX unsettled_by_batch ON unsettled (batch_id)',
  ],
  [
    `CREATE TABLE refunds (
      id TEXT PRIMARY KEY,
      account_id TEXT NOT NULL REFERENCES payments (id),
      mint TEXT NOT NULL,
      unit TEXT NOT NULL,
      amount BIGINT NOT NULL CHECK (amount > 0),
      fee BIGINT NOT NULL CHECK (fee >= 0),
      export_id TEXT,
      created_at BIGINT NOT NULL
    )`,
    'CREATE INDEX refunds_by_account ON refunds (account_id, created_at)',
  ],
  [
    'ALTER TABLE spends ADD COLUMN quote_id TEXT',
    'ALTER TABLE spends ADD COLUMN invoice TEXT',
    'ALTER TABLE spends ADD COLUMN payee TEXT',
    `CREATE UNIQUE INDEX spends_by_invoice ON spends (invoice) WHERE state <> 'failed' AND invoice IS NOT NULL`,
  ],
  ['ALTER TABLE exports ADD COLUMN delivered_at BIGINT'],
  [
    `CREATE TABLE usage_events (
      id TEXT PRIMARY KEY,
      at_ms BIGINT NOT NULL,
      source TEXT NOT NULL,
      key_id TEXT NOT NULL,
      user_id TEXT NOT NULL,
      rule TEXT NOT NULL,
      method TEXT NOT NULL,
      host TEXT NOT NULL,
      path TEXT NOT NULL,
      status BIGINT NOT NULL,
      billable BIGINT NOT NULL,
      request_bytes BIGINT NOT NULL,
      response_bytes BIGINT NOT NULL,
      duration_us BIGINT NOT NULL
    )`,
    'CREATE INDEX usage_events_by_time ON usage_events (at_ms)',
    // An hour's month is kept with it: the two databases reckon with dates in different words.
    `CREATE TABLE usage_hourly (
      hour BIGINT NOT NULL,
      month BIGINT NOT NULL,
      key_id TEXT NOT NULL,
      user_id TEXT NOT NULL,
      rule TEXT NOT NULL,
      requests BIGINT NOT NULL,
      billable_requests BIGINT NOT NULL,
      request_bytes BIGINT NOT NULL,
      response_bytes BIGINT NOT NULL,
      duration_us BIGINT NOT NULL,
      PRIMARY KEY (hour, key_id, user_id, rule)
    )`,
    'CREATE INDEX usage_hourly_by_key ON usage_hourly (key_id, hour)',
    'CREATE INDEX usage_hourly_by_user ON usage_hourly (user_id, hour)',
  ],
  keyLife,
  billingTables,
  creditUses,
  podTables,
];
