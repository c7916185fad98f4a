/** `sallyport keys`: works on the store itself, whether the service runs or not. */
import { redisTarget } from '../assemble-shared.ts';
import { openStores } from '../assemble-stores.ts';
import type { Config } from '../config/config.ts';
import { showKey } from '../http/admin/key-shapes.ts';
import { createKeyRegistry, type KeyRegistry } from '../keys/registry.ts';
import { type CommandOptions, fail, loadToServe, say } from './load.ts';

type CreateOptions = CommandOptions &
  Readonly<{ user?: string; name?: string; perMinute?: string; perDay?: string; scope?: string[] }>;

const openRegistry = async (config: Config): Promise<{ registry: KeyRegistry; close(): Promise<void> }> => {
  const stores = await openStores(config);
  const { prefix, cache_max_age: maxAgeMs } = config.api_keys;
  const changed: string[] = [];
  const onChange = (hash: string) => changed.push(hash);
  return {
    registry: createKeyRegistry(stores.keys, { prefix, maxAgeMs, cacheSize: 1, now: Date.now, onChange }),

    async close() {
      await announce(config, changed);
      await stores.close();
    },
  };
};

/** A running service that is not told finds out by itself, when what it remembers of the key is too old. */
const announce = async ({ redis, api_keys }: Config, hashes: readonly string[]): Promise<void> => {
  if (!redis || hashes.length === 0) return;
  const { announceKeyChanges } = await import('../stores/redis/announce.ts');
  const problem = await announceKeyChanges(redisTarget(redis), hashes);
  const seconds = api_keys.cache_max_age / 1000;
  if (problem) fail(`Redis cannot be told (${problem}): it takes up to ${seconds} s until every replica knows`);
};

const withRegistry = async (
  options: CommandOptions,
  run: (registry: KeyRegistry, config: Config) => Promise<number>,
): Promise<number> => {
  const loaded = loadToServe(options);
  if (!loaded) return 1;
  const { registry, close } = await openRegistry(loaded.config);
  try {
    return await run(registry, loaded.config);
  } finally {
    await close();
  }
};

/** A positive number, `none`, or nothing; NaN for anything else. */
const readLimit = (text: string | undefined, byDefault: number): number | undefined => {
  if (text === undefined) return byDefault;
  if (text === 'none') return undefined;
  return /^[1-9]\d{0,8}$/.test(text) ? Number(text) : Number.NaN;
};

export const createKey = (options: CreateOptions): Promise<number> =>
  withRegistry(options, async (registry, { api_keys }) => {
    const { user = '', name = '', scope = [], json } = options;
    const rateLimitPerMinute = readLimit(options.perMinute, api_keys.rate_limit_per_minute);
    const rateLimitPerDay = readLimit(options.perDay, api_keys.rate_limit_per_day);
    if (Number.isNaN(rateLimitPerMinute) || Number.isNaN(rateLimitPerDay)) {
      fail('--per-minute and --per-day take a number from 1, or "none"');
      return 2;
    }
    if ([user, name].some((text) => text === '' || /\p{Cc}/u.test(text))) {
      fail('--user and --name take printable text');
      return 2;
    }
    const rest = { metadata: {}, allowedIps: [], customerId: undefined, credits: undefined, expiresAt: undefined };
    const request = { userId: user, name, rateLimitPerMinute, rateLimitPerDay, scopes: scope, ...rest };
    const made = await registry.create(request);
    if (made.made !== 'first') throw new Error('a call that cannot be repeated was');
    const { key, record } = made;
    say(
      json
        ? JSON.stringify({ ...showKey(record, Date.now()), key })
        : `${key}\n\nThis is ${record.id} of ${user}. It is shown once: keep it now.`,
    );
    return 0;
  });

export const listKeys = (user: string, options: CommandOptions): Promise<number> =>
  withRegistry(options, async (registry) => {
    const page = await registry.list({ userId: user, after: undefined, limit: 1_000_000 });
    const records = page.records.map((record) => showKey(record, Date.now()));
    if (options.json) {
      say(JSON.stringify({ keys: records }));
      return 0;
    }
    for (const { id, hint, name, created_at, revoked_at } of records) {
      say(`${id}  ${hint.padEnd(10)} ${revoked_at ? 'revoked' : 'active '}  ${created_at.slice(0, 10)}  ${name}`);
    }
    if (records.length === 0) fail(`${user} has no keys`);
    return 0;
  });

export const revokeKey = (id: string, options: CommandOptions): Promise<number> =>
  withRegistry(options, async (registry, { api_keys }) => {
    const record = await registry.revoke(id);
    if (!record) {
      fail(`there is no key ${id}`);
      return 1;
    }
    const seconds = api_keys.cache_max_age / 1000;
    say(
      options.json
        ? JSON.stringify(showKey(record, Date.now()))
        : `${id} is revoked; a running service refuses it within ${seconds} s`,
    );
    return 0;
  });
