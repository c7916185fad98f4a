/**
 * Brings payments to their end whose callers do not come back: those that a process left behind, and those that the mint left
 * without an answer. Any number of processes may do this on one ledger, for each payment is acted on under its lease.
 */
import type { DuePayment, Ledger, Outstanding } from './ledger.ts';
import { createJitter, createRestingMints } from './resting-mints.ts';
import type { Settle } from './settlement.ts';

export type RecoveryOptions = Readonly<{
  ledger: Pick<Ledger, 'outstanding'>;
  /** Whether payments of this mint can be acted on. */
  isAccepted: (mint: string) => boolean;
  settle: Settle;
  now: () => number;
  /** Resolves after so many milliseconds, or at the signal. */
  pause: (ms: number, signal: AbortSignal) => Promise<void>;
  /** From 0 up to 1: keeps processes that started together from asking together. */
  random: () => number;
  onOutstanding(outstanding: Outstanding): void;
  onRecovered(payment: DuePayment, result: 'settled' | 'rejected'): void;
  /** Told once of a mint that payments wait for and that is not accepted any more. */
  onStranded(mint: string): void;
  onFailed(error: unknown): void;
}>;

export type Recovery = Readonly<{
  start(): void;
  /** Begins nothing more. What is under way is left to its lease. */
  close(): Promise<void>;
  /** What is wrong, for readiness: payments that have waited for long. */
  problem(): string | undefined;
}>;

/** Between two looks into the ledger. */
const LOOK_AGAIN_MS = 2_000;
/** Longer than any mint that works keeps a payment in doubt. */
const TOO_LONG_MS = 5 * 60_000;
const MOST_AT_A_LOOK = 64;
const MOST_AT_ONE_MINT = 4;
const MOST_MINTS = 16;

export const createRecovery = (options: RecoveryOptions): Recovery => {
  const { ledger, isAccepted, settle, now, pause, onStranded } = options;
  /** A payment that another acts on is left to them. */
  const withoutWaiting = AbortSignal.abort();
  const busy = new Set<string>();
  let waking = new AbortController();
  let latest: Outstanding | undefined;
  let closed = false;
  let looking: Promise<void> | undefined;

  const jittered = createJitter(options.random);
  const mints = createRestingMints({ now, jittered, onStranded });

  const report = (error: unknown): void => {
    if (!closed) options.onFailed(error);
  };

  /** Says whether the mint gave a certain answer. */
  const recover = async (payment: DuePayment): Promise<boolean> => {
    const { resolution } = await settle(payment.id, undefined, withoutWaiting);
    if (resolution === 'settled' || resolution === 'rejected') options.onRecovered(payment, resolution);
    return resolution !== 'uncertain';
  };

  /** The first alone: a mint that is out of reach is asked once and not by all that wait for it. */
  const workThrough = async (payments: readonly DuePayment[]): Promise<boolean> => {
    const queue = payments.values();
    const failures: unknown[] = [];
    let answers = true;
    const takeOne = async (): Promise<boolean> => {
      const { value } = queue.next();
      if (!value || !answers || closed) return false;
      try {
        if (!(await recover(value))) answers = false;
      } catch (error) {
        // One that cannot be read does not keep the others waiting.
        failures.push(error);
      }
      return true;
    };
    const takeAll = async (): Promise<void> => {
      while (await takeOne());
    };
    await takeOne();
    await Promise.all(Array.from({ length: MOST_AT_ONE_MINT }, takeAll));
    if (failures.length > 0) report(failures[0]);
    return answers && failures.length === 0;
  };

  const serve = async (mint: string, payments: readonly DuePayment[]): Promise<void> => {
    busy.add(mint);
    const isFine = await workThrough(payments);
    busy.delete(mint);
    // Where all went well, there may be more.
    if (isFine) waking.abort();
    else mints.rest(mint);
  };

  /** Says whether there may be more behind what was found. */
  const look = async (): Promise<boolean> => {
    const outstanding = await ledger.outstanding(now(), [...busy, ...mints.all()], MOST_AT_A_LOOK);
    latest = outstanding;
    options.onOutstanding(outstanding);
    let hasStranded = false;
    for (const [mint, payments] of Map.groupBy(outstanding.due, ({ mint: url }) => url)) {
      if (!isAccepted(mint)) hasStranded = mints.strand(mint) || hasStranded;
      else if (busy.size < MOST_MINTS && !closed) void serve(mint, payments);
    }
    return hasStranded;
  };

  const lookNowAndThen = async (): Promise<void> => {
    let failing = false;
    while (!closed) {
      waking = new AbortController();
      try {
        while (await look());
        failing = false;
      } catch (error) {
        // Said once of an outage, not at every look.
        if (!failing) report(error);
        failing = true;
      }
      await pause(jittered(LOOK_AGAIN_MS), waking.signal);
    }
  };

  return {
    start() {
      looking ??= lookNowAndThen();
    },

    async close() {
      closed = true;
      waking.abort();
      await looking;
    },

    problem() {
      const { count, oldestAtMs } = latest ?? { count: 0 };
      if (oldestAtMs === undefined || now() - oldestAtMs < TOO_LONG_MS) return undefined;
      const since = new Date(oldestAtMs).toISOString();
      return `the mint has given no certain answer for ${count} payments, the oldest of ${since}`;
    },
  };
};
