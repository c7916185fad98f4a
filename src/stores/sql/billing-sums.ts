/** New usage on its way to a bill: added up by customer, meter and window, in the transaction that has written it. */
import type { BillingAssignment } from '../../usage/billing/assignment.ts';
import type { UsageLine } from '../../usage/usage-line.ts';
import { insertRows } from './insert-rows.ts';
import type { SqlValue, Transaction } from './transaction.ts';

type Sum = {
  readonly start: number;
  readonly customer: string;
  readonly meter: string;
  value: number;
  lastAtMs: number;
};

const callerOf = (keyId: string, userId: string): string => JSON.stringify([keyId, userId]);

const sumUp = (events: readonly UsageLine[], assignment: BillingAssignment): [string, Sum][] => {
  const { nowMs, windowMs, meter: byDefault, meterOf, customers } = assignment;
  const customerOf = new Map(customers.map(([keyId, userId, customer]) => [callerOf(keyId, userId), customer]));
  const meters = new Map(Object.entries(meterOf));
  const sums = new Map<string, Sum>();
  for (const [, toldAtMs, , keyId, userId, rule, , , , , billable] of events) {
    const customer = billable === 1 ? customerOf.get(callerOf(keyId, userId)) : undefined;
    const meter = meters.has(rule) ? meters.get(rule) : byDefault;
    if (customer === undefined || meter === undefined || meter === null) continue;
    // A clock that is ahead does not put usage into a window that nobody closes for years.
    const atMs = Math.min(toldAtMs, nowMs);
    const start = atMs - (atMs % windowMs);
    const place = JSON.stringify([customer, meter, start]);
    const sum = sums.get(place) ?? { start, customer, meter, value: 0, lastAtMs: atMs };
    sum.value += 1;
    sum.lastAtMs = Math.max(sum.lastAtMs, atMs);
    sums.set(place, sum);
  }
  return [...sums];
};

/** In one order for all, so that none waits for another that waits for it. */
export const addToBillingSums = async (
  transaction: Transaction,
  events: readonly UsageLine[],
  assignment: BillingAssignment,
): Promise<void> => {
  const { nowMs, windowMs, lateMs, isDry } = assignment;
  const sums = sumUp(events, assignment).sort(([one], [other]) => (one < other ? -1 : 1));
  await insertRows(
    transaction,
    {
      head: `INSERT INTO billing_sums (customer, meter, window_start, window_ms, is_dry, value, last_at, due_at) VALUES`,
      rows: sums.map(([, { customer, meter, start, value, lastAtMs }]): SqlValue[] => {
        const dueAtMs = Math.max(start + windowMs, nowMs) + lateMs;
        return [customer, meter, start, windowMs, isDry ? 1 : 0, value, lastAtMs, dueAtMs];
      }),
    },
    `ON CONFLICT (customer, meter, window_start, window_ms, is_dry) DO UPDATE SET
      value = billing_sums.value + excluded.value,
      last_at = CASE WHEN excluded.last_at > billing_sums.last_at THEN excluded.last_at ELSE billing_sums.last_at END`,
  );
};
