/** Says, for usage on its way to the store, which customer each of its callers is. */
import type { UsageStore } from '../usage-store.ts';
import type { BillingAssignment } from './assignment.ts';
import type { BillingStore } from './billing-store.ts';
import type { CustomerStore } from './customer-store.ts';

export type BillingTerms = Omit<BillingAssignment, 'nowMs' | 'customers'>;

/** Throws where the customers cannot be read: usage waits until it is known whose it is. */
export const createAssigningAdd =
  (
    store: Pick<BillingStore, 'callersOf' | 'add'>,
    customers: Pick<CustomerStore, 'ofCallers'>,
    terms: BillingTerms,
    now: () => number,
  ): UsageStore['add'] =>
  async (lines) => {
    const callers = await store.callersOf(lines);
    const found = await customers.ofCallers(callers);
    const named = callers.flatMap(([keyId, userId], index) => {
      const customer = found[index];
      return customer === undefined ? [] : [[keyId, userId, customer] as const];
    });
    return store.add(lines, { ...terms, nowMs: now(), customers: named });
  };
