import type { Headers } from '../core/decision.ts';
import { whenReady } from '../core/eventually.ts';
import type { Identity, RateLimit } from '../core/identity.ts';
import { perObject } from '../core/per-object.ts';
import { type Refusal, refuse } from '../core/refusal.ts';
import type { AuthRequest } from '../core/request.ts';
import type { Check } from '../core/rule.ts';
import { callerOf } from './caller.ts';

/** One counter: a name and the limit that it keeps. */
export type Counter = Readonly<RateLimit & { key: string }>;

/** What became of one request. */
export type Taken = Readonly<{
  /** Whether every counter had room. */
  passed: boolean;
  /** Index of the counter that is told of: the one with the least room; of those that are full, the one that takes longest. */
  at: number;
  /** How many more requests it takes now. */
  remaining: number;
  /** In how many milliseconds it takes more than that. */
  moreAfterMs: number;
}>;

export type RateLimiter = Readonly<{
  /** Counts one request on every counter, or on none of them where one is full. `count: false` only looks. */
  take(counters: readonly Counter[], count: boolean): Taken | Promise<Taken>;
}>;

/** Counters that are asked together, and what is told of their limits. */
type Asked = Readonly<{ counters: readonly Counter[]; policies: readonly string[]; policy: string }>;

const inSeconds = (ms: number): number => Math.max(1, Math.ceil(ms / 1000));

/** `RateLimit` and `RateLimit-Policy` as draft-ietf-httpapi-ratelimit-headers-10 writes them, the others as most APIs do. */
const headersFor = ({ counters, policies, policy }: Asked, { at, remaining, moreAfterMs }: Taken): Headers => {
  const seconds = inSeconds(moreAfterMs);
  return {
    RateLimit: `"${policies[at]}";r=${remaining};t=${seconds}`,
    'RateLimit-Policy': policy,
    'X-RateLimit-Limit': String(counters[at]?.limit),
    'X-RateLimit-Remaining': String(remaining),
    'X-RateLimit-Reset': String(seconds),
  };
};

const refusalFor = (asked: Asked, taken: Taken): Refusal => {
  const { limit = 0, windowMs = 0 } = asked.counters[taken.at] ?? {};
  const seconds = inSeconds(taken.moreAfterMs);
  return refuse('rate_limited', `At most ${limit} requests in ${windowMs / 1000} s. Try again in ${seconds} s.`, {
    headers: { 'Retry-After': String(seconds), ...headersFor(asked, taken) },
  });
};

/** `scope`: whose limits these are. `keyOf` names the counter of a window. */
const ask = (scope: 'key' | 'rule', limits: readonly RateLimit[], keyOf: (windowMs: number) => string): Asked => {
  const policies = limits.map(({ windowMs }) => `${scope}-${inSeconds(windowMs)}s`);
  return {
    counters: limits.map((limit) => ({ ...limit, key: keyOf(limit.windowMs) })),
    policies,
    policy: limits.map(({ limit, windowMs }, at) => `"${policies[at]}";q=${limit};w=${inSeconds(windowMs)}`).join(', '),
  };
};

const together = (one: Asked, other: Asked): Asked => ({
  counters: [...one.counters, ...other.counters],
  policies: [...one.policies, ...other.policies],
  policy: `${one.policy}, ${other.policy}`,
});

type KeyIdentity = Extract<Identity, { method: 'api_key' }>;

/**
 * A key's own limits hold over all rules together, a rule's limits for each caller of that rule. Who passes is told how much
 * is left.
 */
export const createRateLimitCheck = (ruleName: string, limits: readonly RateLimit[], limiter: RateLimiter): Check => {
  const ofKey = perObject(
    ({ keyId, limits: own }: KeyIdentity): Asked => ask('key', own, (windowMs) => `key:${keyId}:${windowMs}`),
  );

  const ofRule = (request: AuthRequest, identity: Identity): Asked => {
    const caller = callerOf(request, identity);
    return ask('rule', limits, (windowMs) => `rule:${ruleName}:${caller}:${windowMs}`);
  };

  const askedOf = (request: AuthRequest, identity: Identity): Asked | undefined => {
    const own = identity.method === 'api_key' && identity.limits.length > 0 ? ofKey(identity) : undefined;
    if (limits.length === 0) return own;
    const ruled = ofRule(request, identity);
    return own ? together(own, ruled) : ruled;
  };

  return (request, identity, intent) => {
    const asked = askedOf(request, identity);
    if (!asked) return undefined;
    return whenReady(limiter.take(asked.counters, intent === 'enforce'), (taken) =>
      taken.passed ? headersFor(asked, taken) : refusalFor(asked, taken),
    );
  };
};
