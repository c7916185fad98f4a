/** What several replicas share through Redis: limits, what they know of guessers, and which keys changed. */
import type { RateLimiter } from '../../checks/rate-limit.ts';
import { createClient, type RedisTarget } from './client.ts';
import { createSharedThrottle, type OwnThrottle, type SharedThrottle } from './failure-throttle.ts';
import { createKeyChanges } from './key-changes.ts';
import { createLink } from './link.ts';
import { createRedisRateLimiter, createRunner } from './rate-limiter.ts';
import { createSharedLimiter, type OwnLimiter } from './shared-limiter.ts';

export type RedisEvents = Readonly<{
  onLost(reason: string): void;
  onBack(): void;
  /** A request was decided by what is counted here alone. */
  onFallback(): void;
}>;

export type RedisOptions = RedisEvents &
  Readonly<{
    target: RedisTarget;
    ownLimiter: OwnLimiter;
    /** Takes the place of `ownLimiter` while Redis is away. */
    severalLimiter: RateLimiter | undefined;
    ownThrottle: OwnThrottle;
    forgetKey(hash: string): void;
    forgetAllKeys(): void;
  }>;

export type SharedThroughRedis = Readonly<{
  limiter: RateLimiter;
  throttle: SharedThrottle;
  spreadKeyChange(hash: string): void;
  /** What is wrong, or undefined. */
  problem(): string | undefined;
  close(): void;
}>;

/** Resolves when the first try to connect has ended; goes on trying where it failed. */
export const openRedis = async (options: RedisOptions): Promise<SharedThroughRedis> => {
  const { target, onLost, onBack } = options;
  const { keyPrefix, timeoutMs } = target;
  const changes = createKeyChanges({
    link: () => link,
    keyPrefix,
    forget: options.forgetKey,
    forgetAll: options.forgetAllKeys,
  });
  const { probe } = createRunner({ keyPrefix });
  const link = createLink({
    create: () => createClient(target),
    async prepare(client) {
      await changes.listen(client);
      await probe(client);
    },
    onUp: changes.catchUp,
    onLost,
    onBack,
  });
  const throttle = createSharedThrottle({ link, keyPrefix, own: options.ownThrottle });
  const limiter = createSharedLimiter({
    redis: createRedisRateLimiter({ link, keyPrefix, timeoutMs }),
    own: options.ownLimiter,
    several: options.severalLimiter,
    onFallback: options.onFallback,
  });
  await link.start();

  return {
    limiter,
    throttle,
    spreadKeyChange: changes.spread,
    problem: link.problem,

    close() {
      throttle.close();
      link.close();
    },
  };
};
