import { rejected, sessionHolder } from '../core/identity.ts';
import type { FoundSession } from '../core/payment.ts';
import { refuse } from '../core/refusal.ts';
import type { Identifier } from '../core/rule.ts';
import { type FailureThrottle, rejectFrom } from './failure-throttle.ts';

export type FindSession = (id: string) => Promise<FoundSession>;

const invalid = refuse('invalid_session', 'The session is unknown, revoked or over.');

/** A session opens the account of the payment that it was given for. One that is over is no guess, and counts against nobody. */
export const createSessionIdentifier =
  (find: FindSession, throttle: FailureThrottle): Identifier =>
  async (request, { value }, intent) => {
    try {
      const found = await find(value);
      switch (found.session) {
        case 'open':
          return { outcome: 'identified', identity: sessionHolder(found.account) };
        case 'closed':
          return rejected(invalid);
        case 'unknown':
          return rejectFrom(throttle, request.clientIp, invalid, intent);
      }
    } catch (cause) {
      const detail = 'Sessions cannot be looked up now. Try again.';
      return rejected(refuse('store_unavailable', detail, { headers: { 'Retry-After': '1' }, cause }));
    }
  };
