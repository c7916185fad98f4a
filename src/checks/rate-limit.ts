import type { Identity, RateLimit } from '../core/identity.ts';
import { perObject } from '../core/per-object.ts';
import { type Refusal, refuse } from '../core/refusal.ts';
import type { AuthRequest } from '../core/request.ts';
import type { Check } from '../core/rule.ts';
import { callerOf } from './caller.ts';

/** One counter: a name and the limit that it keeps. */
export type Counter = Readonly<RateLimit & { key: string }>;

/** The counter that is full, and how long until it has room; of several the one that takes longest. */
export type Full = Readonly<{ counter: Counter; retryAfterMs: number }>;

export type RateLimiter = Readonly<{
  /** Counts one request on every counter, or on none of them where one is full. `count: false` only looks. */
  take(counters: readonly Counter[], count: boolean): Full | undefined | Promise<Full | undefined>;
}>;

const refusalFor = ({ counter, retryAfterMs }: Full): Refusal => {
  const seconds = Math.max(1, Math.ceil(retryAfterMs / 1000));
  const windowSeconds = counter.windowMs / 1000;
  return refuse('rate_limited', `At most ${counter.limit} requests in ${windowSeconds} s. Try again in ${seconds} s.`, {
    headers: {
      'Retry-After': String(seconds),
      RateLimit: `"default";r=0;t=${seconds}`,
      'RateLimit-Policy': `"default";q=${counter.limit};w=${windowSeconds}`,
      'X-RateLimit-Limit': String(counter.limit),
      'X-RateLimit-Remaining': '0',
      'X-RateLimit-Reset': String(seconds),
    },
  });
};

/** A key's own limits hold over all rules together, a rule's limits for each caller of that rule. */
type KeyIdentity = Extract<Identity, { method: 'api_key' }>;

const none: readonly Counter[] = [];

export const createRateLimitCheck = (ruleName: string, limits: readonly RateLimit[], limiter: RateLimiter): Check => {
  const keyCounters = perObject(({ keyId, limits: own }: KeyIdentity): readonly Counter[] =>
    own.map((limit) => ({ ...limit, key: `key:${keyId}:${limit.windowMs}` })),
  );

  const ownCounters = (identity: Identity): readonly Counter[] =>
    identity.method === 'api_key' && identity.limits.length > 0 ? keyCounters(identity) : none;

  const ruleCounters = (request: AuthRequest, identity: Identity): readonly Counter[] => {
    if (limits.length === 0) return [];
    const caller = callerOf(request, identity);
    return limits.map((limit) => ({ ...limit, key: `rule:${ruleName}:${caller}:${limit.windowMs}` }));
  };

  const answer = (full: Full | undefined) => full && refusalFor(full);

  return (request, identity, intent) => {
    const own = ownCounters(identity);
    const counters = limits.length === 0 ? own : [...own, ...ruleCounters(request, identity)];
    if (counters.length === 0) return undefined;
    const full = limiter.take(counters, intent === 'enforce');
    return full instanceof Promise ? full.then(answer) : answer(full);
  };
};
