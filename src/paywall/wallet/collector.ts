/**
 * Makes proofs of every settled payment in the background, also of those that a process left behind. Any number of processes
 * may do so on one ledger: the same signatures give the same proofs, and the first to write them wins.
 */
import type { Curve } from '../curve/operations.ts';
import type { Mint } from '../mint.ts';
import { makeProofs } from './make-proofs.ts';
import type { Made, NewProof, ProofStore, Uncollected } from './proof-store.ts';

export type CollectorOptions = Readonly<{
  proofs: Pick<ProofStore, 'uncollected' | 'signed' | 'collect'>;
  mintOf: (url: string) => Mint | undefined;
  curve: Curve;
  now: () => number;
  /** Resolves after so many milliseconds, or at the signal. */
  pause: (ms: number, signal: AbortSignal) => Promise<void>;
  onCollected(payment: Uncollected, proofs: readonly NewProof[]): void;
  /** The mint's signatures stay where they are, and are tried again. */
  onPostponed(mint: string, error: unknown): void;
  onFailed(error: unknown): void;
}>;

export type Collector = Readonly<{
  start(): void;
  /** There is something to collect. */
  wake(): void;
  /** Ends after what is under way. */
  close(): Promise<void>;
}>;

/** Payments that settle at the same time are collected together. */
const GATHER_MS = 50;
/** What other processes left behind is found without being woken. */
const LOOK_AGAIN_MS = 60_000;
/** A mint whose keys cannot be had is left alone for so long. */
const MINT_REST_MS = 30_000;
const MOST_AT_A_LOOK = 32;
/** So that reading the next overlaps with the curve's work for the one before. */
const MOST_AT_ONCE = 4;

class KeysMissing extends Error {
  override name = 'KeysMissing';
}

export const createCollector = (options: CollectorOptions): Collector => {
  const { proofs, mintOf, curve, now, pause } = options;
  const restingUntil = new Map<string, number>();
  const reported = new Set<string>();
  let waking = new AbortController();
  let isWoken = false;
  const closing = new AbortController();
  let running: Promise<void> | undefined;

  const rest = (mint: string, error: unknown): void => {
    if (!restingUntil.has(mint)) options.onPostponed(mint, error);
    restingUntil.set(mint, now() + MINT_REST_MS);
  };

  const keysOf = async (url: string, keysetId: string) => {
    try {
      const mint = mintOf(url);
      if (!mint) throw new Error(`the mint ${url} is not in cashu.mints: name it again to collect its money`);
      return (await mint.keys(keysetId)).keys;
    } catch (error) {
      rest(url, error);
      throw new KeysMissing('the mint is asked again later', { cause: error });
    }
  };

  /** Undefined where there is nothing to be made now. */
  const make = async (payment: Uncollected): Promise<Made | undefined> => {
    if (restingUntil.has(payment.mint)) return undefined;
    const signed = await proofs.signed(payment.paymentId);
    if (!signed) return undefined;
    const keys = (keysetId: string) => keysOf(payment.mint, keysetId);
    return { payment, proofs: await makeProofs(payment, signed, curve, keys) };
  };

  /** One that cannot be read or written does not keep the others waiting, and is reported once. */
  const orReport = async <T>({ paymentId }: Uncollected, run: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await run();
    } catch (error) {
      if (error instanceof KeysMissing || reported.has(paymentId)) return undefined;
      reported.add(paymentId);
      options.onFailed(error);
      return undefined;
    }
  };

  const makeAll = async (payments: readonly Uncollected[]): Promise<readonly Made[]> => {
    const queue = payments.values();
    const all: Made[] = [];
    const lane = async (): Promise<void> => {
      for (const payment of queue) {
        if (closing.signal.aborted) return;
        const made = await orReport(payment, () => make(payment));
        if (made) all.push(made);
      }
    };
    await Promise.all(Array.from({ length: MOST_AT_ONCE }, lane));
    return all;
  };

  const write = async (made: readonly Made[]): Promise<void> => {
    if (made.length === 0) return;
    const collected = new Set(await proofs.collect(made, now()));
    for (const { payment, proofs: own } of made) {
      reported.delete(payment.paymentId);
      if (collected.has(payment.paymentId)) options.onCollected(payment, own);
    }
  };

  /** By one transaction; where it fails, each alone. */
  const collectAll = async (payments: readonly Uncollected[]): Promise<void> => {
    const made = await makeAll(payments);
    try {
      await write(made);
    } catch {
      for (const one of made) await orReport(one.payment, () => write([one]));
    }
  };

  const look = async (): Promise<void> => {
    for (const [mint, untilMs] of restingUntil) if (untilMs <= now()) restingUntil.delete(mint);
    let after = '';
    for (;;) {
      const found = await proofs.uncollected(after, [...restingUntil.keys()], MOST_AT_A_LOOK);
      await collectAll(found);
      after = found.at(-1)?.paymentId ?? '';
      if (found.length < MOST_AT_A_LOOK || closing.signal.aborted) return;
    }
  };

  const lookNowAndThen = async (): Promise<void> => {
    let failing = false;
    while (!closing.signal.aborted) {
      isWoken = false;
      waking = new AbortController();
      try {
        await look();
        failing = false;
      } catch (error) {
        // Said once of an outage, not at every look.
        if (!failing) options.onFailed(error);
        failing = true;
      }
      if (!isWoken) await pause(LOOK_AGAIN_MS, AbortSignal.any([waking.signal, closing.signal]));
      await pause(GATHER_MS, closing.signal);
    }
  };

  return {
    start() {
      running ??= lookNowAndThen();
    },

    wake() {
      // An abort costs as much as a signature: it is done once, not by each payment.
      if (isWoken) return;
      isWoken = true;
      waking.abort();
    },

    async close() {
      closing.abort();
      await running;
    },
  };
};
