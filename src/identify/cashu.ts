import type { Eventually } from '../core/eventually.ts';
import { type Identification, payer, rejected } from '../core/identity.ts';
import type { CashuToken } from '../core/payment.ts';
import { perObject } from '../core/per-object.ts';
import { isRefusal, type Refusal, refuse } from '../core/refusal.ts';
import type { Identifier } from '../core/rule.ts';
import { type FailureThrottle, rejectFrom } from './failure-throttle.ts';

/** One text gives one object for as long as it is remembered. */
export type ReadToken = (text: string) => Eventually<CashuToken | Refusal>;

const mintFailed = (cause: unknown): Identification => {
  const detail = 'The mint cannot be reached. The token was not touched: send it again.';
  return rejected(refuse('payment_uncertain', detail, { headers: { 'Retry-After': '5' }, cause }));
};

/** Says what a token is worth on its face. Whether it is spent is for the charge to find out. */
export const createCashuIdentifier = (read: ReadToken, throttle: FailureThrottle): Identifier => {
  const acceptPayer = perObject(
    (token: CashuToken): Identification => ({ outcome: 'identified', identity: payer(token) }),
  );

  return (request, { value }, intent) => {
    const judge = (token: CashuToken | Refusal): Identification =>
      isRefusal(token) ? rejectFrom(throttle, request.clientIp, token, intent) : acceptPayer(token);
    const token = read(value);
    return token instanceof Promise ? token.then(judge, mintFailed) : judge(token);
  };
};
