/**
 * Who is billed, and what: sums of windows that are open, and the events that tell of closed ones. In SQLite, `customers` is
 * used in the file of the keys, the others in that of usage.
 */
export const billingTables: readonly string[] = [
  `CREATE TABLE customers (
    user_id TEXT PRIMARY KEY,
    customer TEXT NOT NULL,
    updated_at BIGINT NOT NULL
  )`,
  `CREATE TABLE billing_sums (
    customer TEXT NOT NULL,
    meter TEXT NOT NULL,
    window_start BIGINT NOT NULL,
    window_ms BIGINT NOT NULL,
    is_dry BIGINT NOT NULL,
    value BIGINT NOT NULL CHECK (value > 0),
    last_at BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    PRIMARY KEY (customer, meter, window_start, window_ms, is_dry)
  )`,
  'CREATE INDEX billing_sums_by_time ON billing_sums (due_at)',
  `CREATE TABLE billing_events (
    id TEXT PRIMARY KEY,
    customer TEXT NOT NULL,
    meter TEXT NOT NULL,
    window_start BIGINT NOT NULL,
    window_ms BIGINT NOT NULL,
    sequence BIGINT NOT NULL,
    value BIGINT NOT NULL CHECK (value > 0),
    at_ms BIGINT NOT NULL,
    payer TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'sent', 'reconcile', 'dropped', 'dry')),
    tries BIGINT NOT NULL,
    answers BIGINT NOT NULL,
    next_at BIGINT NOT NULL,
    first_sent_at BIGINT,
    sending_until BIGINT NOT NULL,
    reason TEXT,
    detail TEXT,
    resolution TEXT,
    created_at BIGINT NOT NULL,
    concluded_at BIGINT
  )`,
  `CREATE INDEX billing_events_open ON billing_events (state, next_at) WHERE state IN ('waiting', 'reconcile')`,
  'CREATE UNIQUE INDEX billing_events_by_window ON billing_events (customer, meter, window_start, window_ms, sequence)',
  'CREATE INDEX billing_events_by_end ON billing_events (state, concluded_at)',
  `CREATE TABLE billing_sender (
    id BIGINT PRIMARY KEY,
    installation TEXT NOT NULL,
    lease_holder TEXT,
    lease_until BIGINT NOT NULL,
    failures BIGINT NOT NULL,
    problem TEXT,
    problem_since BIGINT,
    last_error TEXT,
    last_error_at BIGINT,
    last_sent_at BIGINT
  )`,
];
