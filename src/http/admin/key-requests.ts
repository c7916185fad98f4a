/** From what callers write to what the registry takes. Shared by the admin API and the command line. */
import { z } from 'zod';
import type { CreditGrant } from '../../keys/credits.ts';
import type { ForeignKey, KeyUpdate, NewKey } from '../../keys/registry.ts';
import { changeable, label } from './key-shapes.ts';
import { schemaNames } from './schema-names.ts';

export type KeyDefaults = Readonly<{ rateLimitPerMinute: number | undefined; rateLimitPerDay: number | undefined }>;

const newKeyFields = {
  user_id: label.describe('Whose key it is.'),
  name: changeable.name,
  rate_limit_per_minute: changeable.rate_limit_per_minute.optional(),
  rate_limit_per_day: changeable.rate_limit_per_day.optional(),
  scopes: changeable.scopes.default([]),
  metadata: changeable.metadata.default({}),
  allowed_ips: changeable.allowed_ips.default([]),
  customer_id: changeable.customer_id.default(null),
  credits: changeable.credits.default(null),
  expires_at: changeable.expires_at.default(null),
};

export const newKey = z.strictObject(newKeyFields).register(schemaNames, { id: 'NewKey' });

const MOST_AT_ONCE = 1_000;

const sha256 = z
  .string()
  .regex(/^[0-9a-f]{64}$/, 'is not a SHA-256 in lower-case hexadecimal')
  .describe('SHA-256 of the whole key, in lower-case hexadecimal.');

const foreignKey = z
  .strictObject({
    ...newKeyFields,
    hash: sha256,
    hint: label.max(64).default('imported').describe('Enough of the key for people to tell it from others.'),
  })
  .register(schemaNames, { id: 'ForeignKey' });

export const keyImport = z
  .strictObject({ keys: z.array(foreignKey).min(1).max(MOST_AT_ONCE) })
  .refine(({ keys }) => new Set(keys.map(({ hash }) => hash)).size === keys.length, 'a hash comes more than once');

export const keyUpdate = z
  .strictObject(changeable)
  .partial()
  .refine((changes) => Object.keys(changes).length > 0, 'nothing is to be changed')
  .register(schemaNames, { id: 'KeyChanges' });

type GivenCredits = z.output<typeof newKey>['credits'];

const toGrant = (credits: NonNullable<GivenCredits>): CreditGrant => {
  const { remaining, refill } = credits;
  return {
    remaining,
    refill: refill ? { amount: refill.amount, intervalMs: refill.interval_seconds * 1000 } : undefined,
  };
};

/** Left out: the configured default. `null`: no limit. */
const limitOr = (given: number | null | undefined, byDefault: number | undefined): number | undefined =>
  given === undefined ? byDefault : (given ?? undefined);

export const toNewKey = (body: z.output<typeof newKey>, defaults: KeyDefaults): NewKey => ({
  userId: body.user_id,
  name: body.name,
  rateLimitPerMinute: limitOr(body.rate_limit_per_minute, defaults.rateLimitPerMinute),
  rateLimitPerDay: limitOr(body.rate_limit_per_day, defaults.rateLimitPerDay),
  scopes: body.scopes,
  metadata: body.metadata,
  allowedIps: body.allowed_ips,
  customerId: body.customer_id ?? undefined,
  credits: body.credits ? toGrant(body.credits) : undefined,
  expiresAt: body.expires_at ?? undefined,
});

export const toForeignKeys = ({ keys }: z.output<typeof keyImport>, defaults: KeyDefaults): ForeignKey[] =>
  keys.map((key) => ({ ...toNewKey(key, defaults), hash: key.hash, hint: key.hint }));

/** What is left out stays out, and null becomes undefined. */
export const toKeyUpdate = (body: z.output<typeof keyUpdate>): KeyUpdate => {
  const { name, rate_limit_per_minute, rate_limit_per_day, scopes, metadata, allowed_ips } = body;
  const { customer_id, credits, expires_at } = body;
  return {
    ...(name !== undefined && { name }),
    ...(rate_limit_per_minute !== undefined && { rateLimitPerMinute: rate_limit_per_minute ?? undefined }),
    ...(rate_limit_per_day !== undefined && { rateLimitPerDay: rate_limit_per_day ?? undefined }),
    ...(scopes && { scopes }),
    ...(metadata && { metadata }),
    ...(allowed_ips && { allowedIps: allowed_ips }),
    ...(customer_id !== undefined && { customerId: customer_id ?? undefined }),
    ...(credits !== undefined && { credits: credits ? toGrant(credits) : ('none' as const) }),
    ...(expires_at !== undefined && { expiresAt: expires_at ?? undefined }),
  };
};
