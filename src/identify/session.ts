import type { Eventually } from '../core/eventually.ts';
import { type Identification, rejected, sessionHolder } from '../core/identity.ts';
import type { Account, FoundSession } from '../core/payment.ts';
import { perObject } from '../core/per-object.ts';
import { refuse } from '../core/refusal.ts';
import type { Identifier } from '../core/rule.ts';
import { type FailureThrottle, rejectFrom } from './failure-throttle.ts';

/** One session gives one account object for as long as it is recalled. */
export type FindSession = (id: string) => Eventually<FoundSession>;

const invalid = refuse('invalid_session', 'The session is unknown, revoked or over.');

const storeFailed = (cause: unknown): Identification => {
  const detail = 'Sessions cannot be looked up now. Try again.';
  return rejected(refuse('store_unavailable', detail, { headers: { 'Retry-After': '1' }, cause }));
};

/** A session opens the account of the payment that it was given for. One that is over is no guess, and counts against nobody. */
export const createSessionIdentifier = (find: FindSession, throttle: FailureThrottle): Identifier => {
  const acceptHolder = perObject(
    (account: Account): Identification => ({ outcome: 'identified', identity: sessionHolder(account) }),
  );

  return (request, { value }, intent) => {
    const judge = (found: FoundSession): Identification => {
      switch (found.session) {
        case 'open':
          return acceptHolder(found.account);
        case 'closed':
          return rejected(invalid);
        case 'unknown':
          return rejectFrom(throttle, request.clientIp, invalid, intent);
      }
    };
    const found = find(value);
    return found instanceof Promise ? found.then(judge, storeFailed) : judge(found);
  };
};
