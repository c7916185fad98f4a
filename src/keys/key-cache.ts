/** Finds the record of a key: cheap rejection by form first, then a bounded cache, then the store. */
import { LRUCache } from 'lru-cache';
import { hashKey } from './api-key.ts';
import { createKeyForms, type ImportedForm } from './key-form.ts';
import type { KeyRecord, KeyStore } from './key-store.ts';

export type KeyCacheOptions = Readonly<{
  prefix: string;
  /** Forms of keys that were made elsewhere. */
  importedForms?: readonly ImportedForm[];
  /** How long a change made by another process may stay unseen. */
  maxAgeMs: number;
  cacheSize: number;
  /** In place of `hashKey`, with the same result. */
  digest?: (key: string) => string;
  now: () => number;
  onLookup?: (result: 'hit' | 'miss') => void;
}>;

export type KeyCache = Readonly<{
  /**
   * The record of a key that is not revoked; one object for as long as it is cached. Whether it may be used now is for
   * `keyProblem` to say. A key that was never seen to be there is looked up only where `mayLookUp` holds.
   */
  find(key: string, mayLookUp?: () => boolean): KeyRecord | undefined | Promise<KeyRecord | undefined>;
  /** The record as the store has it at this moment, revoked or not. */
  identify(key: string): Promise<KeyRecord | undefined>;
  /** Forgets what is cached of a key that another process created or changed. */
  forget(hash: string): void;
  /** For whoever may have missed that others changed something. */
  forgetAll(): void;
}>;

/** `era`: one that is over is looked up again, and was seen to be good all the same. */
type Entry = Readonly<{ record: KeyRecord; loadedAtMs: number; era: number }>;

/** An invented key costs one look-up in this time, not one a request. Kept apart, so that a flood of them evicts no good key. */
const UNKNOWN_MAX_AGE_MS = 1_000;
const UNKNOWN_CACHE_SIZE = 10_000;

export const createKeyCache = (store: Pick<KeyStore, 'findByHash'>, options: KeyCacheOptions): KeyCache => {
  const { maxAgeMs, digest = hashKey, now, onLookup } = options;
  const { mayBeKey, isPlausible } = createKeyForms(options.prefix, options.importedForms ?? []);
  // `max` would take the memory for all of them at the start.
  const valid = new LRUCache<string, Entry>({ maxSize: options.cacheSize, sizeCalculation: () => 1 });
  const unknown = new LRUCache<string, number>({ max: UNKNOWN_CACHE_SIZE });
  /** One that is taken out gives an answer of before a change: it is asked for again, and brings no old record back. */
  const underWay = new Map<string, Promise<KeyRecord | undefined>>();
  let era = 0;

  /** `sinceMs`: when the store was asked. What it answers may be as old as that. */
  const remember = (hash: string, found: KeyRecord | undefined, sinceMs: number): KeyRecord | undefined => {
    if (found && found.revokedAt === undefined) {
      valid.set(hash, { record: found, loadedAtMs: sinceMs, era });
      return found;
    }
    valid.delete(hash);
    unknown.set(hash, sinceMs);
    return undefined;
  };

  const lookUp = (hash: string): KeyRecord | undefined | Promise<KeyRecord | undefined> => {
    const before = underWay.get(hash);
    if (before !== undefined) return before;
    const sinceMs = now();
    const found = store.findByHash(hash);
    if (!(found instanceof Promise)) return remember(hash, found, sinceMs);
    const isCurrent = (): boolean => underWay.get(hash) === answer;
    const answer: Promise<KeyRecord | undefined> = found.then(
      (record) => {
        if (!isCurrent()) return lookUp(hash);
        underWay.delete(hash);
        return remember(hash, record, sinceMs);
      },
      (error: unknown) => {
        if (isCurrent()) underWay.delete(hash);
        throw error;
      },
    );
    underWay.set(hash, answer);
    return answer;
  };

  /** A clock that went back makes nothing fresh for longer. */
  const isFresh = (sinceMs: number | undefined, maxMs: number): boolean => {
    const ageMs = sinceMs === undefined ? -1 : now() - sinceMs;
    return ageMs >= 0 && ageMs < maxMs;
  };

  return {
    find(key, mayLookUp) {
      if (!mayBeKey(key)) return undefined;
      const hash = digest(key);
      const entry = valid.get(hash);
      if (entry?.era === era && isFresh(entry.loadedAtMs, maxAgeMs)) {
        onLookup?.('hit');
        return entry.record;
      }
      if (!isPlausible(key) || isFresh(unknown.get(hash), UNKNOWN_MAX_AGE_MS)) return undefined;
      if (!entry && mayLookUp?.() === false) return undefined;
      onLookup?.('miss');
      return lookUp(hash);
    },

    identify: async (key) => (isPlausible(key) ? store.findByHash(hashKey(key)) : undefined),

    forget(hash) {
      underWay.delete(hash);
      valid.delete(hash);
      unknown.delete(hash);
    },

    forgetAll() {
      underWay.clear();
      era++;
      unknown.clear();
    },
  };
};
