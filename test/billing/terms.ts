import type { BillingAssignment } from '../../src/usage/billing/assignment.ts';
import type { BillingEvent, BillingStore, Conclusion } from '../../src/usage/billing/billing-store.ts';

export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;

/** 2026-01-31T23:00:00Z, where `eventOf` of the usage tests puts events. */
export const start = Date.UTC(2026, 0, 31, 23);

export const assignmentOf = (changes: Partial<BillingAssignment> = {}): BillingAssignment => ({
  nowMs: start + 1_000,
  windowMs: HOUR_MS,
  lateMs: 60_000,
  isDry: false,
  meter: 'api_requests',
  meterOf: {},
  customers: [['key_a', 'ann', 'cus_ann']],
  ...changes,
});

/** After the window of `start`, and the time for late usage. */
export const closedAtMs = start + HOUR_MS + 60_000;

export const leaseOf = (store: BillingStore, nowMs: number, holder = 'one') =>
  store.lease({
    holder,
    nowMs,
    untilMs: nowMs + 20_000,
    limit: 16,
    tooOldBeforeMs: nowMs - 35 * DAY_MS,
    unconfirmedBeforeMs: nowMs - DAY_MS,
  });

/** Leases what is due, or nothing where another has the lease. */
export const dueOf = async (store: BillingStore, nowMs: number, holder = 'one'): Promise<readonly BillingEvent[]> => {
  const lease = await leaseOf(store, nowMs, holder);
  return lease.lease === 'taken' ? lease.events : [];
};

export const concludeAll = (
  store: BillingStore,
  { nowMs, untilMs = nowMs + 20_000, holder = 'one' }: Readonly<{ nowMs: number; untilMs?: number; holder?: string }>,
  conclusions: readonly Conclusion[],
): Promise<void> =>
  store.conclude({ holder, nowMs, untilMs, conclusions, restUntilMs: nowMs, problem: undefined, error: undefined });
