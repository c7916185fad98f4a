/**
 * One credit for each request of a key that has credits. Without `questionOf` nothing tells a request that a proxy asks about
 * twice from two requests: each question takes one.
 */
import type { Eventually } from '../core/eventually.ts';
import type { KeyIdentity } from '../core/identity.ts';
import type { CreditReceipt } from '../core/payment.ts';
import { type Refusal, refuse } from '../core/refusal.ts';
import type { AuthRequest } from '../core/request.ts';
import type { Intent } from '../core/rule.ts';
import { creditsAt } from './credits.ts';
import type { CreditTaken, KeyStore, Question } from './key-store.ts';

type Outcome = CreditReceipt | Refusal | undefined;

/** `request` is left out where no proxy asks: each call takes one. */
export type CreditCharge = (identity: KeyIdentity, intent: Intent, request?: AuthRequest) => Eventually<Outcome>;

/** Undefined where questions of proxies are not told apart. */
export type QuestionOf = (request: AuthRequest) => Question | undefined;

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

export const createCreditCharge = (
  store: Pick<KeyStore, 'find' | 'takeCredit' | 'hasTakenCredit'>,
  now: () => number,
  questionOf: QuestionOf = () => undefined,
): CreditCharge => {
  const emptySince = new WeakMap<KeyIdentity, Readonly<{ sinceMs: number; retryAt: number | undefined }>>();

  const preview = async (keyId: string, question: Question | undefined): Promise<CreditTaken | undefined> => {
    const record = await store.find(keyId);
    if (!record?.credits) return undefined;
    const { remaining, refill } = creditsAt(record.credits, now());
    if (question && (await store.hasTakenCredit(keyId, question, now()))) return { taken: true, remaining };
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

  const ask = async (identity: KeyIdentity, intent: Intent, question: Question | undefined): Promise<Outcome> => {
    try {
      const { keyId } = identity;
      const taken = await (intent === 'enforce' ? store.takeCredit(keyId, now(), question) : preview(keyId, question));
      if (!taken) return undefined;
      if (taken.taken) return { creditsLeft: taken.remaining };
      emptySince.set(identity, { sinceMs: now(), retryAt: taken.retryAt });
      return usedUp(taken.retryAt, now());
    } catch (cause) {
      return storeFailed(cause);
    }
  };

  /** The last credit may be this question's: it passes again, without a write for whoever has none. */
  const askAgain = async (identity: KeyIdentity, question: Question, refusal: Refusal): Promise<Outcome> => {
    try {
      return (await store.hasTakenCredit(identity.keyId, question, now())) ? { creditsLeft: 0 } : refusal;
    } catch (cause) {
      return storeFailed(cause);
    }
  };

  return (identity, intent, request) => {
    if (!identity.hasCredits) return undefined;
    const question = request && questionOf(request);
    const empty = stillEmpty(identity);
    if (!empty) return ask(identity, intent, question);
    return question ? askAgain(identity, question, empty) : empty;
  };
};
