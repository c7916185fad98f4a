/** The composition root: everything is made here, in order, and closed in the opposite order. */
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { AskedReloads } from './assemble/admin.ts';
import { assembleGeneration } from './assemble/generation.ts';
import { createKeySources } from './assemble/key-sources.ts';
import { assembleCredits, assembleKeys, repeatSecretOf } from './assemble/keys.ts';
import { openListeners } from './assemble/listeners.ts';
import { createEgressLoader } from './assemble/load-egress.ts';
import { loadPayments } from './assemble/load-payments.ts';
import { mintsOf, readinessOf } from './assemble/readiness.ts';
import { assembleShared } from './assemble/shared.ts';
import { openStores } from './assemble/stores.ts';
import { assembleTelemetry } from './assemble/telemetry.ts';
import type { Config } from './config/config.ts';
import { createGenerations, type Generation, type Generations } from './generations.ts';
import { createRecentDigests } from './stores/memory/recent-digests.ts';
import { createOutbound } from './stores/outbound/exchange.ts';
import type { Primary } from './stores/primary/worker-side.ts';
import { registerReloadMetrics } from './telemetry/reload-events.ts';

export type Service = Readonly<{
  address: AddressInfo;
  adminAddress: AddressInfo | undefined;
  grpcAddress: AddressInfo | undefined;
  resolverAddress: AddressInfo | undefined;
  egressAddress: AddressInfo | undefined;
  endpointsAddress: AddressInfo | undefined;
  /** Builds what another configuration makes of this service, without taking it into use. */
  prepare: Generations['prepare'];
  /** Readiness turns first; after `drainMs` no new connections are taken, and requests have `graceMs` to finish. */
  stop(drainMs: number, graceMs: number): Promise<void>;
}>;

export type ServeOptions = Readonly<{
  now?: () => number;
  /** Where this process is one of several workers. */
  primary?: Primary;
  /** Who reloads. Without it the configuration stays as it is. */
  reloads?: AskedReloads;
}>;

export const serve = async (config: Config, options: ServeOptions = {}): Promise<Service> => {
  const { now = Date.now, primary, reloads } = options;
  await using starting = new AsyncDisposableStack();
  const telemetry = assembleTelemetry(config, now);
  primary?.onCount(() => telemetry.registry.getMetricsAsJSON());
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
    repeatSecret: () => repeatSecretOf(generations.current().config),
  });
  const shared = await assembleShared(config, { now, primary, keys, redisEvents: telemetry.redisEvents });
  starting.defer(shared.close);
  const { throttle } = shared;

  const assemblePods = config.pods?.enabled && (await import('./assemble/pods.ts')).assemblePods;
  const pods =
    assemblePods && config.pods
      ? await assemblePods({ config, pods: config.pods, stores, now, events: await telemetry.podEvents() })
      : undefined;
  if (pods) starting.defer(pods.close);
  pods?.start();

  const payments = await loadPayments({
    config,
    stores,
    outbound,
    throttle,
    digest,
    now,
    events: telemetry.payments,
    provisionFor: pods?.provisionFor,
  });

  if (payments) starting.defer(payments.close);

  const assembleBilling = config.billing && (await import('./assemble/billing.ts')).assembleBilling;
  const billing = await assembleBilling?.({ config, stores, outbound, now, events: telemetry.billing });
  if (billing) starting.defer(billing.close);

  const assembleUsage = config.usage && (await import('./assemble/usage.ts')).assembleUsage;
  const usage = await assembleUsage?.({
    config,
    stores,
    now,
    events: telemetry.usage,
    addBilled: billing?.addUsage,
  });
  if (usage) starting.defer(usage.close);

  const decided = usage ? usage.observedAlsoBy(telemetry.decided) : telemetry.decided;
  const chargeKey = assembleCredits(config, stores.keys, now);
  const keySources = createKeySources({ outbound, now, onRefresh: telemetry.keysRefreshed });
  starting.defer(keySources.close);
  const loadEgress = createEgressLoader(telemetry.egress);
  const build = (built: Config): Promise<Generation> =>
    assembleGeneration(built, {
      outbound,
      keySources,
      loadEgress,
      shared,
      payments,
      pods,
      chargeKey,
      keys,
      digest,
      telemetry,
      usage,
      billing,
      now,
      reloads,
      decided,
    });
  if (reloads) registerReloadMetrics(telemetry.registry, reloads.own, config.vault !== undefined);
  const generations = createGenerations(await build(config), build, telemetry.failed);
  starting.defer(generations.close);

  const mints = mintsOf(payments);
  const fetching = Promise.allSettled(mints.map(({ source }) => source.start()));
  starting.defer(async () => {
    for (const { source } of mints) source.close();
    await fetching;
  });
  const lasting = readinessOf(stores, shared, payments, pods, usage, billing, mints);

  let stopping = false;
  const { main, admin, grpc, resolver, egress, endpoints, all } = await openListeners({
    config,
    gate: generations.gate,
    peers: generations.peers,
    resolver: () => generations.current().resolver,
    egress: () => generations.current().egress,
    proxy: () => generations.current().proxy,
    admin: generations.admin,
    telemetry,
    observe: decided,
    readiness: () => [...lasting, ...generations.current().readiness],
    isStopping: () => stopping,
    payments,
    usage,
    now,
    renderMetrics: () => (primary ? primary.metrics() : telemetry.registry.metrics()),
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
    resolverAddress: resolver?.address,
    egressAddress: egress?.address,
    endpointsAddress: endpoints?.address,
    prepare: generations.prepare,

    async stop(drainMs, graceMs) {
      stopping = true;
      for (const listening of all) listening.drain();
      await delay(drainMs);
      await Promise.all(all.map((listening) => listening.close(graceMs)));
      await running.disposeAsync();
    },
  };
};
