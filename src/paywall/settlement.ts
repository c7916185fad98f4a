/**
 * Many requests with one token lead to one redemption: in this process they share its promise, and where another process
 * acts on the payment they look again for a while.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Redeem, Resolution } from './redeem.ts';

/** Writes the payment down; left out where it is written already. */
export type Prepare = () => Promise<unknown>;

/** Resolves when the payment has come to an end, or to a rest; gives up at the signal, and the redemption goes on. */
export type Settle = (paymentId: string, prepare: Prepare | undefined, signal: AbortSignal) => Promise<Resolution>;

const LOOK_AGAIN_MS = 100;

export const createSettlement = (redeem: Redeem): Settle => {
  const flights = new Map<string, Promise<Resolution>>();

  const begin = async (paymentId: string, prepare: Prepare | undefined): Promise<Resolution> => {
    await prepare?.();
    return redeem(paymentId);
  };

  const fly = (paymentId: string, prepare: Prepare | undefined): Promise<Resolution> => {
    const flight = begin(paymentId, prepare).finally(() => flights.delete(paymentId));
    flights.set(paymentId, flight);
    return flight;
  };

  return async (paymentId, prepare, signal) => {
    let resolution = await (flights.get(paymentId) ?? fly(paymentId, prepare));
    while (resolution.resolution === 'busy' && !signal.aborted) {
      await delay(LOOK_AGAIN_MS);
      resolution = await (flights.get(paymentId) ?? fly(paymentId, undefined));
    }
    return resolution;
  };
};
