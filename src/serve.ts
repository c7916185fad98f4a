/** The composition root: everything is made here, in order, and closed in the opposite order. */
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { openListeners } from './assemble-listeners.ts';
import { assembleGate } from './assemble-rules.ts';
import { openStores } from './assemble-stores.ts';
import { assembleTelemetry } from './assemble-telemetry.ts';
import type { Config } from './config/config.ts';
import type { ReadinessPart } from './http/health.ts';
import { createApiKeyIdentifier } from './identify/api-key.ts';
import { createKeyRegistry } from './keys/registry.ts';
import { createFailureThrottle } from './stores/memory/failure-throttle.ts';
import { createMemoryRateLimiter } from './stores/memory/rate-limiter.ts';
import { createRecentDigests } from './stores/memory/recent-digests.ts';
import { createOutbound } from './stores/outbound/exchange.ts';
import type { Primary } from './stores/primary/worker-side.ts';

export type Service = Readonly<{
  address: AddressInfo;
  adminAddress: AddressInfo | undefined;
  /** Readiness turns first; after `drainMs` no new connections are taken, and requests have `graceMs` to finish. */
  stop(drainMs: number, graceMs: number): Promise<void>;
}>;

export type ServeOptions = Readonly<{
  now?: () => number;
  /** Where this process is one of several workers. */
  primary?: Primary;
}>;

/** Bad credentials that one address may send in a minute. */
const FAILURES_A_MINUTE = 100;

export const serve = async (config: Config, { now = Date.now, primary }: ServeOptions = {}): Promise<Service> => {
  await using starting = new AsyncDisposableStack();
  const telemetry = assembleTelemetry(config, now);
  starting.defer(telemetry.flush);
  const stores = await openStores(config);
  starting.defer(stores.close);
  const outbound = createOutbound();
  starting.defer(outbound.close);
  const throttle = createFailureThrottle(FAILURES_A_MINUTE, now);
  const digest = createRecentDigests();

  const keys = createKeyRegistry(stores.keys, {
    prefix: config.api_keys.prefix,
    maxAgeMs: config.api_keys.cache_max_age,
    cacheSize: config.api_keys.cache_size,
    digest,
    now,
    onLookup: telemetry.countLookup('api_key'),
    ...(primary && { onChange: primary.spreadKeyChange }),
  });
  primary?.onKeyChange(keys.forget);

  const assembleIssuers = config.jwt.issuers.length > 0 && (await import('./assemble-issuers.ts')).assembleIssuers;
  const issuers = assembleIssuers
    ? assembleIssuers(config, {
        outbound,
        throttle,
        digest,
        now,
        onLookup: telemetry.countLookup('jwt'),
        onRefresh: telemetry.keysRefreshed,
      })
    : undefined;

  const assemblePayments = config.cashu.mints.length > 0 && (await import('./assemble-payments.ts')).assemblePayments;
  const payments = assemblePayments
    ? await assemblePayments({
        config,
        stores,
        outbound,
        throttle,
        digest,
        now,
        onConcluded: telemetry.paymentConcluded,
        onUncertain: telemetry.paymentUncertain,
        onUnsealed: telemetry.ledgerUnsealed,
        onOutstanding: telemetry.paymentsOutstanding,
        onRecovered: telemetry.paymentRecovered,
        onStranded: telemetry.mintStranded,
        onRecoveryFailed: telemetry.recoveryFailed,
        onForgettingFailed: telemetry.forgettingFailed,
        onCollected: telemetry.proofsCollected,
        onCollectingPostponed: telemetry.collectingPostponed,
        onCollectingFailed: telemetry.collectingFailed,
        onPayout: telemetry.payout,
        onRefund: telemetry.refunded,
        onSpent: telemetry.spent,
        onSpendUncertain: telemetry.spendUncertain,
        onSpendingFailed: telemetry.spendingFailed,
        onAccepted: telemetry.paymentAccepted,
        onUnsettled: telemetry.paymentsUnsettled,
        onBatchSettled: telemetry.batchSettled,
        onBatchRefused: telemetry.batchRefused,
        onSettlingFailed: telemetry.settlingFailed,
        onWrongKeys: telemetry.wrongKeys,
      })
    : undefined;

  if (payments) starting.defer(payments.close);

  const gate = assembleGate(config, {
    identifiers: {
      api_key: createApiKeyIdentifier(keys.find, throttle),
      ...(issuers && { jwt: issuers.identifier }),
      ...payments?.identifiers,
    },
    limiter: primary?.limiter ?? createMemoryRateLimiter(now),
    paywallFor: (rule) => payments?.paywallFor(rule),
  });

  const remotes = [
    ...(issuers?.remote ?? []).map(({ name, keys: source }) => ({ name: `issuer ${name}`, source })),
    ...(payments?.mints.named ?? []).map((mint) => ({ name: `mint ${mint.url}`, source: mint })),
  ];
  const readiness: ReadinessPart[] = [
    { name: 'store', essential: true, check: () => stores.check().then(() => undefined) },
    ...(payments
      ? [
          {
            name: 'payments',
            essential: false,
            check: async () => payments.recovery.problem() ?? payments.settler.problem(),
          },
        ]
      : []),
    ...remotes.map(({ name, source }) => ({ name, essential: false, check: async () => source.status().lastError })),
  ];
  const fetching = Promise.allSettled(remotes.map(({ source }) => source.start()));
  starting.defer(async () => {
    for (const { source } of remotes) source.close();
    await fetching;
  });

  let stopping = false;
  const { main, admin, all } = await openListeners({
    config,
    gate,
    keys,
    throttle,
    telemetry,
    readiness,
    isStopping: () => stopping,
    payments,
    renderMetrics: () => (primary ? primary.metrics() : telemetry.registry.metrics()),
  });
  if (payments) {
    payments.recovery.start();
    starting.defer(payments.recovery.close);
    payments.collector.start();
    starting.defer(payments.collector.close);
    payments.settler.start();
    starting.defer(payments.settler.close);
    payments.forgetting.start();
    starting.defer(payments.forgetting.close);
    payments.spending.start();
    starting.defer(payments.spending.close);
    payments.payout?.start();
    if (payments.payout) starting.defer(payments.payout.close);
  }
  const running = starting.move();

  return {
    address: main.address,
    adminAddress: admin?.address,

    async stop(drainMs, graceMs) {
      stopping = true;
      main.drain();
      await delay(drainMs);
      await Promise.all(all.map((listening) => listening.close(graceMs)));
      await running.disposeAsync();
    },
  };
};
