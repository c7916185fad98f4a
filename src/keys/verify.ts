/** Says of a key what a request with it would be told, for whoever asks by the admin API or the command line. */
import type { Eventually } from '../core/eventually.ts';
import type { CreditReceipt } from '../core/payment.ts';
import { isRefusal, type Refusal } from '../core/refusal.ts';
import { type KeyProblem, keyProblem } from './key-problem.ts';
import type { KeyRecord } from './key-store.ts';

/** `unknown`: there is no such key, or there never can be. */
export type VerifyCode = 'valid' | 'unknown' | KeyProblem | 'rate_limited' | 'no_credits_left';

export type Verification = Readonly<{
  code: VerifyCode;
  record: KeyRecord | undefined;
  /** After this request; undefined where requests are not counted down, or none was reached. */
  creditsLeft: number | undefined;
  retryAfterSeconds: number | undefined;
}>;

/** `clientIp` undefined: from where is not asked. `count`: as if it were a request. */
export type VerifyAsked = Readonly<{ key: string; clientIp: string | undefined; count: boolean }>;

/** A refusal where it cannot be told now. */
export type Verify = (asked: VerifyAsked) => Promise<Verification | Refusal>;

export type VerifyParts = Readonly<{
  identify(key: string): Promise<KeyRecord | undefined>;
  /** The key's own limits: gives the refusal of a request, or anything else. */
  limit(record: KeyRecord, count: boolean): Eventually<unknown>;
  charge(record: KeyRecord, count: boolean): Eventually<CreditReceipt | Refusal | undefined>;
  now: () => number;
}>;

export const createVerify = ({ identify, limit, charge, now }: VerifyParts): Verify => {
  const conclude = (record: KeyRecord | undefined, code: VerifyCode, creditsLeft?: number): Verification => ({
    code,
    record,
    creditsLeft,
    retryAfterSeconds: undefined,
  });

  const refused = (record: KeyRecord, refusal: Refusal): Verification | Refusal => {
    const { code, headers } = refusal;
    if (code !== 'rate_limited' && code !== 'no_credits_left') return refusal;
    const after = headers?.['Retry-After'];
    const creditsLeft = code === 'no_credits_left' ? 0 : undefined;
    return { code, record, creditsLeft, retryAfterSeconds: after === undefined ? undefined : Number(after) };
  };

  return async ({ key, clientIp, count }) => {
    const record = await identify(key);
    if (!record) return conclude(undefined, 'unknown');
    const asIfBound = clientIp === undefined ? { ...record, allowedIps: [] } : record;
    const problem = keyProblem(asIfBound, clientIp ?? '', now);
    if (problem !== undefined) return conclude(record, problem);
    const limited = await limit(record, count);
    if (isRefusal(limited)) return refused(record, limited);
    const charged = await charge(record, count);
    if (isRefusal(charged)) return refused(record, charged);
    return conclude(record, 'valid', charged?.creditsLeft);
  };
};
