/** API keys, for the service and for the command line. */
import type { Config } from './config/config.ts';
import type { Identifier } from './core/rule.ts';
import { Secret } from './core/secret.ts';
import { createApiKeyIdentifier } from './identify/api-key.ts';
import type { FloodThrottle } from './identify/failure-throttle.ts';
import { keyProblem } from './keys/key-problem.ts';
import type { KeyStore } from './keys/key-store.ts';
import { createKeyRegistry, type KeyRegistry, type KeyRegistryOptions } from './keys/registry.ts';

type Parts = Pick<KeyRegistryOptions, 'digest' | 'now' | 'onLookup' | 'onChange'> & Readonly<{ cacheSize?: number }>;

export const assembleKeys = (
  { api_keys, admin }: Pick<Config, 'api_keys' | 'admin'>,
  store: KeyStore,
  parts: Parts,
): KeyRegistry =>
  createKeyRegistry(store, {
    prefix: api_keys.prefix,
    maxAgeMs: api_keys.cache_max_age,
    cacheSize: api_keys.cache_size,
    repeatSecret: admin?.token instanceof Secret ? admin.token : undefined,
    ...parts,
  });

export const identifyKeys = ({ find }: KeyRegistry, throttle: FloodThrottle, now: () => number): Identifier =>
  createApiKeyIdentifier({ find, problemOf: (record, clientIp) => keyProblem(record, clientIp, now), throttle });

/** Limits of new keys that ask for nothing else. */
export const keyDefaultsOf = ({ api_keys }: Pick<Config, 'api_keys'>) => ({
  rateLimitPerMinute: api_keys.rate_limit_per_minute,
  rateLimitPerDay: api_keys.rate_limit_per_day,
});
