import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { Durations } from './durations.ts';
import { createTally } from './tally.ts';

/** Seconds. A cached decision takes some 20 µs, a payment as long as the mint. */
const BUCKETS = [
  0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

export const createMetrics = () => {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const tally = <Label extends string>(name: string, help: string, labels: readonly Label[]) =>
    createTally(registry, `sallyport_${name}`, help, labels);
  /** Of what all workers share: each tells the same. */
  const shared = (name: string, help: string) =>
    new Gauge({ name: `sallyport_${name}`, help, registers: [registry], aggregator: 'max' });

  return {
    registry,
    decisions: tally('decisions_total', 'Decisions, by rule, dialect, kind of credential and outcome.', [
      'rule',
      'dialect',
      'method',
      'outcome',
    ]),
    decisionSeconds: new Durations(registry, {
      name: 'sallyport_decision_duration_seconds',
      help: 'Time from the question to the answer, by dialect.',
      label: 'dialect',
      bounds: BUCKETS,
    }),
    payments: tally('payments_total', 'Redemptions that came to an end, by rule, mint and result.', [
      'rule',
      'mint',
      'result',
    ]),
    paidAmount: tally('payment_amount_total', 'Face value of settled tokens, by mint and unit.', ['mint', 'unit']),
    paymentsPrepared: shared('payments_prepared', 'Payments whose mint has given no certain answer yet.'),
    oldestPreparedSeconds: shared(
      'payments_prepared_oldest_seconds',
      'Age of the oldest of them; 0 where there is none.',
    ),
    paymentsUnsettled: shared(
      'payments_unsettled',
      'Payments that were accepted without asking their mint, not swapped yet.',
    ),
    oldestUnsettledSeconds: shared(
      'payments_unsettled_oldest_seconds',
      'Age of the oldest of them; 0 where there is none.',
    ),
    batches: tally('batches_total', 'Batches of accepted payments, by mint and result.', ['mint', 'result']),
    paymentsRecovered: tally(
      'payments_recovered_total',
      'Payments brought to their end without their caller, by mint and result.',
      ['mint', 'result'],
    ),
    proofs: tally('proofs_total', 'Proofs of our own that payments were made, by mint and result.', ['mint', 'result']),
    spends: tally('spends_total', 'What we spent ourselves and came to an end, by kind, mint and result.', [
      'kind',
      'mint',
      'result',
    ]),
    refunds: tally('refunds_total', 'Answers to payers who asked for what was left, by mint and result.', [
      'mint',
      'result',
    ]),
    payouts: tally('payouts_total', 'Tries to pay out by themselves, by mint and result.', ['mint', 'result']),
    usageEvents: tally('usage_events_total', 'Events of usage, by what became of them.', ['result']),
    usageWaiting: new Gauge({
      name: 'sallyport_usage_waiting',
      help: 'Events of usage on their way to the store.',
      registers: [registry],
    }),
    oldestUsageSeconds: shared('usage_waiting_oldest_seconds', 'Age of the oldest of them; 0 where there is none.'),
    accessLogEntries: tally('access_log_entries_total', "Entries of Envoy's access logs, by what became of them.", [
      'result',
    ]),
    billingEvents: tally('billing_events_total', 'Tries to tell the biller, by what became of the event.', ['result']),
    billingWaiting: shared('billing_waiting', 'Events that the biller has not taken yet.'),
    oldestBillingSeconds: shared('billing_waiting_oldest_seconds', 'Age of the oldest of them; 0 where there is none.'),
    billingReconcile: shared('billing_reconcile', 'Events that a person has to decide on.'),
    resolverDecisions: tally(
      'resolver_decisions_total',
      "Answers to Envoy about sandboxes' calls, by integration and result: injected, passed, or the code of the refusal.",
      ['integration', 'result'],
    ),
    configServiceFailures: tally(
      'config_service_failures_total',
      'Questions to the config service without an answer, by whether an earlier answer was used.',
      ['stale'],
    ),
    handshakeFailures: tally('tls_handshake_failures_total', 'TLS handshakes that failed, by listener and reason.', [
      'listener',
      'reason',
    ]),
    connectionsDropped: tally(
      'connections_dropped_total',
      'Connections that were ended at once, for the listener had `http.max_connections` of them.',
      ['listener'],
    ),
    certificateChanges: tally(
      'certificate_changes_total',
      'Changes of the certificate files of a listener, by whether the new ones are used (`renewed`) or not (`kept`).',
      ['listener', 'outcome'],
    ),
    certificateEnds: new Gauge({
      name: 'sallyport_certificate_end_timestamp_seconds',
      help: "When the listener's own certificate ends, in seconds since 1970.",
      labelNames: ['listener'],
      registers: [registry],
      aggregator: 'min',
    }),
    cacheLookups: tally('cache_lookups_total', 'Look-ups in caches, by cache and result.', ['cache', 'result']),
    jwksRefreshes: tally('jwks_refresh_total', 'Fetches of key sets, by issuer and outcome.', ['issuer', 'outcome']),
  };
};

export type Metrics = ReturnType<typeof createMetrics>;
