import { payer, rejected } from '../core/identity.ts';
import type { CashuToken } from '../core/payment.ts';
import { isRefusal, type Refusal, refuse } from '../core/refusal.ts';
import type { Identifier } from '../core/rule.ts';
import { type FailureThrottle, rejectFrom } from './failure-throttle.ts';

export type ReadToken = (text: string) => Promise<CashuToken | Refusal>;

/** Says what a token is worth on its face. Whether it is spent is for the charge to find out. */
export const createCashuIdentifier =
  (read: ReadToken, throttle: FailureThrottle): Identifier =>
  async (request, { value }, intent) => {
    try {
      const token = await read(value);
      if (isRefusal(token)) return rejectFrom(throttle, request.clientIp, token, intent);
      return { outcome: 'identified', identity: payer(token) };
    } catch (cause) {
      const detail = 'The mint cannot be reached. The token was not touched: send it again.';
      return rejected(refuse('payment_uncertain', detail, { headers: { 'Retry-After': '5' }, cause }));
    }
  };
