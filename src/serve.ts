/** The composition root: everything is made here, in order, and closed in the opposite order. */
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { assembleKeys, assembleVerify, identifyKeys } from './assemble-keys.ts';
import { openListeners } from './assemble-listeners.ts';
import { readinessOf, remotesOf } from './assemble-readiness.ts';
import { assembleGate } from './assemble-rules.ts';
import { assembleShared } from './assemble-shared.ts';
import { openStores } from './assemble-stores.ts';
import { assembleTelemetry } from './assemble-telemetry.ts';
import type { Config } from './config/config.ts';
import { createCreditCharge } from './keys/credit-charge.ts';
import { createRecentDigests } from './stores/memory/recent-digests.ts';
import { createOutbound } from './stores/outbound/exchange.ts';
import type { Primary } from './stores/primary/worker-side.ts';

export type Service = Readonly<{
  address: AddressInfo;
  adminAddress: AddressInfo | undefined;
  grpcAddress: AddressInfo | undefined;
  /** Readiness turns first; after `drainMs` no new connections are taken, and requests have `graceMs` to finish. */
  stop(drainMs: number, graceMs: number): Promise<void>;
}>;

export type ServeOptions = Readonly<{
  now?: () => number;
  /** Where this process is one of several workers. */
  primary?: Primary;
}>;

export const serve = async (config: Config, { now = Date.now, primary }: ServeOptions = {}): Promise<Service> => {
  await using starting = new AsyncDisposableStack();
  const telemetry = assembleTelemetry(config, now);
  starting.defer(telemetry.flush);
  const stores = await openStores(config);
  starting.defer(stores.close);
  const outbound = createOutbound();
  starting.defer(outbound.close);
  const digest = createRecentDigests();

  const keys = assembleKeys(config, stores.keys, {
    digest,
    now,
    onLookup: telemetry.countLookup('api_key'),
    onChange: (hash) => shared.spreadKeyChange(hash),
  });
  const shared = await assembleShared(config, { now, primary, keys, redisEvents: telemetry.redisEvents });
  starting.defer(shared.close);
  const { limiter, throttle } = shared;

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
        events: telemetry.payments,
      })
    : undefined;

  if (payments) starting.defer(payments.close);

  const assembleBilling = config.billing && (await import('./assemble-billing.ts')).assembleBilling;
  const billing = await assembleBilling?.({ config, stores, outbound, now, events: telemetry.billing });
  if (billing) starting.defer(billing.close);

  const assembleUsage = config.usage && (await import('./assemble-usage.ts')).assembleUsage;
  const usage = await assembleUsage?.({
    config,
    stores,
    now,
    events: telemetry.usage,
    addBilled: billing?.addUsage,
  });
  if (usage) starting.defer(usage.close);

  const chargeKey = createCreditCharge(stores.keys, now);
  const gate = assembleGate(config, {
    identifiers: {
      api_key: identifyKeys(keys, throttle, now),
      ...(issuers && { jwt: issuers.identifier }),
      ...payments?.identifiers,
    },
    limiter,
    chargeKey,
    paywallFor: (rule) => payments?.paywallFor(rule),
  });

  const remotes = remotesOf(issuers, payments);
  const fetching = Promise.allSettled(remotes.map(({ source }) => source.start()));
  starting.defer(async () => {
    for (const { source } of remotes) source.close();
    await fetching;
  });

  let stopping = false;
  const { main, admin, grpc, all } = await openListeners({
    config,
    gate,
    throttle,
    telemetry,
    observe: usage ? usage.observedAlsoBy(telemetry.decided) : telemetry.decided,
    readiness: readinessOf(stores, shared, payments, usage, billing, remotes),
    isStopping: () => stopping,
    payments,
    usage,
    now,
    renderMetrics: () => (primary ? primary.metrics() : telemetry.registry.metrics()),
    adminEndpoints: async () => {
      const verify = assembleVerify(keys, limiter, chargeKey, now);
      const { adminEndpoints } = await import('./assemble-admin.ts');
      return adminEndpoints({ config, keys, verify, payments, usage, billing, now });
    },
  });
  for (const background of payments?.background ?? []) {
    background.start();
    starting.defer(background.close);
  }
  usage?.start();
  billing?.start();
  const running = starting.move();

  return {
    address: main.address,
    adminAddress: admin?.address,
    grpcAddress: grpc?.address,

    async stop(drainMs, graceMs) {
      stopping = true;
      for (const listening of all) listening.drain();
      await delay(drainMs);
      await Promise.all(all.map((listening) => listening.close(graceMs)));
      await running.disposeAsync();
    },
  };
};
