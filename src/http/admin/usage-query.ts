/** What may be asked of usage, in the admin API and on the command line. */
import { z } from 'zod';
import { type Refusal, refuse } from '../../core/refusal.ts';
import { periodOf } from '../../usage/question.ts';
import { type UsageQuestion, usageGroups, usageWindows } from '../../usage/usage-store.ts';
import { wholeNumber } from './query.ts';
import { parseUsageCursor } from './usage-cursor.ts';

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

export const usageQueryOfKey = z.strictObject({
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

export const usageQuery = usageQueryOfKey.extend({ key_id: name.describe('Of this key.') });

export type UsageQuery = z.output<typeof usageQuery>;

const wrongField = (field: string, message: string): Refusal =>
  refuse('bad_request', `${field}: ${message}`, { members: { errors: [{ field, message }] } });

/** Gives what is wrong where the parts do not fit each other. */
export const toQuestion = (query: UsageQuery, nowMs: number): UsageQuestion | Refusal => {
  const { window, group_by, cursor, from, to, limit, key_id, user_id, rule } = query;
  const period = periodOf({ fromMs: from, toMs: to, window }, nowMs);
  if (!period) return wrongField('to', 'is not after from');
  const after = cursor === undefined ? undefined : parseUsageCursor(cursor, group_by.length);
  if (cursor !== undefined && !after) return wrongField('cursor', 'is none that this question has answered');
  const who = { keyId: key_id, userId: user_id, rule };
  return { ...period, ...who, window, groupBy: group_by, after, limit: limit ?? DEFAULT_LIMIT };
};
