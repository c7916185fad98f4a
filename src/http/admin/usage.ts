/** `GET /api/usage`: who used what, summed up. */
import { z } from 'zod';
import { isRefusal } from '../../core/refusal.ts';
import type { KeyRegistry } from '../../keys/registry.ts';
import { placeOf, showUsage } from '../../usage/question.ts';
import { type UsageStore, usageWindows } from '../../usage/usage-store.ts';
import { type Endpoint, endpoint } from './endpoint.ts';
import { keyId, noSuchKey } from './keys.ts';
import type { Outcome } from './outcome.ts';
import { schemaNames } from './schema-names.ts';
import { toUsageCursor } from './usage-cursor.ts';
import { toQuestion, type UsageQuery, usageQuery, usageQueryOfKey } from './usage-query.ts';

export type UsageCallsParts = Readonly<{
  store: Pick<UsageStore, 'sum'>;
  registry: Pick<KeyRegistry, 'get'>;
  now(): number;
}>;

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
  .register(schemaNames, { id: 'UsagePage' });

const answers = [{ status: 200, description: 'A page of sums, by start and groups.', shape: pageOfUsage }] as const;

export const createUsageCalls = ({ store, registry, now }: UsageCallsParts): Endpoint[] => {
  const sum = async (query: UsageQuery): Promise<Outcome> => {
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
      query: usageQuery,
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
      query: usageQueryOfKey,
      answers,
      refusals: ['not_found'],
      async call({ param, query }) {
        const key = await registry.get(param('id'));
        return key ? sum({ ...query, key_id: key.id }) : noSuchKey;
      },
    }),
  ];
};
