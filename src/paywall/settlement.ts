/**
 * Many requests with one token lead to one redemption: in this process they share its promise, and where another process
 * acts on the payment they look again for a while.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Present, Redeem, Resolution, Write } from './redeem.ts';

/**
 * Resolves when the payment has come to an end, or to a rest; gives up at the signal, and the redemption goes on. `write` is
 * left out where the payment is written already. `present` is asked of whoever begins the redemption, and nobody else.
 */
export type Settle = (
  paymentId: string,
  write: Write | undefined,
  signal: AbortSignal,
  present?: Present,
) => Promise<Resolution>;

const LOOK_AGAIN_MS = 100;

export const createSettlement = (redeem: Redeem): Settle => {
  const flights = new Map<string, Promise<Resolution>>();

  const fly = (paymentId: string, write: Write | undefined, present: Present | undefined): Promise<Resolution> => {
    const flight = redeem(paymentId, write, present).finally(() => flights.delete(paymentId));
    flights.set(paymentId, flight);
    return flight;
  };

  /** What it brought to the request that began it is not for the others. */
  const join = (paymentId: string): Promise<Resolution> | undefined =>
    flights
      .get(paymentId)
      ?.then((resolution) => (resolution.resolution === 'settled' ? { resolution: 'settled' } : resolution));

  return async (paymentId, write, signal, present) => {
    let resolution = await (join(paymentId) ?? fly(paymentId, write, present));
    while (resolution.resolution === 'busy' && !signal.aborted) {
      await delay(LOOK_AGAIN_MS);
      resolution = await (join(paymentId) ?? fly(paymentId, undefined, present));
    }
    return resolution;
  };
};
