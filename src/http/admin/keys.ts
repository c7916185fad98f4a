/** `/api/keys`: the calls of seed 003. */
import type { RouterContext } from '@koa/router';
import { z } from 'zod';
import { isRefusal, refuse } from '../../core/refusal.ts';
import type { KeyRecord } from '../../keys/key-store.ts';
import type { KeyRegistry, NewKey } from '../../keys/registry.ts';
import { readJson } from './json-body.ts';
import type { Outcome } from './outcome.ts';

/** Ends up in headers and logs, which carry neither control characters nor spaces around a value. */
const label = z
  .string()
  .min(1)
  .max(256)
  .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'has a control character or half a character')
  .refine((text) => text === text.trim(), 'has spaces around it');
const limit = z.number().int().min(1).max(1_000_000_000).nullable().optional();
const scope = z.string().regex(/^[\u0021\u0023-\u005b\u005d-\u007e]{1,128}$/, 'is not a scope (RFC 6749 section 3.3)');

const newKey = z.strictObject({
  user_id: label,
  name: label,
  rate_limit_per_minute: limit,
  rate_limit_per_day: limit,
  scopes: z.array(scope).max(100).default([]),
  metadata: z.record(z.string(), z.unknown()).default({}),
});

export type KeyDefaults = Readonly<{ rateLimitPerMinute: number | undefined; rateLimitPerDay: number | undefined }>;

/** Left out: the configured default. `null`: no limit. */
const limitOr = (given: number | null | undefined, byDefault: number | undefined): number | undefined =>
  given === undefined ? byDefault : (given ?? undefined);

const toNewKey = (body: z.output<typeof newKey>, defaults: KeyDefaults): NewKey => {
  const { user_id, name, rate_limit_per_minute, rate_limit_per_day, scopes, metadata } = body;
  return {
    userId: user_id,
    name,
    rateLimitPerMinute: limitOr(rate_limit_per_minute, defaults.rateLimitPerMinute),
    rateLimitPerDay: limitOr(rate_limit_per_day, defaults.rateLimitPerDay),
    scopes,
    metadata,
    allowedIps: [],
    customerId: undefined,
    credits: undefined,
    expiresAt: undefined,
  };
};

/** A key as it is shown. The key itself is never in it. */
export const showKey = (record: KeyRecord) => ({
  id: record.id,
  hint: record.hint,
  user_id: record.userId,
  name: record.name,
  rate_limit_per_minute: record.rateLimitPerMinute ?? null,
  rate_limit_per_day: record.rateLimitPerDay ?? null,
  scopes: record.scopes,
  metadata: record.metadata,
  created_at: new Date(record.createdAt).toISOString(),
  revoked_at: record.revokedAt === undefined ? null : new Date(record.revokedAt).toISOString(),
});

export const createKeyCalls = (registry: KeyRegistry, defaults: KeyDefaults) => ({
  async create(context: RouterContext): Promise<Outcome> {
    const body = await readJson(context.req, newKey);
    if (isRefusal(body)) return body;
    const made = await registry.create(toNewKey(body, defaults));
    if (made.made !== 'first') throw new Error('a call that cannot be repeated was');
    const { key, record } = made;
    const change = { action: 'create_key', key_id: record.id, user_id: record.userId } as const;
    return { status: 201, body: { ...showKey(record), key }, change };
  },

  async list(context: RouterContext): Promise<Outcome> {
    const userId = context.params['user_id'] ?? '';
    const { records } = await registry.list({ userId, after: undefined, limit: 1_000_000 });
    return { status: 200, body: { keys: records.map(showKey) } };
  },

  async revoke(context: RouterContext): Promise<Outcome> {
    const record = await registry.revoke(context.params['id'] ?? '');
    // The id is not repeated: who takes the key itself for its id must not find it in an answer or a log.
    if (!record) return refuse('not_found', 'There is no key of this id.');
    return { status: 204, change: { action: 'revoke_key', key_id: record.id, user_id: record.userId } };
  },
});
