/** Credits: requests that a key has left, one for each. */
import type { Credits } from './key-store.ts';

/** As they are asked for: the first refill comes one interval later. */
export type CreditGrant = Readonly<{
  remaining: number;
  refill: Readonly<{ amount: number; intervalMs: number }> | undefined;
}>;

export const grantCredits = ({ remaining, refill }: CreditGrant, nowMs: number): Credits => ({
  remaining,
  refill: refill && { ...refill, nextAt: nowMs + refill.intervalMs },
});

/** What credits that were read are worth now: a refill is carried out in the store by the request that finds it due. */
export const creditsAt = (credits: Credits, nowMs: number): Credits => {
  const { remaining, refill } = credits;
  if (!refill || refill.nextAt > nowMs) return credits;
  const { amount, intervalMs, nextAt } = refill;
  const missed = Math.floor((nowMs - nextAt) / intervalMs) + 1;
  return { remaining: Math.max(remaining, amount), refill: { ...refill, nextAt: nextAt + missed * intervalMs } };
};
