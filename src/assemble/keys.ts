/** API keys, for the service and for the command line. */
import { createRateLimitCheck, type RateLimiter } from '../checks/rate-limit.ts';
import type { Config } from '../config/config.ts';
import type { AuthRequest } from '../core/request.ts';
import type { Identifier } from '../core/rule.ts';
import { Secret } from '../core/secret.ts';
import { createApiKeyIdentifier, keyIdentity } from '../identify/api-key.ts';
import type { FloodThrottle } from '../identify/failure-throttle.ts';
import { type CreditCharge, createCreditCharge } from '../keys/credit-charge.ts';
import { keyProblem } from '../keys/key-problem.ts';
import type { KeyStore } from '../keys/key-store.ts';
import { createKeyRegistry, type KeyRegistry, type KeyRegistryOptions } from '../keys/registry.ts';
import { createVerify, type Verify } from '../keys/verify.ts';
import { repeatOf } from '../paywall/repeat.ts';

type Parts = Pick<KeyRegistryOptions, 'digest' | 'now' | 'onLookup' | 'onChange' | 'repeatSecret'> &
  Readonly<{ cacheSize?: number }>;

export const assembleKeys = ({ api_keys }: Pick<Config, 'api_keys'>, store: KeyStore, parts: Parts): KeyRegistry =>
  createKeyRegistry(store, {
    prefix: api_keys.prefix,
    importedForms: api_keys.imported,
    maxAgeMs: api_keys.cache_max_age,
    cacheSize: api_keys.cache_size,
    ...parts,
  });

export const identifyKeys = ({ find }: KeyRegistry, throttle: FloodThrottle, now: () => number): Identifier =>
  createApiKeyIdentifier({ find, problemOf: (record, clientIp) => keyProblem(record, clientIp, now), throttle });

/** What a request of a key with credits costs. */
export const assembleCredits = (
  { api_keys }: Pick<Config, 'api_keys'>,
  store: KeyStore,
  now: () => number,
): CreditCharge => {
  const questionOf = (request: AuthRequest) => repeatOf(request, api_keys.debit_once_within, now()).once;
  return createCreditCharge(store, now, questionOf);
};

/** The limits of a key itself, and whether a credential is good, do not depend on what is asked for. */
export const noRequest: AuthRequest = {
  id: '',
  method: 'GET',
  scheme: 'https',
  host: '',
  path: '/',
  query: '',
  clientIp: '',
  header: () => undefined,
  findHeaderName: () => undefined,
};

export const assembleVerify = (
  { identify }: Pick<KeyRegistry, 'identify'>,
  limiter: RateLimiter,
  chargeKey: CreditCharge,
  now: () => number,
): Verify => {
  const check = createRateLimitCheck('', [], limiter);
  const intentOf = (count: boolean) => (count ? 'enforce' : 'preview');
  return createVerify({
    identify,
    limit: (record, count) => check(noRequest, keyIdentity(record), intentOf(count)),
    charge: (record, count) => chargeKey(keyIdentity(record), intentOf(count)),
    now,
  });
};

/** Limits of new keys that ask for nothing else. */
export const keyDefaultsOf = ({ api_keys }: Pick<Config, 'api_keys'>) => ({
  rateLimitPerMinute: api_keys.rate_limit_per_minute,
  rateLimitPerDay: api_keys.rate_limit_per_day,
});

/** What seals the answers of calls that may be repeated. */
export const repeatSecretOf = ({ admin }: Pick<Config, 'admin'>): Secret | undefined =>
  admin?.token instanceof Secret ? admin.token : undefined;
