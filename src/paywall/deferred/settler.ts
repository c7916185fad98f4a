/**
 * Brings accepted payments to their mints, in batches. Any number of processes may do this on one ledger: a payment gets into
 * one batch, and each batch is acted on under its lease. Nothing is lost where all of them end: what waits, waits.
 */
import type { Mint } from '../mint.ts';
import type { Redeem } from '../redeem.ts';
import { createJitter, createRestingMints } from '../resting-mints.ts';
import { MOST_PROOFS, type OpenBatch } from './batch.ts';
import type { Check } from './checker.ts';
import type { DeferredLedger, Group, Unsettled } from './deferred-ledger.ts';

export type SettlerOptions = Readonly<{
  deferred: Pick<DeferredLedger, 'unsettled'>;
  mintOf: (url: string) => Mint | undefined;
  openBatch: OpenBatch;
  check: Check;
  /** Of batches. */
  redeem: Redeem;
  settleEveryMs: number;
  now: () => number;
  /** Resolves after so many milliseconds, or at the signal. */
  pause: (ms: number, signal: AbortSignal) => Promise<void>;
  /** From 0 up to 1: keeps processes that started together from asking together. */
  random: () => number;
  onUnsettled(unsettled: Unsettled): void;
  /** Told once of a mint that payments wait for and that is not accepted any more. */
  onStranded(mint: string): void;
  /** The payments stay where they are, and are tried again. */
  onFailed(error: unknown): void;
}>;

export type Settler = Readonly<{
  /** Settles what is due. Says whether there may be more; throws where the ledger does not answer. */
  settleDue(): Promise<boolean>;
  start(): void;
  /** Begins nothing more. What is under way is left to its lease. */
  close(): Promise<void>;
  /** What is wrong, for readiness: payments that have waited for long. */
  problem(): string | undefined;
}>;

/** Between two looks into the ledger, where payments are settled less often than that. */
const LOOK_AGAIN_MS = 2_000;
/** Longer than any mint that works leaves payments unsettled that were due. */
const TOO_LONG_MS = 5 * 60_000;

export const createSettler = (options: SettlerOptions): Settler => {
  const { deferred, mintOf, openBatch, check, redeem, settleEveryMs, now, pause, onStranded } = options;
  const jittered = createJitter(options.random);
  const mints = createRestingMints({ now, jittered, onStranded });
  /** Said once of a mint, until all is well again. */
  const failing = new Set<string>();
  const closing = new AbortController();
  let latest: Unsettled | undefined;
  let looking: Promise<void> | undefined;

  const isReady = ({ proofs, oldestAtMs, isDivided }: Group): boolean =>
    isDivided || proofs >= MOST_PROOFS || oldestAtMs <= now() - settleEveryMs;

  /** Undefined for one that has to wait. */
  const reachable = (url: string): Mint | undefined => {
    const mint = mintOf(url);
    if (!mint) mints.strand(url);
    return mints.isResting(url) || closing.signal.aborted ? undefined : mint;
  };

  /** Says whether the mint gave a certain answer. */
  const settle = async (mint: string, batchId: string): Promise<boolean> => {
    const { resolution } = await redeem(batchId);
    if (resolution === 'uncertain') mints.rest(mint);
    return resolution !== 'uncertain';
  };

  /** Says whether there may be more. */
  const attempt = async (url: string, run: (mint: Mint) => Promise<boolean>): Promise<boolean> => {
    const mint = reachable(url);
    if (!mint) return false;
    try {
      const isMore = await run(mint);
      failing.delete(url);
      return isMore;
    } catch (error) {
      mints.rest(url);
      if (!failing.has(url) && !closing.signal.aborted) options.onFailed(error);
      failing.add(url);
      return false;
    }
  };

  const serve = (group: Group): Promise<boolean> =>
    attempt(group.mint, async (mint) => {
      if (!isReady(group)) return check(mint, group);
      const batchId = await openBatch(mint, group);
      return batchId !== undefined && settle(group.mint, batchId);
    });

  const settleDue = async (): Promise<boolean> => {
    const unsettled = await deferred.unsettled(now());
    latest = unsettled;
    options.onUnsettled(unsettled);
    const { due, groups } = unsettled;
    const urls = [...new Set([...due, ...groups].map(({ mint }) => mint))];
    // One after another at each mint: one that is out of reach is asked once.
    const more = await Promise.all(
      urls.map(async (mint) => {
        for (const batch of due) if (batch.mint === mint) await attempt(mint, () => settle(mint, batch.id));
        let isMore = false;
        for (const group of groups) if (group.mint === mint) isMore = (await serve(group)) || isMore;
        return isMore;
      }),
    );
    return more.includes(true);
  };

  const lookNowAndThen = async (): Promise<void> => {
    let isDown = false;
    const closed = new Promise<false>((resolve) => closing.signal.addEventListener('abort', () => resolve(false)));
    while (!closing.signal.aborted) {
      try {
        while (await Promise.race([settleDue(), closed]));
        isDown = false;
      } catch (error) {
        // Said once of an outage, not at every look.
        if (!isDown && !closing.signal.aborted) options.onFailed(error);
        isDown = true;
      }
      await pause(jittered(Math.min(LOOK_AGAIN_MS, settleEveryMs)), closing.signal);
    }
  };

  return {
    settleDue,

    start() {
      looking ??= lookNowAndThen();
    },

    async close() {
      closing.abort();
      await looking;
    },

    problem() {
      const { count, oldestAtMs } = latest ?? { count: 0 };
      if (oldestAtMs === undefined || now() - oldestAtMs < settleEveryMs + TOO_LONG_MS) return undefined;
      const since = new Date(oldestAtMs).toISOString();
      return `${count} payments that were accepted without asking their mints are not settled, the oldest of ${since}`;
    },
  };
};
