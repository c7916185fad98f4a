/** `GET /api/usage`: who used what, summed up. */
import { z } from 'zod';
import { isRefusal, type Refusal, refuse } from '../../core/refusal.ts';
import type { KeyRegistry } from '../../keys/registry.ts';
import { periodOf, placeOf, showUsage } from '../../usage/question.ts';
import { type UsageQuestion, type UsageStore, usageGroups, usageWindows } from '../../usage/usage-store.ts';
import { type Endpoint, endpoint } from './endpoint.ts';
import { keyId, noSuchKey } from './keys.ts';
import type { Outcome } from './outcome.ts';
import { wholeNumber } from './query.ts';
import { parseUsageCursor, toUsageCursor } from './usage-cursor.ts';

export type UsageCallsParts = Readonly<{
  store: Pick<UsageStore, 'sum'>;
  registry: Pick<KeyRegistry, 'get'>;
  now(): number;
}>;

const moment = z
  .union([z.iso.datetime(), z.iso.date()], {
    error: 'is neither a day such as 2026-12-31 nor a time such as 2026-12-31T00:00:00Z',
  })
  .transform((text) => Date.parse(text))
  .refine((ms) => ms >= 0, 'is before 1970')
  .optional();

const name = z
  .string()
  .min(1, 'is empty')
  .max(512)
  .refine((text) => !text.includes('\0'), 'has a control character')
  .optional();

const DEFAULT_LIMIT = 100;

const groupBy = z
  .string()
  .transform((text) => text.split(','))
  .pipe(z.array(z.enum(usageGroups, { error: `is not of ${usageGroups.join(', ')}` })))
  .refine((groups) => new Set(groups).size === groups.length, 'names a group twice')
  // In one order, so that a cursor of one spelling is good for the other.
  .transform((groups) => usageGroups.filter((group) => groups.includes(group)))
  .meta({ type: 'string' });

const ofKey = z.strictObject({
  user_id: name.describe('Of this user.'),
  rule: name.describe('Of this rule.'),
  from: moment
    .describe('Begins with the hour of this time, UTC; by default a day, 30 days or a year back, by `window`.')
    .meta({ type: 'string' }),
  to: moment
    .describe('Ends with the hour before this time, or the one it is in; by default now.')
    .meta({ type: 'string' }),
  window: z.enum(usageWindows).default('day').describe('What is summed up, in UTC.'),
  group_by: groupBy.default([]).describe('One or several of `key`, `user`, `rule`, with commas between them.'),
  limit: wholeNumber(1_000).optional().describe('Most sums to answer with; 100 unless set.'),
  cursor: z.string().optional().describe('`next_cursor` of the page before; everything else as it was.'),
});

const ofAll = ofKey.extend({ key_id: name.describe('Of this key.') });

const time = z.iso.datetime();

const pageOfUsage = z
  .object({
    from: time,
    to: time,
    window: z.enum(usageWindows),
    usage: z.array(
      z.object({
        start: time,
        key_id: z.string().optional().describe('Empty for requests without an API key.'),
        user_id: z.string().optional().describe('Empty for callers without a name.'),
        rule: z.string().optional(),
        requests: z.number().int(),
        billable_requests: z.number().int(),
        request_bytes: z.number().int(),
        response_bytes: z.number().int(),
        duration_ms: z.number(),
      }),
    ),
    next_cursor: z.string().nullable(),
  })
  .meta({ id: 'UsagePage' });

const wrongField = (field: string, message: string): Refusal =>
  refuse('bad_request', `${field}: ${message}`, { members: { errors: [{ field, message }] } });

const toQuestion = (query: z.output<typeof ofAll>, nowMs: number): UsageQuestion | Refusal => {
  const { window, group_by, cursor, from, to, limit, key_id, user_id, rule } = query;
  const period = periodOf({ fromMs: from, toMs: to, window }, nowMs);
  if (!period) return wrongField('to', 'is not after from');
  const after = cursor === undefined ? undefined : parseUsageCursor(cursor, group_by.length);
  if (cursor !== undefined && !after) return wrongField('cursor', 'is none that this question has answered');
  const who = { keyId: key_id, userId: user_id, rule };
  return { ...period, ...who, window, groupBy: group_by, after, limit: limit ?? DEFAULT_LIMIT };
};

const answers = [{ status: 200, description: 'A page of sums, by start and groups.', shape: pageOfUsage }] as const;

export const createUsageCalls = ({ store, registry, now }: UsageCallsParts): Endpoint[] => {
  const sum = async (query: z.output<typeof ofAll>): Promise<Outcome> => {
    const question = toQuestion(query, now());
    if (isRefusal(question)) return question;
    const sums = await store.sum(question);
    const last = sums.length === question.limit ? sums.at(-1) : undefined;
    const body = {
      from: new Date(question.fromMs).toISOString(),
      to: new Date(question.toMs).toISOString(),
      window: question.window,
      usage: sums.map(showUsage),
      next_cursor: last ? toUsageCursor(placeOf(last)) : null,
    };
    return { status: 200, body };
  };

  return [
    endpoint({
      method: 'GET',
      path: '/api/usage',
      operation: 'sumUsage',
      tag: 'Usage',
      summary: 'Sum up what was used, by time, key, user and rule.',
      query: ofAll,
      answers,
      call: ({ query }) => sum(query),
    }),
    endpoint({
      method: 'GET',
      path: '/api/keys/id/:id/usage',
      operation: 'sumUsageOfKey',
      tag: 'Usage',
      summary: 'Sum up what one key was used for.',
      params: keyId,
      query: ofKey,
      answers,
      refusals: ['not_found'],
      async call({ param, query }) {
        const key = await registry.get(param('id'));
        return key ? sum({ ...query, key_id: key.id }) : noSuchKey;
      },
    }),
  ];
};
