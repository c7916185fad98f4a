import type { Eventually } from '../core/eventually.ts';

/** Fills up to `amount` again, every `intervalMs`; what is left above it stays. `nextAt` is the next time. */
export type Refill = Readonly<{ amount: number; intervalMs: number; nextAt: number }>;

/** Requests that a key has left, as of the moment it was read. Without `refill` they are used up once. */
export type Credits = Readonly<{ remaining: number; refill: Refill | undefined }>;

/** What is kept of an API key. Never the key itself. Times are epoch milliseconds. */
export type KeyRecord = Readonly<{
  id: string;
  /** SHA-256 of the newest secret, lower-case hexadecimal. */
  hash: string;
  hint: string;
  userId: string;
  name: string;
  rateLimitPerMinute: number | undefined;
  rateLimitPerDay: number | undefined;
  scopes: readonly string[];
  metadata: Readonly<Record<string, unknown>>;
  /** CIDR ranges in canonical form; with none, every address may use the key. */
  allowedIps: readonly string[];
  /** Who is billed: the customer's id at Stripe. */
  customerId: string | undefined;
  /** Undefined where requests are not counted down. */
  credits: Credits | undefined;
  createdAt: number;
  expiresAt: number | undefined;
  disabledAt: number | undefined;
  revokedAt: number | undefined;
  /** Where the record was found by a secret that a rotation has replaced: until when that one opens. */
  replacedUntil: number | undefined;
}>;

/** What can be changed of a key; what is left out stays, and undefined takes it away. */
export type KeyChanges = Readonly<
  Partial<
    Pick<
      KeyRecord,
      | 'name'
      | 'rateLimitPerMinute'
      | 'rateLimitPerDay'
      | 'scopes'
      | 'metadata'
      | 'allowedIps'
      | 'customerId'
      | 'credits'
      | 'expiresAt'
      | 'disabledAt'
    >
  >
>;

/** A key as it is after a change, and the hash of every secret that opens it, or did. */
export type ChangedKey = Readonly<{ record: KeyRecord; hashes: readonly string[] }>;

/**
 * Makes a call that brings a new secret safe to repeat. `idHash` is the SHA-256 of its Idempotency-Key, `requestHash` of what
 * was asked for. The secret is kept sealed, for a caller who did not hear the answer, until `expiresAt`.
 */
export type Once = Readonly<{
  idHash: string;
  requestHash: string;
  sealedKey: string;
  nowMs: number;
  expiresAt: number;
}>;

/** What the first call of the same Idempotency-Key has made. */
export type MadeBefore = Readonly<{ keyId: string; requestHash: string; sealedKey: string }>;

/** A secret that takes the place of the newest one, which opens until `replacedUntil`. */
export type NewSecret = Readonly<{ hash: string; hint: string; replacedUntil: number }>;

/** Where a list goes on: behind this key. */
export type KeyPosition = Readonly<Pick<KeyRecord, 'createdAt' | 'id'>>;

export type KeyQuery = Readonly<{ userId: string | undefined; after: KeyPosition | undefined; limit: number }>;

/** `exists`: a key of this hash was there, and stays as it is. */
export type Imported = Readonly<{ id: string; outcome: 'imported' | 'exists' }>;

/** `retryAt`: when there will be credits again. */
export type CreditTaken =
  | Readonly<{ taken: true; remaining: number }>
  | Readonly<{ taken: false; retryAt: number | undefined }>;

/** What makes two questions of a proxy one request, which takes one credit until `untilMs`. */
export type Question = Readonly<{ key: string; untilMs: number }>;

/** Errors of a store that does not answer are thrown. Records that are revoked are not changed any more. */
export type KeyStore = Readonly<{
  /** Gives what was made before where `once` has been used; nothing is inserted then. */
  insert(record: KeyRecord, once?: Once): Promise<MadeBefore | undefined>;
  /** May answer at once where the store is in the process. Finds by replaced secrets too, for good. */
  findByHash(hash: string): KeyRecord | undefined | Promise<KeyRecord | undefined>;
  find(id: string): Promise<KeyRecord | undefined>;
  /** Newest first, revoked ones included. */
  list(query: KeyQuery): Promise<readonly KeyRecord[]>;
  update(id: string, changes: KeyChanges): Promise<ChangedKey | undefined>;
  rotate(id: string, secret: NewSecret, once?: Once): Promise<ChangedKey | MadeBefore | undefined>;
  /** Keeps the row as a tombstone. Gives the record as it is afterwards, or undefined where there is none. */
  revoke(id: string, atMs: number): Promise<ChangedKey | undefined>;
  /** All or none, in the order given. */
  importAll(records: readonly KeyRecord[]): Promise<readonly Imported[]>;
  /**
   * Takes one of a key's credits, after filling up where that is due; none for a question that has taken one. Undefined where
   * its requests are not counted.
   */
  takeCredit(id: string, nowMs: number, question?: Question): Promise<CreditTaken | undefined>;
  /** Whether this question has taken a credit, and has not run out. May answer at once. */
  hasTakenCredit(id: string, question: Question, nowMs: number): Eventually<boolean>;
}>;
