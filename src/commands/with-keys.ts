/** Opens API keys for a command: the store itself, whether the service runs or not. */
import { assembleKeys, repeatSecretOf } from '../assemble/keys.ts';
import { redisTarget } from '../assemble/shared.ts';
import type { Config } from '../config/config.ts';
import { showKey } from '../http/admin/key-shapes.ts';
import type { KeyRecord, KeyStore } from '../keys/key-store.ts';
import type { KeyRegistry } from '../keys/registry.ts';
import { type CommandOptions, fail, say } from './load.ts';
import { withStores } from './with-stores.ts';

/** A running service that is not told finds out by itself, when what it remembers of the key is too old. */
const announce = async ({ redis, api_keys }: Config, hashes: readonly string[]): Promise<void> => {
  if (!redis || hashes.length === 0) return;
  const { announceKeyChanges } = await import('../stores/redis/announce.ts');
  const problem = await announceKeyChanges(redisTarget(redis), hashes);
  const seconds = api_keys.cache_max_age / 1000;
  if (problem) fail(`Redis cannot be told (${problem}): it takes up to ${seconds} s until every replica knows`);
};

export type OpenedKeys = Readonly<{ registry: KeyRegistry; config: Config; store: KeyStore }>;

export const withKeys = (options: CommandOptions, run: (keys: OpenedKeys) => Promise<number>): Promise<number> =>
  withStores(options, async ({ keys: store }, config) => {
    const changed: string[] = [];
    const onChange = (hash: string) => changed.push(hash);
    try {
      const registry = assembleKeys(config, store, {
        now: Date.now,
        onChange,
        cacheSize: 1,
        repeatSecret: () => repeatSecretOf(config),
      });
      return await run({ registry, config, store });
    } finally {
      await announce(config, changed);
    }
  });

/** Says what became of a key, or that it is not there, or does not change any more. */
export const tellKey = (
  id: string,
  record: KeyRecord | undefined,
  { json }: CommandOptions,
  sentence: string,
): number => {
  if (!record) {
    fail(`there is no key ${id}`);
    return 1;
  }
  if (record.revokedAt !== undefined) {
    fail(`${id} is revoked, and does not change any more`);
    return 1;
  }
  say(json ? JSON.stringify(showKey(record, Date.now())) : sentence);
  return 0;
};
