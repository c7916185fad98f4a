/** What the admin API and the command line show of billing. */
import { z } from 'zod';
import { type BillingEvent, type BillingTotals, reconcileReasons } from '../../usage/billing/billing-store.ts';
import type { Customer } from '../../usage/billing/customer-store.ts';
import { schemaNames } from './schema-names.ts';

const time = (ms: number): string => new Date(ms).toISOString();
const optionalTime = (ms: number | undefined): string | null => (ms === undefined ? null : time(ms));

const moment = z.iso.datetime().nullable();

export const shownEvent = z
  .object({
    id: z.string().describe('The identifier that Stripe knows the event by.'),
    customer_id: z.string(),
    meter: z.string(),
    value: z.number().int().describe('Billable requests.'),
    window_start: z.iso.datetime(),
    window_seconds: z.number(),
    sequence: z.number().int().describe('1, or more for usage that came after the window was told.'),
    timestamp: z.iso.datetime().describe('Of the last request in it.'),
    state: z.enum(['waiting', 'sent', 'reconcile', 'dropped', 'dry']),
    tries: z.number().int(),
    first_sent_at: moment.describe('The first try whose result is not known.'),
    reason: z.enum(reconcileReasons).nullable(),
    detail: z.string().nullable(),
  })
  .register(schemaNames, { id: 'BillingEvent' });

export const showEvent = (event: BillingEvent): z.infer<typeof shownEvent> => ({
  id: event.id,
  customer_id: event.payer,
  meter: event.meter,
  value: event.value,
  window_start: time(event.windowStartMs),
  window_seconds: event.windowMs / 1_000,
  sequence: event.sequence,
  timestamp: time(event.atMs),
  state: event.state,
  tries: event.tries,
  first_sent_at: optionalTime(event.firstSentAtMs),
  reason: event.reason ?? null,
  detail: event.detail ?? null,
});

const total = z.object({ events: z.number().int(), value: z.number().int(), oldest: moment });

export const shownStatus = z
  .object({
    dry_run: z.boolean().describe('Nothing is sent.'),
    open: total.describe('Sums of windows that are not told yet.'),
    waiting: total.describe('Events that Stripe has not taken yet.'),
    sending: z.number().int().describe('Of those, how many are being sent.'),
    reconciliation: total.describe('Events that a person has to decide on.'),
    problem: z.enum(['unauthorized', 'unreachable', 'rate_limited']).nullable(),
    problem_since: moment,
    last_sent_at: moment,
    last_error: z.string().nullable(),
    last_error_at: moment,
  })
  .register(schemaNames, { id: 'BillingStatus' });

const showTotal = ({ count, value, oldestAtMs }: BillingTotals['open']) => ({
  events: count,
  value,
  oldest: optionalTime(oldestAtMs),
});

export const showStatus = (totals: BillingTotals, isDry: boolean): z.infer<typeof shownStatus> => {
  const { sender } = totals;
  return {
    dry_run: isDry,
    open: showTotal(totals.open),
    waiting: showTotal(totals.waiting),
    sending: totals.sending,
    reconciliation: showTotal(totals.reconcile),
    problem: sender.problem ?? null,
    problem_since: optionalTime(sender.problemSinceMs),
    last_sent_at: optionalTime(sender.lastSentAtMs),
    last_error: sender.lastError ?? null,
    last_error_at: optionalTime(sender.lastErrorAtMs),
  };
};

export const customerId = z.string().regex(/^[A-Za-z0-9_-]{1,255}$/, 'is not the id of a customer');

export const shownCustomer = z
  .object({ user_id: z.string(), customer_id: z.string(), updated_at: z.iso.datetime() })
  .register(schemaNames, { id: 'Customer' });

export const showCustomer = ({ userId, customer, updatedAtMs }: Customer): z.infer<typeof shownCustomer> => ({
  user_id: userId,
  customer_id: customer,
  updated_at: time(updatedAtMs),
});
