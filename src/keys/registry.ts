/** Issues, finds and revokes API keys. */
import { LRUCache } from 'lru-cache';
import { generateKey, generateKeyId, hashKey, hintOf, isWellFormed, mayBeKey } from './api-key.ts';
import type { KeyRecord, KeyStore } from './key-store.ts';

export type NewKey = Readonly<{
  userId: string;
  name: string;
  rateLimitPerMinute: number | undefined;
  rateLimitPerDay: number | undefined;
  scopes: readonly string[];
  metadata: Readonly<Record<string, unknown>>;
}>;

export type KeyRegistry = Readonly<{
  /** `key` is in the answer once and nowhere else. */
  create(request: NewKey): Promise<{ key: string; record: KeyRecord }>;
  list(userId: string): Promise<readonly KeyRecord[]>;
  revoke(id: string): Promise<KeyRecord | undefined>;
  /**
   * The record of a key that is valid now; one object for as long as it is cached. A key that was never seen to be valid
   * is looked up only where `mayLookUp` holds.
   */
  find(key: string, mayLookUp?: () => boolean): KeyRecord | undefined | Promise<KeyRecord | undefined>;
  /** Forgets what is cached of a key that another process created or revoked. */
  forget(hash: string): void;
}>;

export type KeyRegistryOptions = Readonly<{
  prefix: string;
  /** How long a change made by another process may stay unseen. */
  maxAgeMs: number;
  cacheSize: number;
  /** In place of `hashKey`, with the same result. */
  digest?: (key: string) => string;
  now: () => number;
  onLookup?: (result: 'hit' | 'miss') => void;
  /** Told of every change made here, for the other processes of this service. */
  onChange?: (hash: string) => void;
}>;

type Entry = Readonly<{ record: KeyRecord; loadedAtMs: number }>;

/** An invented key costs one look-up in this time, not one a request. Kept apart, so that a flood of them evicts no good key. */
const UNKNOWN_MAX_AGE_MS = 1_000;
const UNKNOWN_CACHE_SIZE = 10_000;

export const createKeyRegistry = (store: KeyStore, options: KeyRegistryOptions): KeyRegistry => {
  const { prefix, maxAgeMs, digest = hashKey, now, onLookup, onChange } = options;
  // `max` would take the memory for all of them at the start.
  const valid = new LRUCache<string, Entry>({ maxSize: options.cacheSize, sizeCalculation: () => 1 });
  const unknown = new LRUCache<string, number>({ max: UNKNOWN_CACHE_SIZE });
  /** Counts forgotten entries, so that a look-up that began before a revocation does not bring the old record back. */
  let changes = 0;

  const remember = (hash: string, found: KeyRecord | undefined): KeyRecord | undefined => {
    if (found && found.revokedAt === undefined) {
      valid.set(hash, { record: found, loadedAtMs: now() });
      return found;
    }
    valid.delete(hash);
    unknown.set(hash, now());
    return undefined;
  };

  const lookUp = (hash: string): KeyRecord | undefined | Promise<KeyRecord | undefined> => {
    const changesBefore = changes;
    const found = store.findByHash(hash);
    if (!(found instanceof Promise)) return remember(hash, found);
    return found.then((record) => (changes === changesBefore ? remember(hash, record) : lookUp(hash)));
  };

  const forget = (hash: string): void => {
    changes++;
    valid.delete(hash);
    unknown.delete(hash);
  };

  const changed = (hash: string): void => {
    forget(hash);
    onChange?.(hash);
  };

  /** A clock that went back makes nothing fresh for longer. */
  const isFresh = (sinceMs: number | undefined, maxMs: number): boolean => {
    const ageMs = sinceMs === undefined ? -1 : now() - sinceMs;
    return ageMs >= 0 && ageMs < maxMs;
  };

  return {
    async create(request) {
      const key = generateKey(prefix);
      const record: KeyRecord = {
        ...request,
        id: generateKeyId(),
        hash: hashKey(key),
        hint: hintOf(key, prefix),
        createdAt: now(),
        revokedAt: undefined,
      };
      await store.insert(record);
      changed(record.hash);
      return { key, record };
    },

    list: (userId) => store.listByUser(userId),

    async revoke(id) {
      const record = await store.revoke(id, now());
      if (record) changed(record.hash);
      return record;
    },

    find(key, mayLookUp) {
      if (!mayBeKey(key, prefix)) return undefined;
      const hash = digest(key);
      const entry = valid.get(hash);
      if (entry && isFresh(entry.loadedAtMs, maxAgeMs)) {
        onLookup?.('hit');
        return entry.record;
      }
      if (!isWellFormed(key, prefix) || isFresh(unknown.get(hash), UNKNOWN_MAX_AGE_MS)) return undefined;
      if (!entry && mayLookUp?.() === false) return undefined;
      onLookup?.('miss');
      return lookUp(hash);
    },

    forget,
  };
};
