/** Makes billing events that need a decision, and gives their identifiers. */
import { HOUR_MS } from '../billing/terms.ts';
import { eventOf, linesOf } from '../usage/usage-events.ts';
import type { startCalls } from './calls.ts';

export const createSetAside =
  ({ billing, now, pass }: Pick<Awaited<ReturnType<typeof startCalls>>, 'billing' | 'now' | 'pass'>) =>
  async (names: readonly string[]): Promise<string[]> => {
    const atMs = now();
    const assignment = { nowMs: atMs, windowMs: HOUR_MS, lateMs: 0, isDry: false, meter: 'api_requests', meterOf: {} };
    for (const name of names) {
      const lines = linesOf([eventOf(name, { atMs, keyId: name })]);
      await billing.add(lines, { ...assignment, customers: [[name, 'ann', `cus_${name}`]] });
    }
    pass(HOUR_MS);
    await billing.close(now(), 100);
    const untilMs = now() + 1_000;
    const holder = 'test';
    const limits = { tooOldBeforeMs: 0, unconfirmedBeforeMs: 0, limit: 100 };
    const lease = await billing.lease({ holder, nowMs: now(), untilMs, ...limits });
    const events = lease.lease === 'taken' ? lease.events : [];
    const conclusions = events.map(
      ({ id }) => ({ id, became: 'reconcile', reason: 'unknown_customer', detail: 'No such customer' }) as const,
    );
    await billing.conclude({
      holder,
      nowMs: now(),
      untilMs,
      conclusions,
      restUntilMs: 0,
      problem: undefined,
      error: 'No such customer',
    });
    return events.map(({ id }) => id).sort();
  };
