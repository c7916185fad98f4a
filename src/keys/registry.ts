/** Issues, finds, changes and revokes API keys. */
import type { Secret } from '../core/secret.ts';
import { generateKey, generateKeyId, hashKey, hintOf } from './api-key.ts';
import { type CreditGrant, grantCredits } from './credits.ts';
import { createKeyCache, type KeyCache, type KeyCacheOptions } from './key-cache.ts';
import type {
  ChangedKey,
  Imported,
  KeyChanges,
  KeyPosition,
  KeyQuery,
  KeyRecord,
  KeyStore,
  MadeBefore,
} from './key-store.ts';
import { createRepeats, type Repeatable } from './once.ts';

export type NewKey = Readonly<
  Pick<
    KeyRecord,
    | 'userId'
    | 'name'
    | 'rateLimitPerMinute'
    | 'rateLimitPerDay'
    | 'scopes'
    | 'metadata'
    | 'allowedIps'
    | 'customerId'
    | 'expiresAt'
  > & { credits: CreditGrant | undefined }
>;

/** A key that was made elsewhere, by its hash. */
export type ForeignKey = NewKey & Readonly<Pick<KeyRecord, 'hash' | 'hint'>>;

/** What is left out stays. */
export type KeyUpdate = Readonly<Omit<KeyChanges, 'disabledAt' | 'credits'> & { credits?: CreditGrant | 'none' }>;

/** `hidden`: made before by the same call, and its key cannot be shown again. `other`: made before by another call. */
export type Made =
  | Readonly<{ made: 'first' | 'again'; key: string; record: KeyRecord }>
  | Readonly<{ made: 'hidden' | 'other' | 'revoked'; record: KeyRecord }>;

export type KeyPage = Readonly<{ records: readonly KeyRecord[]; next: KeyPosition | undefined }>;

export type KeyRegistry = KeyCache &
  Readonly<{
    /** `key` is in the answer once and nowhere else. With `repeatable` the same call makes one key, however often it comes. */
    create(request: NewKey, repeatable?: Repeatable): Promise<Made>;
    list(query: KeyQuery): Promise<KeyPage>;
    get(id: string): Promise<KeyRecord | undefined>;
    /** These give the record as it is afterwards; one that is revoked stays as it was. */
    update(id: string, changes: KeyUpdate): Promise<KeyRecord | undefined>;
    setDisabled(id: string, isDisabled: boolean): Promise<KeyRecord | undefined>;
    /** A new secret for the same key; the one it replaces opens for `overlapMs` more. */
    rotate(id: string, overlapMs: number, repeatable?: Repeatable): Promise<Made | undefined>;
    revoke(id: string): Promise<KeyRecord | undefined>;
    importAll(keys: readonly ForeignKey[]): Promise<readonly Imported[]>;
  }>;

export type KeyRegistryOptions = KeyCacheOptions &
  Readonly<{
    /** Told of every change made here, for the other processes of this service. */
    onChange?: (hash: string) => void;
    /** Seals what a repeated call is answered; asked each time, for a reload may change it. */
    repeatSecret?: () => Secret | undefined;
  }>;

const untouched = { disabledAt: undefined, revokedAt: undefined, replacedUntil: undefined };

export const createKeyRegistry = (store: KeyStore, options: KeyRegistryOptions): KeyRegistry => {
  const { prefix, now, onChange } = options;
  const cache = createKeyCache(store, options);
  const repeats = () => createRepeats(options.repeatSecret?.(), now);

  const changed = (hashes: readonly string[]): void => {
    for (const hash of hashes) {
      cache.forget(hash);
      onChange?.(hash);
    }
  };

  const told = (change: ChangedKey | undefined): KeyRecord | undefined => {
    if (change) changed(change.hashes);
    return change?.record;
  };

  const toRecord = (request: NewKey, hash: string, hint: string): KeyRecord => {
    const { credits, ...rest } = request;
    const createdAt = now();
    const granted = credits && grantCredits(credits, createdAt);
    return { ...rest, ...untouched, id: generateKeyId(), hash, hint, credits: granted, createdAt };
  };

  const creditChange = (credits: KeyUpdate['credits']): Pick<KeyChanges, 'credits'> => {
    if (credits === undefined) return {};
    return { credits: credits === 'none' ? undefined : grantCredits(credits, now()) };
  };

  const recall = async (repeatable: Repeatable | undefined, before: MadeBefore): Promise<Made> => {
    const record = await store.find(before.keyId);
    if (!repeatable || !record) throw new Error('what was made before is not there any more');
    const recalled = repeats().recall(repeatable, before);
    if (recalled.recalled !== 'key') return { made: recalled.recalled, record };
    const isNewest = hashKey(recalled.key) === record.hash;
    return isNewest ? { made: 'again', key: recalled.key, record } : { made: 'hidden', record };
  };

  return {
    ...cache,

    async create(request, repeatable) {
      const key = generateKey(prefix);
      const record = toRecord(request, hashKey(key), hintOf(key, prefix));
      const before = await store.insert(record, repeatable && repeats().toOnce(repeatable, key));
      if (before) return recall(repeatable, before);
      changed([record.hash]);
      return { made: 'first', key, record };
    },

    async list({ limit, ...query }) {
      const records = await store.list({ ...query, limit: limit + 1 });
      const page = records.slice(0, limit);
      return { records: page, next: records.length > limit ? page.at(-1) : undefined };
    },

    get: (id) => store.find(id),

    async update(id, { credits, ...changes }) {
      return told(await store.update(id, { ...changes, ...creditChange(credits) }));
    },

    async setDisabled(id, isDisabled) {
      return told(await store.update(id, { disabledAt: isDisabled ? now() : undefined }));
    },

    async rotate(id, overlapMs, repeatable) {
      const key = generateKey(prefix);
      const secret = { hash: hashKey(key), hint: hintOf(key, prefix), replacedUntil: now() + overlapMs };
      const rotated = await store.rotate(id, secret, repeatable && repeats().toOnce(repeatable, key));
      if (rotated && 'sealedKey' in rotated) return recall(repeatable, rotated);
      const record = told(rotated);
      if (!record) return undefined;
      return record.revokedAt === undefined ? { made: 'first', key, record } : { made: 'revoked', record };
    },

    revoke: async (id) => told(await store.revoke(id, now())),

    async importAll(keys) {
      const records = keys.map(({ hash, hint, ...request }) => toRecord(request, hash, hint));
      const imported = await store.importAll(records);
      // Others forget within a second that they did not know them.
      for (const { hash } of records) cache.forget(hash);
      return imported;
    },
  };
};
