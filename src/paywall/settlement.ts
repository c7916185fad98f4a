/**
 * Many requests with one token lead to one redemption: in this process they share its promise, and where another process
 * acts on the payment they look again for a while.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Redeem, Resolution, Write } from './redeem.ts';

/**
 * Resolves when the payment has come to an end, or to a rest; gives up at the signal, and the redemption goes on. `write` is
 * left out where the payment is written already.
 */
export type Settle = (paymentId: string, write: Write | undefined, signal: AbortSignal) => Promise<Resolution>;

const LOOK_AGAIN_MS = 100;

export const createSettlement = (redeem: Redeem): Settle => {
  const flights = new Map<string, Promise<Resolution>>();

  const fly = (paymentId: string, write: Write | undefined): Promise<Resolution> => {
    const flight = redeem(paymentId, write).finally(() => flights.delete(paymentId));
    flights.set(paymentId, flight);
    return flight;
  };

  return async (paymentId, write, signal) => {
    let resolution = await (flights.get(paymentId) ?? fly(paymentId, write));
    while (resolution.resolution === 'busy' && !signal.aborted) {
      await delay(LOOK_AGAIN_MS);
      resolution = await (flights.get(paymentId) ?? fly(paymentId, undefined));
    }
    return resolution;
  };
};
