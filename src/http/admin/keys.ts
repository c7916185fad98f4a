/** `/api/keys`: the calls of seed 003. */
import type { RouterContext } from '@koa/router';
import { z } from 'zod';
import { isRefusal, type Refusal, refuse } from '../../core/refusal.ts';
import type { KeyRecord } from '../../keys/key-store.ts';
import type { KeyRegistry, NewKey } from '../../keys/registry.ts';
import { readJsonBody } from './json-body.ts';

/** What a call has changed, for the audit log. */
export type Change = Readonly<{ action: 'create_key' | 'revoke_key'; key_id: string; user_id: string }>;

/** What a call answers: a refusal, or a status with a body. */
export type Outcome = Refusal | Readonly<{ status: number; body?: unknown; change?: Change }>;

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

/** A body can have thousands of mistakes, and a person reads a few. */
const MOST_ERRORS = 10;
const LONGEST_TEXT = 160;

/** Left out: the configured default. `null`: no limit. */
const limitOr = (given: number | null | undefined, byDefault: number | undefined): number | undefined =>
  given === undefined ? byDefault : (given ?? undefined);

const toNewKey = (body: unknown, defaults: KeyDefaults): NewKey | Refusal => {
  const parsed = newKey.safeParse(body);
  if (!parsed.success) {
    const issues = parsed.error.issues.slice(0, MOST_ERRORS);
    const errors = issues.map(({ path, message }) => ({
      field: path.join('.').slice(0, LONGEST_TEXT),
      message: message.slice(0, LONGEST_TEXT),
    }));
    const fields = errors.map(({ field, message }) => (field === '' ? message : `${field}: ${message}`));
    return refuse('bad_request', fields.join('; '), { members: { errors } });
  }
  const { user_id, name, rate_limit_per_minute, rate_limit_per_day, scopes, metadata } = parsed.data;
  return {
    userId: user_id,
    name,
    rateLimitPerMinute: limitOr(rate_limit_per_minute, defaults.rateLimitPerMinute),
    rateLimitPerDay: limitOr(rate_limit_per_day, defaults.rateLimitPerDay),
    scopes,
    metadata,
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
    const body = await readJsonBody(context.req);
    if (isRefusal(body)) return body;
    const request = toNewKey(body.value, defaults);
    if (isRefusal(request)) return request;
    const { key, record } = await registry.create(request);
    const change = { action: 'create_key', key_id: record.id, user_id: record.userId } as const;
    return { status: 201, body: { ...showKey(record), key }, change };
  },

  async list(context: RouterContext): Promise<Outcome> {
    const records = await registry.list(context.params['user_id'] ?? '');
    return { status: 200, body: { keys: records.map(showKey) } };
  },

  async revoke(context: RouterContext): Promise<Outcome> {
    const record = await registry.revoke(context.params['id'] ?? '');
    // The id is not repeated: who takes the key itself for its id must not find it in an answer or a log.
    if (!record) return refuse('not_found', 'There is no key of this id.');
    return { status: 204, change: { action: 'revoke_key', key_id: record.id, user_id: record.userId } };
  },
});
