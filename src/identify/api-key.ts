import type { Identification, RateLimit } from '../core/identity.ts';
import { rejected } from '../core/identity.ts';
import { perObject } from '../core/per-object.ts';
import { bearerChallenge, refuse } from '../core/refusal.ts';
import type { Identifier } from '../core/rule.ts';
import { type FloodThrottle, rejectFrom } from './failure-throttle.ts';

/** What is known of a key that is valid now. `metadata` stands for claims, its `roles` for roles. */
export type KeyHolder = Readonly<{
  id: string;
  userId: string;
  scopes: readonly string[];
  metadata: Readonly<Record<string, unknown>>;
  rateLimitPerMinute: number | undefined;
  rateLimitPerDay: number | undefined;
}>;

/**
 * One key gives one object for as long as it is cached; undefined where the key is not valid. A key that was never seen
 * before is looked up only where `mayLookUp` holds.
 */
export type FindKeyHolder = (
  key: string,
  mayLookUp: () => boolean,
) => KeyHolder | undefined | Promise<KeyHolder | undefined>;

const invalid = refuse('invalid_api_key', 'The API key is unknown, revoked or mistyped.', {
  headers: bearerChallenge('invalid_token', 'The API key is not valid'),
});

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

const identificationOf = (holder: KeyHolder): Identification => {
  const { id, userId, scopes, metadata } = holder;
  const roles = metadata['roles'];
  return {
    outcome: 'identified',
    identity: {
      method: 'api_key',
      subject: userId,
      keyId: id,
      limits: limitsOf(holder),
      scopes,
      roles: Array.isArray(roles) ? roles.filter((role) => typeof role === 'string') : [],
      claims: metadata,
    },
  };
};

export const createApiKeyIdentifier = (find: FindKeyHolder, throttle: FloodThrottle): Identifier => {
  const acceptHolder = perObject(identificationOf);

  return (request, { value }, intent) => {
    const judge = (holder: KeyHolder | undefined) =>
      holder ? acceptHolder(holder) : rejectFrom(throttle, request.clientIp, invalid, intent);
    try {
      const found = find(value, () => !throttle.isFlood(request.clientIp));
      return found instanceof Promise ? found.then(judge, storeFailed) : judge(found);
    } catch (cause) {
      return storeFailed(cause);
    }
  };
};
