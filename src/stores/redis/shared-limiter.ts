/**
 * Limits that hold for all replicas while Redis answers, and for each of them alone while it does not.
 *
 * This process always counts as well what it lets through itself. So it never lets more through in a window than the limit,
 * whatever becomes of Redis: what was let through while Redis was away stays counted when it is back, without its data or
 * with them, and who was let through before is known when it goes. Nobody waits for Redis to be told what is known here.
 */
import type { Counter, RateLimiter, Taken } from '../../checks/rate-limit.ts';
import type { RedisRateLimiter } from './rate-limiter.ts';

export type OwnLimiter = Readonly<{ take(counters: readonly Counter[], count: boolean): Taken }>;

export type SharedLimiterOptions = Readonly<{
  redis: RedisRateLimiter;
  /** Of this process. */
  own: OwnLimiter;
  /** In place of `own` while Redis is away: of several processes together. */
  several?: RateLimiter | undefined;
  /** Told of each request that was decided without Redis. */
  onFallback(): void;
}>;

export const createSharedLimiter = ({ redis, own, several, onFallback }: SharedLimiterOptions): RateLimiter => {
  const countHere = (counters: readonly Counter[], count: boolean, taken: Taken): Taken => {
    const here = count && taken.passed ? own.take(counters, true) : taken;
    return here.passed ? taken : here;
  };

  const fallBack = (counters: readonly Counter[], count: boolean): Taken | Promise<Taken> => {
    onFallback();
    if (!several) return own.take(counters, count);
    return Promise.resolve(several.take(counters, count)).then((taken) => countHere(counters, count, taken));
  };

  return {
    take(counters, count) {
      const here = own.take(counters, false);
      if (!here.passed) return here;
      const asked = redis.take(counters, count);
      if (!asked) return fallBack(counters, count);
      return asked.then(
        (taken) => countHere(counters, count, taken),
        () => fallBack(counters, count),
      );
    },
  };
};
