/** What must hold for more than this process: by Redis, by the primary process of several workers, or in memory. */
import { networkOf } from '../checks/caller.ts';
import type { RateLimiter } from '../checks/rate-limit.ts';
import { parseAddress } from '../config/address.ts';
import type { Config } from '../config/config.ts';
import { Secret } from '../core/secret.ts';
import type { FloodThrottle } from '../identify/failure-throttle.ts';
import type { KeyRegistry } from '../keys/registry.ts';
import { createFailureThrottle } from '../stores/memory/failure-throttle.ts';
import { createMemoryRateLimiter } from '../stores/memory/rate-limiter.ts';
import type { Primary } from '../stores/primary/worker-side.ts';
import type { RedisTarget } from '../stores/redis/client.ts';
import type { RedisEvents } from '../stores/redis/open.ts';

export type Shared = Readonly<{
  limiter: RateLimiter;
  throttle: FloodThrottle;
  /** Tells everybody else of a key that changed here. */
  spreadKeyChange(hash: string): void;
  /** What is wrong with Redis; left out where there is none. */
  redisProblem?: () => string | undefined;
  close(): void;
}>;

export type SharedParts = Readonly<{
  now: () => number;
  primary: Primary | undefined;
  keys: Pick<KeyRegistry, 'forget' | 'forgetAll'>;
  redisEvents(): RedisEvents;
}>;

/** Bad credentials that one address may send in a minute. */
const FAILURES_A_MINUTE = 100;

/** Whoever has one address of IPv6 has the whole network, and would guess from each of them. */
const byNetwork = (throttle: FloodThrottle): FloodThrottle => ({
  isOpen: (source) => throttle.isOpen(networkOf(source)),
  isFlood: (source) => throttle.isFlood(networkOf(source)),
  recordFailure: (source) => throttle.recordFailure(networkOf(source)),
});

export const redisTarget = (redis: NonNullable<Config['redis']>): RedisTarget => {
  const { host = '', port = 0 } = parseAddress(redis.address) ?? {};
  return {
    host,
    port,
    db: redis.db,
    username: redis.username,
    password: redis.password instanceof Secret ? redis.password : undefined,
    tls: redis.tls ? { ca: redis.ca } : undefined,
    keyPrefix: redis.key_prefix,
    timeoutMs: redis.timeout,
  };
};

/** Redis is loaded only where it is configured: without Node's compile cache it costs 60 ms at the start, and 20 MB. */
export const assembleShared = async ({ redis }: Config, parts: SharedParts): Promise<Shared> => {
  const { now, primary, keys, redisEvents } = parts;
  const ownLimiter = createMemoryRateLimiter(now);
  const ownThrottle = createFailureThrottle(FAILURES_A_MINUTE, now);
  primary?.onKeyChange(keys.forget);
  if (!redis) {
    return {
      limiter: primary?.limiter ?? ownLimiter,
      throttle: byNetwork(ownThrottle),
      spreadKeyChange: (hash) => primary?.spreadKeyChange(hash),
      close: () => undefined,
    };
  }
  const { openRedis } = await import('../stores/redis/open.ts');
  const opened = await openRedis({
    ...redisEvents(),
    target: redisTarget(redis),
    ownLimiter,
    severalLimiter: primary?.limiter,
    ownThrottle,
    forgetKey: keys.forget,
    forgetAllKeys: keys.forgetAll,
  });
  return {
    limiter: opened.limiter,
    throttle: byNetwork(opened.throttle),
    redisProblem: opened.problem,
    close: opened.close,

    spreadKeyChange(hash) {
      primary?.spreadKeyChange(hash);
      opened.spreadKeyChange(hash);
    },
  };
};
