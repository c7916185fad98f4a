import type { Eventually } from '../core/eventually.ts';
import type { Identification, KeyIdentity, RateLimit } from '../core/identity.ts';
import { rejected } from '../core/identity.ts';
import { perObject } from '../core/per-object.ts';
import { bearerChallenge, type Refusal, refuse } from '../core/refusal.ts';
import type { Identifier } from '../core/rule.ts';
import { type FloodThrottle, rejectFrom } from './failure-throttle.ts';

/** What is known of a key. `metadata` stands for claims, its `roles` for roles. */
export type KeyHolder = Readonly<{
  id: string;
  userId: string;
  scopes: readonly string[];
  metadata: Readonly<Record<string, unknown>>;
  rateLimitPerMinute: number | undefined;
  rateLimitPerDay: number | undefined;
  /** Set where requests are counted down. */
  credits: object | undefined;
}>;

export type ApiKeyOptions<Holder extends KeyHolder> = Readonly<{
  /**
   * One key gives one object for as long as it is cached; undefined where the key is not known. A key that was never seen
   * before is looked up only where `mayLookUp` holds.
   */
  find(key: string, mayLookUp: () => boolean): Eventually<Holder | undefined>;
  /** Why a key that is known may not be used now, from this address; asked each time. For logs alone. */
  problemOf(holder: Holder, clientIp: string): string | undefined;
  throttle: FloodThrottle;
}>;

/** One answer for all, so that nobody learns whether a key exists, or was good once. */
const invalid = refuse(
  'invalid_api_key',
  'The API key is unknown, mistyped, expired, revoked, or not allowed from here.',
  {
    headers: bearerChallenge('invalid_token', 'The API key is not valid'),
  },
);

const storeFailed = (cause: unknown): Identification =>
  rejected(
    refuse('store_unavailable', 'Keys cannot be looked up now. Try again.', { headers: { 'Retry-After': '1' }, cause }),
  );

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

const limitsOf = ({ rateLimitPerMinute, rateLimitPerDay }: KeyHolder): RateLimit[] => [
  ...(rateLimitPerMinute === undefined ? [] : [{ limit: rateLimitPerMinute, windowMs: MINUTE_MS }]),
  ...(rateLimitPerDay === undefined ? [] : [{ limit: rateLimitPerDay, windowMs: DAY_MS }]),
];

/** Who comes with a key. */
export const keyIdentity = (holder: KeyHolder): KeyIdentity => {
  const { id, userId, scopes, metadata } = holder;
  const roles = metadata['roles'];
  return {
    method: 'api_key',
    subject: userId,
    keyId: id,
    limits: limitsOf(holder),
    ...(holder.credits && { hasCredits: true }),
    scopes,
    roles: Array.isArray(roles) ? roles.filter((role) => typeof role === 'string') : [],
    claims: metadata,
  };
};

const identificationOf = (holder: KeyHolder): Identification => ({
  outcome: 'identified',
  identity: keyIdentity(holder),
});

/** The same answer, with what the log says of it. */
const invalidBecause = perObject((holder: KeyHolder) => {
  const refusals = new Map<string, Refusal>();
  return (problem: string): Refusal => {
    const refusal = refusals.get(problem) ?? { ...invalid, cause: new Error(`${holder.id} is refused: ${problem}`) };
    refusals.set(problem, refusal);
    return refusal;
  };
});

export const createApiKeyIdentifier = <Holder extends KeyHolder>(options: ApiKeyOptions<Holder>): Identifier => {
  const { find, problemOf, throttle } = options;
  const acceptHolder = perObject(identificationOf);

  return (request, { value }, intent) => {
    const { clientIp } = request;
    const judge = (holder: Holder | undefined) => {
      if (!holder) return rejectFrom(throttle, clientIp, invalid, intent);
      const problem = problemOf(holder, clientIp);
      if (problem === undefined) return acceptHolder(holder);
      return rejectFrom(throttle, clientIp, invalidBecause(holder)(problem), intent);
    };
    try {
      const found = find(value, () => !throttle.isFlood(clientIp));
      return found instanceof Promise ? found.then(judge, storeFailed) : judge(found);
    } catch (cause) {
      return storeFailed(cause);
    }
  };
};
