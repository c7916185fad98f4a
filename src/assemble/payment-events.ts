/** What is told of payments: lines in the log, and counts. */
import type { Logger } from 'pino';
import type { NewProof } from '../paywall/wallet/proof-store.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { PaymentEvents } from './payments.ts';

/** `payment` or `spend`: what was to bring them. */
type BadProofsOf = Readonly<{ mint: string; unit: string; payment?: string; spend?: string }>;

export const createPaymentEvents = (metrics: Metrics, logger: Logger, now: () => number): PaymentEvents => {
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
    onConcluded({ id, rule, mint, amount, unit }, result) {
      metrics.payments.count({ rule, mint, result });
      if (result === 'settled') metrics.paidAmount.count({ mint, unit }, amount);
      logger.info({ event: `payment_${result}`, payment: id, rule, mint, amount, unit }, `payment ${result}`);
    },

    onAccepted({ id, rule, mint, amount, unit }) {
      metrics.payments.count({ rule, mint, result: 'accepted' });
      metrics.paidAmount.count({ mint, unit }, amount);
      logger.info({ event: 'payment_accepted', payment: id, rule, mint, amount, unit }, 'payment accepted');
    },

    onUnsettled({ count, oldestAtMs }) {
      metrics.paymentsUnsettled.set(count);
      metrics.oldestUnsettledSeconds.set(ageSeconds(oldestAtMs));
    },

    onBatchSettled({ id, mint, amount, unit }) {
      metrics.batches.count({ mint, result: 'settled' });
      logger.info({ event: 'batch_settled', batch: id, mint, amount, unit }, 'accepted payments settled');
    },

    onBatchRefused(batch, { mint, unit, amount, count }) {
      metrics.batches.count({ mint, result: 'refused' });
      const what = 'the mint refuses what was accepted without asking it; it accepts nothing unasked for an hour';
      logger.error({ event: 'batch_refused', batch, mint, unit, amount, count }, what);
    },

    onSettlingFailed: (error) =>
      logger.error({ event: 'settling_failed', err: error }, 'accepted payments cannot be settled'),

    onUncertain({ id, mint }, reason) {
      logger.warn({ event: 'payment_uncertain', payment: id, mint, reason }, 'the mint has not answered for certain');
    },

    onOutstanding({ count, oldestAtMs }) {
      metrics.paymentsPrepared.set(count);
      metrics.oldestPreparedSeconds.set(ageSeconds(oldestAtMs));
    },

    onRecovered({ id, mint, createdAtMs }, result) {
      metrics.paymentsRecovered.count({ mint, result });
      logger.info(
        { event: 'payment_recovered', payment: id, mint, result, age_s: Math.round(ageSeconds(createdAtMs)) },
        `payment ${result}`,
      );
    },

    onStranded(mint) {
      const what = 'payments wait for a mint that is not in cashu.mints: name it again to bring them to their end';
      logger.warn({ event: 'payments_stranded', mint }, what);
    },

    onRecoveryFailed: (error) =>
      logger.error({ event: 'recovery_failed', err: error }, 'payments without an answer cannot be looked after'),

    onForgettingFailed: (error) =>
      logger.error({ event: 'forgetting_failed', err: error }, 'what ended long ago cannot be forgotten'),

    onUnsealed() {
      const what =
        'tokens and what they earned are kept unencrypted: whoever reads a copy of the database can spend them. ' +
        'Set cashu.encryption_key (openssl rand -base64 32)';
      logger.warn({ event: 'ledger_unsealed' }, what);
    },

    onCollected({ paymentId, mint, unit }, proofs) {
      metrics.proofs.count({ mint, result: 'good' }, proofs.filter(({ state }) => state !== 'bad').length);
      badProofs({ mint, unit, payment: paymentId }, proofs);
    },

    onCollectingPostponed: (mint, error) =>
      logger.warn({ event: 'proofs_postponed', mint, err: error }, 'settled payments wait to become proofs of our own'),

    onCollectingFailed: (error) =>
      logger.error({ event: 'proofs_failed', err: error }, 'settled payments cannot be made proofs of our own'),

    onRefund(refunded) {
      const { id, accountId, mint, unit, amount } = refunded.refund;
      metrics.refunds.count({ mint, result: refunded.refunded });
      const line = { refund: id, payment: accountId, mint, unit, amount };
      if (refunded.refunded === 'token') logger.info({ event: 'refund_shown', ...line }, 'refund shown');
      else logger.warn({ event: 'refund_waiting', ...line, reason: refunded.reason }, 'a refund waits for its mint');
    },

    onPayout({ mint, unit, amount, result, reason }) {
      metrics.payouts.count({ mint, result });
      const line = { event: 'payout', mint, unit, amount, result, reason };
      if (result === 'paid' || result === 'exported') logger.info(line, 'paid out');
      else logger.warn(line, 'not paid out for certain: it is tried again');
    },

    onSpent({ id, kind, mint, unit, amount }, result, made) {
      metrics.spends.count({ kind, mint, result });
      logger.info({ event: `spend_${result}`, spend: id, kind, mint, unit, amount }, `${kind} ${result}`);
      badProofs({ mint, unit, spend: id }, made);
    },

    onSpendUncertain({ id, kind, mint }, reason) {
      logger.warn({ event: 'spend_uncertain', spend: id, kind, mint, reason }, 'the mint has not answered for certain');
    },

    onSpendingFailed: (error) =>
      logger.error({ event: 'spending_failed', err: error }, 'spends of our own cannot be looked after'),

    onWrongKeys(mint, keyset) {
      const what = 'the mint publishes keys that do not fit the id of their keyset: nothing is taken of it';
      logger.error({ event: 'keyset_refused', mint, keyset }, what);
    },
  };
};
