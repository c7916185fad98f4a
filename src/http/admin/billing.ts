/** `/api/billing`: what waits to be billed, and what a person has to decide on. */
import { z } from 'zod';
import { refuse } from '../../core/refusal.ts';
import type { BillingStore } from '../../usage/billing/billing-store.ts';
import { TAKEN_FOR_MS } from '../../usage/billing/judge.ts';
import { customerId, showEvent, shownEvent, shownStatus, showStatus } from './billing-shapes.ts';
import { type Endpoint, endpoint } from './endpoint.ts';
import { wholeNumber } from './query.ts';
import { schemaNames } from './schema-names.ts';

export type BillingCallsParts = Readonly<{
  store: Pick<BillingStore, 'totals' | 'list' | 'resolve'>;
  isDry: boolean;
  now(): number;
}>;

const DEFAULT_LIMIT = 100;

const page = z.strictObject({
  state: z
    .enum(['reconcile', 'waiting', 'dry'])
    .default('reconcile')
    .describe('`waiting`: not taken yet; `dry`: what would have been told.'),
  limit: wholeNumber(1_000).optional().describe('Most events to answer with; 100 unless set.'),
  cursor: z.string().max(100).optional().describe('`next_cursor` of the page before.'),
});

const decision = z
  .strictObject({
    resolution: z
      .enum(['sent', 'resend', 'drop'])
      .describe(
        '`sent`: Stripe has it. `resend`: send it again, as of now where it is too old. `drop`: bill it never.',
      ),
    customer_id: customerId.optional().describe('With `resend`: who is billed instead.'),
  })
  .refine(({ resolution, customer_id }) => resolution === 'resend' || customer_id === undefined, {
    path: ['customer_id'],
    message: 'is for resend alone',
  })
  .register(schemaNames, { id: 'BillingDecision' });

export const createBillingCalls = ({ store, isDry, now }: BillingCallsParts): Endpoint[] => [
  endpoint({
    method: 'GET',
    path: '/api/billing/status',
    operation: 'getBillingStatus',
    tag: 'Billing',
    summary: 'What waits to be billed, and how telling it goes.',
    answers: [{ status: 200, description: 'As it is now.', shape: shownStatus }],
    call: async () => ({ status: 200, body: showStatus(await store.totals(now()), isDry) }),
  }),
  endpoint({
    method: 'GET',
    path: '/api/billing/reconciliation',
    operation: 'listBillingEvents',
    tag: 'Billing',
    summary: 'Events that a person has to decide on.',
    query: page,
    answers: [
      {
        status: 200,
        description: 'By window.',
        shape: z.object({ events: z.array(shownEvent), next_cursor: z.string().nullable() }),
      },
    ],
    async call({ query: { state, limit = DEFAULT_LIMIT, cursor } }) {
      const events = await store.list({ state, after: cursor, limit });
      const next = events.length === limit ? events.at(-1)?.id : undefined;
      return { status: 200, body: { events: events.map(showEvent), next_cursor: next ?? null } };
    },
  }),
  endpoint({
    method: 'POST',
    path: '/api/billing/reconciliation/:id',
    operation: 'resolveBillingEvent',
    tag: 'Billing',
    summary: 'Decide what becomes of an event.',
    params: { id: 'The identifier of the event.' },
    body: decision,
    answers: [{ status: 200, description: 'The event as it is now.', shape: shownEvent }],
    refusals: ['not_found', 'already_resolved'],
    async call({ param, body: { resolution, customer_id } }) {
      const id = param('id');
      const nowMs = now();
      const asked = { id, resolution, payer: customer_id, nowMs, tooOldBeforeMs: nowMs - TAKEN_FOR_MS };
      const resolved = await store.resolve(asked);
      switch (resolved.resolved) {
        case 'unknown':
          return refuse('not_found', 'There is no event of this identifier.');
        case 'not_open':
          return refuse('already_resolved', 'The event needs no decision, or not any more.');
        case 'done': {
          const { payer } = resolved.event;
          const change = { action: 'resolve_billing', identifier: id, resolution, customer_id: payer } as const;
          return { status: 200, body: showEvent(resolved.event), change };
        }
      }
    },
  }),
];
