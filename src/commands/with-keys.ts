/** Opens API keys for a command: the store itself, whether the service runs or not. */
import { assembleKeys, repeatSecretOf } from '../assemble/keys.ts';
import { redisTarget } from '../assemble/shared.ts';
import { openStores } from '../assemble/stores.ts';
import type { Config } from '../config/config.ts';
import { showKey } from '../http/admin/key-shapes.ts';
import type { KeyRecord, KeyStore } from '../keys/key-store.ts';
import type { KeyRegistry } from '../keys/registry.ts';
import { type CommandOptions, fail, loadToServe, say } from './load.ts';

/** A running service that is not told finds out by itself, when what it remembers of the key is too old. */
const announce = async ({ redis, api_keys }: Config, hashes: readonly string[]): Promise<void> => {
  if (!redis || hashes.length === 0) return;
  const { announceKeyChanges } = await import('../stores/redis/announce.ts');
  const problem = await announceKeyChanges(redisTarget(redis), hashes);
  const seconds = api_keys.cache_max_age / 1000;
  if (problem) fail(`Redis cannot be told (${problem}): it takes up to ${seconds} s until every replica knows`);
};

export type OpenedKeys = Readonly<{ registry: KeyRegistry; config: Config; store: KeyStore }>;

export const withKeys = async (
  options: CommandOptions,
  run: (keys: OpenedKeys) => Promise<number>,
): Promise<number> => {
  const loaded = await loadToServe(options);
  if (!loaded) return 1;
  const { config } = loaded;
  const stores = await openStores(config);
  const changed: string[] = [];
  const onChange = (hash: string) => changed.push(hash);
  try {
    const registry = assembleKeys(config, stores.keys, {
      now: Date.now,
      onChange,
      cacheSize: 1,
      repeatSecret: () => repeatSecretOf(config),
    });
    return await run({ registry, config, store: stores.keys });
  } finally {
    await announce(config, changed);
    await stores.close();
  }
};

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
