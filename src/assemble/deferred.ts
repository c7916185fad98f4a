/** Accepting locked tokens without asking their mints, and bringing them there later. */
import { randomBytes } from 'node:crypto';
import { normalizeMintUrl } from '@cashu/cashu-ts';
import type { Config } from '../config/config.ts';
import type { Curve } from '../paywall/curve/operations.ts';
import { type Accept, createAcceptor } from '../paywall/deferred/acceptor.ts';
import { createBatcher } from '../paywall/deferred/batch.ts';
import { createChecker } from '../paywall/deferred/checker.ts';
import type { RefusedSum, Unsettled } from '../paywall/deferred/deferred-ledger.ts';
import { createBatchLedger } from '../paywall/deferred/refuser.ts';
import { createSettler, type Settler } from '../paywall/deferred/settler.ts';
import type { NewPayment, PreparedPayment } from '../paywall/ledger.ts';
import type { Mint } from '../paywall/mint.ts';
import { createRedeemer } from '../paywall/redeem.ts';
import type { LedgerStores } from './ledger.ts';
import type { AssembledLock } from './lock.ts';

export type DeferredEvents = Readonly<{
  onAccepted(payment: NewPayment): void;
  onUnsettled(unsettled: Unsettled): void;
  onBatchSettled(batch: PreparedPayment): void;
  onBatchRefused(batchId: string, sum: RefusedSum): void;
  onUncertain(payment: PreparedPayment, reason: string): void;
  onStranded(mint: string): void;
  onSettlingFailed(error: unknown): void;
}>;

export type DeferredParts = Readonly<{
  cashu: Pick<Config['cashu'], 'lock' | 'request_timeout'>;
  stores: LedgerStores;
  lock: AssembledLock;
  curve: Curve;
  mintOf: (url: string) => Mint | undefined;
  /** Names this process in leases. */
  holder: string;
  now: () => number;
  pause: (ms: number, signal: AbortSignal) => Promise<void>;
  events: DeferredEvents;
}>;

/** What was accepted under a configuration of before is settled as soon as that. */
const SETTLE_EVERY_MS = 10_000;

/** `accept` is left out where every mint is asked. What was accepted before is settled all the same. */
export const assembleDeferred = (parts: DeferredParts): Readonly<{ accept: Accept | undefined; settler: Settler }> => {
  const { curve, mintOf, now, events } = parts;
  const { ledger, deferred } = parts.stores;
  const { lockKey, unlock } = parts.lock;
  const { request_timeout: callMs, lock } = parts.cashu;
  const offline = lockKey && lock?.accept_offline;
  const caps = new Map(
    offline?.max_unsettled.map(({ mint, unit, amount }) => [`${normalizeMintUrl(mint)}\n${unit}`, amount]),
  );
  const createId = () => `bat_${randomBytes(16).toString('hex')}`;

  return {
    accept:
      offline &&
      createAcceptor({
        deferred,
        mintOf,
        curve,
        capOf: (mint, unit) => caps.get(`${mint}\n${unit}`),
        settleWithinMs: offline.settle_within,
        now,
        onAccepted: events.onAccepted,
      }),

    settler: createSettler({
      deferred,
      mintOf,
      openBatch: createBatcher({ deferred, curve, unlock, publicKey: lockKey?.publicKey, createId, now }),
      check: createChecker({ deferred, curve, now }),
      redeem: createRedeemer({
        ledger: createBatchLedger(ledger, deferred, events.onBatchRefused),
        mintOf,
        curve,
        holder: parts.holder,
        callMs,
        now,
        onConcluded: (batch, result) => {
          if (result === 'settled') events.onBatchSettled(batch);
        },
        onUncertain: events.onUncertain,
      }),
      settleEveryMs: offline ? offline.settle_every : SETTLE_EVERY_MS,
      now,
      pause: parts.pause,
      random: Math.random,
      onUnsettled: events.onUnsettled,
      onStranded: events.onStranded,
      onFailed: events.onSettlingFailed,
    }),
  };
};
