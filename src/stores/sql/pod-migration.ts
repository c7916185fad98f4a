/** Pods that were paid for, and places that are kept for payments which are to buy one. */
export const podTables: readonly string[] = [
  // Set where a settled payment's token was counted towards a pod: it never extends one again.
  'ALTER TABLE payments ADD COLUMN applied_at BIGINT',
  `CREATE TABLE pods (
    name TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES payments (id),
    rule TEXT NOT NULL,
    template TEXT NOT NULL,
    amount BIGINT NOT NULL CHECK (amount > 0),
    unit TEXT NOT NULL,
    paid BIGINT NOT NULL CHECK (paid >= amount),
    lasts_ms BIGINT NOT NULL CHECK (lasts_ms > 0),
    bought_ms BIGINT NOT NULL CHECK (bought_ms >= lasts_ms),
    runs_ms BIGINT NOT NULL CHECK (runs_ms >= 0),
    stage TEXT NOT NULL CHECK (stage IN ('wanted', 'created', 'ready')),
    wanted_at BIGINT NOT NULL,
    created_at BIGINT,
    ready_at BIGINT,
    expires_at BIGINT,
    ip TEXT,
    ending TEXT CHECK (ending IN ('expired', 'deleted', 'given_back')),
    ended_at BIGINT
  )`,
  'CREATE INDEX pods_by_account ON pods (account_id, rule)',
  'CREATE INDEX pods_alive ON pods (expires_at) WHERE ended_at IS NULL',
  `CREATE INDEX pods_wanted ON pods (wanted_at) WHERE ended_at IS NULL AND stage = 'wanted'`,
  'CREATE INDEX pods_ended ON pods (ended_at) WHERE ended_at IS NOT NULL',
  `CREATE TABLE pod_places (
    payment_id TEXT PRIMARY KEY REFERENCES payments (id),
    account_id TEXT NOT NULL REFERENCES payments (id),
    rule TEXT NOT NULL,
    extends_pod BIGINT NOT NULL CHECK (extends_pod IN (0, 1)),
    time_ms BIGINT NOT NULL
  )`,
  'CREATE INDEX pod_places_by_account ON pod_places (account_id, rule)',
  // Its one row is locked by whoever counts pods in order to add one.
  'CREATE TABLE pod_room (id BIGINT PRIMARY KEY)',
  'INSERT INTO pod_room (id) VALUES (1)',
];
