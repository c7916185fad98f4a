import type { BillingEvent } from '../../src/usage/billing/billing-store.ts';

/** An event that waits to be told, for tests that are about something of it. */
export const billingEvent = (changes: Partial<BillingEvent> = {}): BillingEvent => ({
  id: 'sp_20260131T230000Z_1_abc',
  customer: 'cus_ann',
  payer: 'cus_ann',
  meter: 'api_requests',
  windowStartMs: 0,
  windowMs: 3_600_000,
  sequence: 1,
  value: 42,
  atMs: 0,
  state: 'waiting',
  tries: 0,
  answers: 0,
  firstSentAtMs: undefined,
  reason: undefined,
  detail: undefined,
  createdAtMs: 0,
  ...changes,
});
