/** Requests that callers without a credential have for nothing, before a price is asked. */
import { whenReady } from '../core/eventually.ts';
import { anonymous, type RateLimit } from '../core/identity.ts';
import type { Allowance } from '../core/rule.ts';
import { callerOf } from './caller.ts';
import type { RateLimiter } from './rate-limit.ts';

/** Counted by address. A caller whose address is not known has none: else all of them would share one count. */
export const createAllowance =
  (ruleName: string, limit: RateLimit, limiter: RateLimiter): Allowance =>
  (request, intent) => {
    if (request.clientIp === '') return false;
    const counter = { ...limit, key: `free:${ruleName}:${callerOf(request, anonymous)}` };
    return whenReady(limiter.take([counter], intent === 'enforce'), ({ passed }) => passed);
  };
