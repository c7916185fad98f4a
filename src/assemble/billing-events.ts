/** What is told of billing: lines in the log, and counts. */
import type { Logger } from 'pino';
import type { Metrics } from '../telemetry/metrics.ts';
import type { BillingEvent, BillingTotals, SenderProblem } from '../usage/billing/billing-store.ts';
import type { SenderEvents } from '../usage/billing/sender.ts';

const problems: Readonly<Record<SenderProblem, string>> = {
  unauthorized: 'Stripe refuses the API key: usage waits to be billed until it is right',
  unreachable: 'Stripe gives no certain answer: usage waits to be billed',
  rate_limited: 'Stripe takes no more for now: usage waits to be billed',
};

const LONG_MS = 3_600_000;

/** What is wrong for long enough that a person should look. */
export const billingProblem = (totals: BillingTotals | undefined, nowMs: number): string | undefined => {
  const { problem, problemSinceMs } = totals?.sender ?? {};
  if (problem === undefined) return undefined;
  return problem === 'unauthorized' || nowMs - (problemSinceMs ?? nowMs) > LONG_MS ? problems[problem] : undefined;
};

const lineOf = ({ id, payer, meter, value, windowStartMs, windowMs, sequence }: BillingEvent) => ({
  identifier: id,
  customer: payer,
  meter,
  value,
  window_start: new Date(windowStartMs).toISOString(),
  window_s: windowMs / 1_000,
  sequence,
});

export const createBillingEvents = (metrics: Metrics, logger: Logger, now: () => number) => {
  const { billingEvents, billingWaiting, oldestBillingSeconds, billingReconcile } = metrics;

  const events: SenderEvents = {
    onTotals({ waiting, reconcile }) {
      billingWaiting.set(waiting.count);
      oldestBillingSeconds.set(waiting.oldestAtMs === undefined ? 0 : Math.max(0, now() - waiting.oldestAtMs) / 1_000);
      billingReconcile.set(reconcile.count);
    },

    onDry(event) {
      billingEvents.count({ result: 'dry' });
      logger.info({ event: 'billing_dry_run', ...lineOf(event) }, 'would be billed');
    },

    onAnswer(event, conclusion) {
      billingEvents.count({ result: conclusion.became === 'waiting' ? 'failed' : conclusion.became });
      if (conclusion.became !== 'reconcile') return;
      const { reason, detail } = conclusion;
      const line = { event: 'billing_reconcile', ...lineOf(event), reason, detail };
      logger.error(line, 'a bill is refused: see sallyport billing reconcile');
    },

    onSetAside(count) {
      billingEvents.count({ result: 'reconcile' }, count);
      const what = 'bills are too old, or had no certain answer for a day: see sallyport billing reconcile';
      logger.error({ event: 'billing_reconcile', count }, what);
    },

    onRound({ problem, error }, before) {
      if (problem === before.problem) return;
      if (problem === undefined) logger.info({ event: 'billing_resumed' }, 'Stripe takes usage again');
      else if (problem === 'unauthorized') logger.error({ event: 'billing_refused', error }, problems[problem]);
      else logger.warn({ event: 'billing_postponed', problem, error }, problems[problem]);
    },
  };

  return {
    ...events,
    onDryRun: (why: string) =>
      logger.warn({ event: 'billing_dry_run', why }, 'nothing is billed: usage is summed and shown'),
    onFailed: (error: unknown) => logger.error({ event: 'billing_failed', err: error }, 'billing cannot use its store'),
  };
};
