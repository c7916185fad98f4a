/**
 * One credit for each request of a key that has credits. Nothing tells a request that a proxy asks about twice from two
 * requests: each question takes one.
 */
import type { Eventually } from '../core/eventually.ts';
import type { KeyIdentity } from '../core/identity.ts';
import type { CreditReceipt } from '../core/payment.ts';
import { type Refusal, refuse } from '../core/refusal.ts';
import type { Intent } from '../core/rule.ts';
import { creditsAt } from './credits.ts';
import type { CreditTaken, KeyStore } from './key-store.ts';

type Outcome = CreditReceipt | Refusal | undefined;

export type CreditCharge = (identity: KeyIdentity, intent: Intent) => Eventually<Outcome>;

/** For how long a key that has none left is refused without asking the store; a change makes an identity of its own. */
const REFUSED_UNASKED_MS = 1_000;

const usedUp = (retryAt: number | undefined, nowMs: number): Refusal => {
  const seconds = retryAt === undefined ? undefined : Math.max(1, Math.ceil((retryAt - nowMs) / 1000));
  const when = seconds === undefined ? '' : ` There will be more in ${seconds} s.`;
  return refuse('no_credits_left', `The credits of the API key are used up.${when}`, {
    headers: { 'X-Credits-Remaining': '0', ...(seconds !== undefined && { 'Retry-After': String(seconds) }) },
  });
};

const storeFailed = (cause: unknown): Refusal =>
  refuse('store_unavailable', 'Credits cannot be counted now. Try again.', { headers: { 'Retry-After': '1' }, cause });

export const createCreditCharge = (store: Pick<KeyStore, 'find' | 'takeCredit'>, now: () => number): CreditCharge => {
  const emptySince = new WeakMap<KeyIdentity, Readonly<{ sinceMs: number; retryAt: number | undefined }>>();

  const preview = async (keyId: string): Promise<CreditTaken | undefined> => {
    const record = await store.find(keyId);
    if (!record?.credits) return undefined;
    const { remaining, refill } = creditsAt(record.credits, now());
    return remaining > 0 ? { taken: true, remaining: remaining - 1 } : { taken: false, retryAt: refill?.nextAt };
  };

  /** Where the key was found empty a moment ago, and nothing has come in since. */
  const stillEmpty = (identity: KeyIdentity): Refusal | undefined => {
    const empty = emptySince.get(identity);
    if (!empty) return undefined;
    const { sinceMs, retryAt = Number.POSITIVE_INFINITY } = empty;
    const ageMs = now() - sinceMs;
    const holds = ageMs >= 0 && ageMs < REFUSED_UNASKED_MS && now() < retryAt;
    return holds ? usedUp(empty.retryAt, now()) : undefined;
  };

  const ask = async (identity: KeyIdentity, intent: Intent): Promise<Outcome> => {
    try {
      const { keyId } = identity;
      const taken = await (intent === 'enforce' ? store.takeCredit(keyId, now()) : preview(keyId));
      if (!taken) return undefined;
      if (taken.taken) return { creditsLeft: taken.remaining };
      emptySince.set(identity, { sinceMs: now(), retryAt: taken.retryAt });
      return usedUp(taken.retryAt, now());
    } catch (cause) {
      return storeFailed(cause);
    }
  };

  return (identity, intent) => (identity.hasCredits ? (stillEmpty(identity) ?? ask(identity, intent)) : undefined);
};
