/** What callers write of a key, and how it is shown. The key itself is never in it. */
import { z } from 'zod';
import { creditsAt } from '../../keys/credits.ts';
import { canonicalIpRange } from '../../keys/ip-range.ts';
import type { KeyRecord } from '../../keys/key-store.ts';
import { schemaNames } from './schema-names.ts';

/** Ends up in headers and logs, which carry neither control characters nor spaces around a value. */
export const label = z
  .string()
  .min(1)
  .max(256)
  .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'has a control character or half a character')
  .refine((text) => text === text.trim(), 'has spaces around it');

const limit = z.number().int().min(1).max(1_000_000_000).nullable();
const scope = z.string().regex(/^[\u0021\u0023-\u005b\u005d-\u007e]{1,128}$/, 'is not a scope (RFC 6749 section 3.3)');

const ipRange = z
  .string()
  .max(64)
  .transform((text, context) => {
    const range = canonicalIpRange(text);
    if (range !== undefined) return range;
    context.issues.push({
      code: 'custom',
      input: text,
      message: 'is not an address, nor a range by its first address',
    });
    return z.NEVER;
  })
  .meta({ description: 'One address, or a range such as `10.0.0.0/8` or `2001:db8::/32`.' });

const moment = z.iso
  .datetime({ offset: true, error: 'is not a time such as 2026-12-31T00:00:00Z' })
  .transform((text) => Date.parse(text));

const LONGEST_INTERVAL_S = 3650 * 86_400;
const count = z.number().int().max(1_000_000_000_000);

const credits = z.strictObject({
  remaining: count.min(0).describe('Requests that are left.'),
  refill: z
    .strictObject({
      amount: count.min(1).describe('What `remaining` is filled up to.'),
      interval_seconds: z.number().int().min(1).max(LONGEST_INTERVAL_S),
    })
    .nullable()
    .default(null)
    .describe('Left out or null: credits are used up once.'),
});

/** The fields that may be changed later. Left out is not null: null takes a limit, an end or a customer away. */
export const changeable = {
  name: label.describe('What the key is for.'),
  rate_limit_per_minute: limit.describe('null: none.'),
  rate_limit_per_day: limit.describe('null: none.'),
  scopes: z.array(scope).max(100),
  metadata: z.record(z.string(), z.unknown()).describe('Stands for claims in rules; its `roles` for roles.'),
  allowed_ips: z.array(ipRange).max(100).describe('Where the key may be used from. Empty: from everywhere.'),
  customer_id: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,255}$/, 'is not the id of a customer')
    .nullable()
    .describe('Who is billed: the id of a customer at Stripe.'),
  credits: credits.nullable().describe('Requests that are counted down. null: they are not.'),
  expires_at: moment.nullable().describe('null: never.'),
};

const time = z.iso.datetime();

export const shownKey = z
  .object({
    id: z.string(),
    hint: z.string().describe('The beginning of the key, for people to tell keys apart.'),
    status: z.enum(['active', 'disabled', 'expired', 'revoked']),
    user_id: z.string(),
    name: z.string(),
    rate_limit_per_minute: z.number().int().nullable(),
    rate_limit_per_day: z.number().int().nullable(),
    scopes: z.array(z.string()),
    metadata: z.record(z.string(), z.unknown()),
    allowed_ips: z.array(z.string()),
    customer_id: z.string().nullable(),
    credits: z
      .object({
        remaining: z.number().int(),
        refill: z.object({ amount: z.number().int(), interval_seconds: z.number().int(), next_at: time }).nullable(),
      })
      .nullable(),
    created_at: time,
    expires_at: time.nullable(),
    disabled_at: time.nullable(),
    revoked_at: time.nullable(),
  })
  .register(schemaNames, { id: 'Key' });

export type ShownKey = z.output<typeof shownKey>;

const toTime = (atMs: number): string => new Date(atMs).toISOString();
const toTimeOrNull = (atMs: number | undefined): string | null => (atMs === undefined ? null : toTime(atMs));

const statusOf = ({ revokedAt, disabledAt, expiresAt }: KeyRecord, nowMs: number): ShownKey['status'] => {
  if (revokedAt !== undefined) return 'revoked';
  if (disabledAt !== undefined) return 'disabled';
  return expiresAt !== undefined && expiresAt <= nowMs ? 'expired' : 'active';
};

const showCredits = (record: KeyRecord, nowMs: number): ShownKey['credits'] => {
  if (!record.credits) return null;
  const { remaining, refill } = creditsAt(record.credits, nowMs);
  if (!refill) return { remaining, refill: null };
  const { amount, intervalMs, nextAt } = refill;
  return { remaining, refill: { amount, interval_seconds: intervalMs / 1000, next_at: toTime(nextAt) } };
};

export const showKey = (record: KeyRecord, nowMs: number): ShownKey => ({
  id: record.id,
  hint: record.hint,
  status: statusOf(record, nowMs),
  user_id: record.userId,
  name: record.name,
  rate_limit_per_minute: record.rateLimitPerMinute ?? null,
  rate_limit_per_day: record.rateLimitPerDay ?? null,
  scopes: [...record.scopes],
  metadata: record.metadata,
  allowed_ips: [...record.allowedIps],
  customer_id: record.customerId ?? null,
  credits: showCredits(record, nowMs),
  created_at: toTime(record.createdAt),
  expires_at: toTimeOrNull(record.expiresAt),
  disabled_at: toTimeOrNull(record.disabledAt),
  revoked_at: toTimeOrNull(record.revokedAt),
});
