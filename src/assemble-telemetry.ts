/** What is told of everything that happens: lines in the log, and counts. */
import type { Config } from './config/config.ts';
import type { RefusedSum, Unsettled } from './paywall/deferred/deferred-ledger.ts';
import type { DuePayment, NewPayment, Outstanding, PreparedPayment } from './paywall/ledger.ts';
import type { Payout } from './paywall/wallet/payout.ts';
import type { NewProof, Uncollected } from './paywall/wallet/proof-store.ts';
import type { Refunded } from './paywall/wallet/refund.ts';
import type { Spend } from './paywall/wallet/spend-store.ts';
import { createLogger } from './telemetry/logger.ts';
import { createMetrics } from './telemetry/metrics.ts';
import { createObserver } from './telemetry/observer.ts';

/** `payment` or `spend`: what was to bring them. */
type BadProofsOf = Readonly<{ mint: string; unit: string; payment?: string; spend?: string }>;

export type Telemetry = ReturnType<typeof assembleTelemetry>;

export const assembleTelemetry = ({ logger: options }: Config, now: () => number) => {
  const { logger, flush } = createLogger(options);
  const metrics = createMetrics();
  const ageSeconds = (atMs: number | undefined): number =>
    atMs === undefined ? 0 : Math.max(0, (now() - atMs) / 1_000);

  /** A bad proof is the mint's debt to us: a payer keeps the credit. */
  const badProofs = (of: BadProofsOf, proofs: readonly NewProof[]): void => {
    const bad = proofs.filter(({ state }) => state === 'bad');
    if (bad.length === 0) return;
    metrics.proofs.count({ mint: of.mint, result: 'bad' }, bad.length);
    const amount = bad.reduce((sum, proof) => sum + proof.amount, 0);
    const what = 'the mint signed wrongly: what it took cannot be spent';
    logger.error({ event: 'proofs_bad', ...of, amount, count: bad.length }, what);
  };

  return {
    flush,
    registry: metrics.registry,
    decided: createObserver(metrics, logger, options.sample_allows, Math.random),

    countLookup: (cache: string) => (result: 'hit' | 'miss') => metrics.cacheLookups.count({ cache, result }),

    keysRefreshed(issuer: string, outcome: 'changed' | 'unchanged' | 'failed', error: unknown) {
      metrics.jwksRefreshes.count({ issuer, outcome });
      if (outcome === 'failed') logger.warn({ event: 'jwks_refresh_failed', issuer, err: error }, 'keys not fetched');
      if (outcome === 'changed') logger.info({ event: 'jwks_changed', issuer }, 'keys fetched');
    },

    paymentConcluded({ id, rule, mint, amount, unit }: PreparedPayment, result: string) {
      metrics.payments.count({ rule, mint, result });
      if (result === 'settled') metrics.paidAmount.count({ mint, unit }, amount);
      logger.info({ event: `payment_${result}`, payment: id, rule, mint, amount, unit }, `payment ${result}`);
    },

    paymentAccepted({ id, rule, mint, amount, unit }: NewPayment) {
      metrics.payments.count({ rule, mint, result: 'accepted' });
      metrics.paidAmount.count({ mint, unit }, amount);
      logger.info({ event: 'payment_accepted', payment: id, rule, mint, amount, unit }, 'payment accepted');
    },

    paymentsUnsettled({ count, oldestAtMs }: Unsettled) {
      metrics.paymentsUnsettled.set(count);
      metrics.oldestUnsettledSeconds.set(ageSeconds(oldestAtMs));
    },

    batchSettled({ id, mint, amount, unit }: PreparedPayment) {
      metrics.batches.count({ mint, result: 'settled' });
      logger.info({ event: 'batch_settled', batch: id, mint, amount, unit }, 'accepted payments settled');
    },

    batchRefused(batch: string, { mint, unit, amount, count }: RefusedSum) {
      metrics.batches.count({ mint, result: 'refused' });
      const what = 'the mint refuses what was accepted without asking it; it accepts nothing unasked for an hour';
      logger.error({ event: 'batch_refused', batch, mint, unit, amount, count }, what);
    },

    settlingFailed: (error: unknown) =>
      logger.error({ event: 'settling_failed', err: error }, 'accepted payments cannot be settled'),

    paymentUncertain({ id, mint }: PreparedPayment, reason: string) {
      logger.warn({ event: 'payment_uncertain', payment: id, mint, reason }, 'the mint has not answered for certain');
    },

    paymentsOutstanding({ count, oldestAtMs }: Outstanding) {
      metrics.paymentsPrepared.set(count);
      metrics.oldestPreparedSeconds.set(ageSeconds(oldestAtMs));
    },

    paymentRecovered({ id, mint, createdAtMs }: DuePayment, result: string) {
      metrics.paymentsRecovered.count({ mint, result });
      logger.info(
        { event: 'payment_recovered', payment: id, mint, result, age_s: Math.round(ageSeconds(createdAtMs)) },
        `payment ${result}`,
      );
    },

    mintStranded(mint: string) {
      const what = 'payments wait for a mint that is not in cashu.mints: name it again to bring them to their end';
      logger.warn({ event: 'payments_stranded', mint }, what);
    },

    recoveryFailed: (error: unknown) =>
      logger.error({ event: 'recovery_failed', err: error }, 'payments without an answer cannot be looked after'),

    forgettingFailed: (error: unknown) =>
      logger.error({ event: 'forgetting_failed', err: error }, 'what ended long ago cannot be forgotten'),

    ledgerUnsealed() {
      const what =
        'tokens and what they earned are kept unencrypted: whoever reads a copy of the database can spend them. ' +
        'Set cashu.encryption_key (openssl rand -base64 32)';
      logger.warn({ event: 'ledger_unsealed' }, what);
    },

    proofsCollected({ paymentId, mint, unit }: Uncollected, proofs: readonly NewProof[]) {
      metrics.proofs.count({ mint, result: 'good' }, proofs.filter(({ state }) => state !== 'bad').length);
      badProofs({ mint, unit, payment: paymentId }, proofs);
    },

    collectingPostponed: (mint: string, error: unknown) =>
      logger.warn({ event: 'proofs_postponed', mint, err: error }, 'settled payments wait to become proofs of our own'),

    collectingFailed: (error: unknown) =>
      logger.error({ event: 'proofs_failed', err: error }, 'settled payments cannot be made proofs of our own'),

    refunded(refunded: Exclude<Refunded, { refunded: 'refused' }>) {
      const { id, accountId, mint, unit, amount } = refunded.refund;
      metrics.refunds.count({ mint, result: refunded.refunded });
      const line = { refund: id, payment: accountId, mint, unit, amount };
      if (refunded.refunded === 'token') logger.info({ event: 'refund_shown', ...line }, 'refund shown');
      else logger.warn({ event: 'refund_waiting', ...line, reason: refunded.reason }, 'a refund waits for its mint');
    },

    payout({ mint, unit, amount, result, reason }: Payout) {
      metrics.payouts.count({ mint, result });
      const line = { event: 'payout', mint, unit, amount, result, reason };
      if (result === 'paid' || result === 'exported') logger.info(line, 'paid out');
      else logger.warn(line, 'not paid out for certain: it is tried again');
    },

    spent({ id, kind, mint, unit, amount }: Spend, result: string, made: readonly NewProof[]) {
      metrics.spends.count({ kind, mint, result });
      logger.info({ event: `spend_${result}`, spend: id, kind, mint, unit, amount }, `${kind} ${result}`);
      badProofs({ mint, unit, spend: id }, made);
    },

    spendUncertain({ id, kind, mint }: Spend, reason: string) {
      logger.warn({ event: 'spend_uncertain', spend: id, kind, mint, reason }, 'the mint has not answered for certain');
    },

    spendingFailed: (error: unknown) =>
      logger.error({ event: 'spending_failed', err: error }, 'spends of our own cannot be looked after'),

    wrongKeys(mint: string, keyset: string) {
      const what = 'the mint publishes keys that do not fit the id of their keyset: nothing is taken of it';
      logger.error({ event: 'keyset_refused', mint, keyset }, what);
    },

    adminChanged: (change: Readonly<Record<string, unknown>>) =>
      logger.info({ event: 'admin_change', ...change }, 'admin change'),

    failed: (error: unknown) => logger.error({ event: 'error', err: error }, 'unexpected error'),
  };
};
