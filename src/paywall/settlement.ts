/**
 * Many requests with one token lead to one redemption: in this process they share its promise, and where another process
 * holds the lease they look again for a while.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { PreparedPayment } from './ledger.ts';
import type { Redeem, Resolution } from './redeem.ts';

export type Settle = (payment: PreparedPayment) => Promise<Resolution>;

export type SettlementOptions = Readonly<{
  redeem: Redeem;
  /** How long a caller is kept waiting; the redemption itself goes on. */
  patienceMs: number;
  /** Told once of every redemption that this process brought to an end. */
  onConcluded?: (payment: PreparedPayment, result: 'settled' | 'rejected') => void;
}>;

const LOOK_AGAIN_MS = 100;

export const createSettlement = ({ redeem, patienceMs, onConcluded }: SettlementOptions): Settle => {
  const flights = new Map<string, Promise<Resolution>>();

  const start = (payment: PreparedPayment): Promise<Resolution> => {
    const flight = redeem(payment)
      .then((resolution) => {
        if (resolution === 'settled' || resolution === 'rejected') onConcluded?.(payment, resolution);
        return resolution;
      })
      .finally(() => flights.delete(payment.id));
    flights.set(payment.id, flight);
    return flight;
  };

  const settleWithin = async (payment: PreparedPayment, signal: AbortSignal): Promise<Resolution> => {
    for (;;) {
      const resolution = await (flights.get(payment.id) ?? start(payment));
      if (resolution !== 'busy' || signal.aborted) return resolution;
      await delay(LOOK_AGAIN_MS);
    }
  };

  return async (payment) => {
    const patience = new AbortController();
    const timedOut = delay<Resolution>(patienceMs, 'uncertain', { signal: patience.signal, ref: false });
    try {
      return await Promise.race([settleWithin(payment, patience.signal), timedOut]);
    } finally {
      timedOut.catch(() => 'cancelled');
      patience.abort();
    }
  };
};
