import type { Headers } from '../core/decision.ts';
import { type Eventually, whenReady } from '../core/eventually.ts';
import type { KeyIdentity, RateLimit } from '../core/identity.ts';
import { perObject } from '../core/per-object.ts';
import { isRefusal, type Refusal, refuse } from '../core/refusal.ts';
import type { Check, Intent, Passed } from '../core/rule.ts';
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

/** Whose limits these are. */
type Scope = 'key' | 'rule' | 'target';

/** `keyOf` names the counter of a window. */
const ask = (scope: Scope, limits: readonly RateLimit[], keyOf: (windowMs: number) => string): Asked => {
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

export type CallerLimit = (
  caller: string,
  key: KeyIdentity | undefined,
  intent: Intent,
) => Eventually<Refusal | Headers | undefined>;

/**
 * A key's own limits hold over everything together, these limits for each caller of one rule or target. Who passes is told how
 * much is left.
 */
export const createCallerLimit = (
  scope: Exclude<Scope, 'key'>,
  name: string,
  limits: readonly RateLimit[],
  limiter: RateLimiter,
): CallerLimit => {
  const ofKey = perObject(
    ({ keyId, limits: own }: KeyIdentity): Asked => ask('key', own, (windowMs) => `key:${keyId}:${windowMs}`),
  );

  const askedOf = (caller: string, key: KeyIdentity | undefined): Asked | undefined => {
    const own = key && key.limits.length > 0 ? ofKey(key) : undefined;
    if (limits.length === 0) return own;
    const ruled = ask(scope, limits, (windowMs) => `${scope}:${name}:${caller}:${windowMs}`);
    return own ? together(own, ruled) : ruled;
  };

  return (caller, key, intent) => {
    const asked = askedOf(caller, key);
    if (!asked) return undefined;
    return whenReady(limiter.take(asked.counters, intent === 'enforce'), (taken) =>
      taken.passed ? headersFor(asked, taken) : refusalFor(asked, taken),
    );
  };
};

export const createRateLimitCheck = (ruleName: string, limits: readonly RateLimit[], limiter: RateLimiter): Check => {
  const limit = createCallerLimit('rule', ruleName, limits, limiter);
  const check: Check = (request, identity, intent) =>
    whenReady(
      limit(
        limits.length === 0 ? '' : callerOf(request, identity),
        identity.method === 'api_key' ? identity : undefined,
        intent,
      ),
      (told): Refusal | Passed | undefined => (told === undefined || isRefusal(told) ? told : { headers: told }),
    );
  return Object.assign(check, { label: 'limits' });
};
