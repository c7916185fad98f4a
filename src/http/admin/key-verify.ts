/** `POST /api/keys/verify`: what a request with a key would be told. */
import { isIP } from 'node:net';
import { z } from 'zod';
import { isRefusal } from '../../core/refusal.ts';
import type { Verification, Verify } from '../../keys/verify.ts';
import { type Endpoint, endpoint } from './endpoint.ts';
import { showKey, shownKey } from './key-shapes.ts';
import { schemaNames } from './schema-names.ts';

const question = z
  .strictObject({
    key: z.string().min(1).max(4096),
    client_ip: z
      .string()
      .refine((text) => isIP(text) !== 0, 'is not an address')
      .optional()
      .describe('From where the key is used. Left out: not asked.'),
    count: z.boolean().default(false).describe('Count it as a request: on the limits, and one credit.'),
  })
  .register(schemaNames, { id: 'KeyQuestion' });

const codes = [
  'valid',
  'unknown',
  'revoked',
  'replaced',
  'disabled',
  'expired',
  'wrong_source',
  'rate_limited',
  'no_credits_left',
] as const;

const verdict = z
  .object({
    valid: z.boolean(),
    code: z.enum(codes).describe('`replaced`: by a rotation whose overlap is over.'),
    key: shownKey.nullable().describe('null where there is no such key.'),
    credits_left: z
      .number()
      .int()
      .nullable()
      .describe('After this request. null: they are not counted, or not reached.'),
    retry_after_seconds: z.number().int().nullable(),
  })
  .register(schemaNames, { id: 'KeyVerdict' });

export const showVerdict = ({ code, record, ...rest }: Verification, nowMs: number): z.output<typeof verdict> => ({
  valid: code === 'valid',
  code,
  key: record ? showKey(record, nowMs) : null,
  credits_left: rest.creditsLeft ?? null,
  retry_after_seconds: rest.retryAfterSeconds ?? null,
});

export const createVerifyCall = (verify: Verify, now: () => number): Endpoint =>
  endpoint({
    method: 'POST',
    path: '/api/keys/verify',
    operation: 'verifyKey',
    tag: 'Keys',
    summary: 'Say whether a key may be used now, and if not, why.',
    description:
      'Only the limits of the key itself are looked at, not those of rules. Nothing is counted unless `count`.',
    body: question,
    answers: [{ status: 200, description: 'Whether it is valid, and why not.', shape: verdict }],
    async call({ body: { key, client_ip: clientIp, count } }) {
      const verified = await verify({ key, clientIp, count });
      return isRefusal(verified) ? verified : { status: 200, body: showVerdict(verified, now()) };
    },
  });
