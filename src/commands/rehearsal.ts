/** What a configuration makes of a request, without a service: its stores, its keys and its policies, and no listener. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createExplain } from '../assemble/explain.ts';
import { assembleGeneration } from '../assemble/generation.ts';
import { createKeySources } from '../assemble/key-sources.ts';
import { assembleCredits, assembleKeys } from '../assemble/keys.ts';
import { createEgressLoader } from '../assemble/load-egress.ts';
import { loadPayments } from '../assemble/load-payments.ts';
import { rehearseProvision } from '../assemble/pod-terms.ts';
import { mintsOf } from '../assemble/readiness.ts';
import { assembleShared } from '../assemble/shared.ts';
import { openStores } from '../assemble/stores.ts';
import { assembleTelemetry } from '../assemble/telemetry.ts';
import type { Config } from '../config/config.ts';
import type { Explain } from '../http/admin/explain.ts';
import { createRecentDigests } from '../stores/memory/recent-digests.ts';
import { createOutbound } from '../stores/outbound/exchange.ts';

export type Rehearsal = Readonly<{ explain: Explain; close(): Promise<void> }>;

/** A database that is not there is not made: an empty one somewhere else has the same in it. */
const storeOf = (config: Config, onClose: (close: () => void) => void): Config => {
  const { store } = config;
  if (store.type !== 'sqlite' || existsSync(store.path)) return config;
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-explain-'));
  onClose(() => rmSync(folder, { recursive: true, force: true }));
  return { ...config, store: { ...store, path: join(folder, 'sallyport.db') } };
};

/** Nothing is told of: no log, no audit line, no admin API. */
const quiet = (config: Config): Config => ({
  ...config,
  admin: undefined,
  logger: { ...config.logger, level: 'fatal', format: 'json' },
  ...(config.proxy && { proxy: { ...config.proxy, audit: { ...config.proxy.audit, enabled: false } } }),
});

/** Rejects where the service would not start. */
export const openRehearsal = async (loaded: Config): Promise<Rehearsal> => {
  const now = Date.now;
  await using opening = new AsyncDisposableStack();
  const config = storeOf(quiet(loaded), (close) => opening.defer(close));
  const telemetry = assembleTelemetry(config, now);
  opening.defer(telemetry.flush);
  const stores = await openStores(config);
  opening.defer(stores.close);
  const outbound = createOutbound();
  opening.defer(outbound.close);
  const digest = createRecentDigests();
  const keys = assembleKeys(config, stores.keys, { digest, now, repeatSecret: () => undefined });
  const { redisEvents } = telemetry;
  const shared = await assembleShared(config, { now, primary: undefined, keys, redisEvents });
  opening.defer(shared.close);
  const { throttle } = shared;

  const payments = await loadPayments({
    config,
    stores,
    outbound,
    throttle,
    digest,
    now,
    events: telemetry.payments,
    provisionFor: rehearseProvision(config),
  });
  if (payments) opening.defer(payments.close);

  const keySources = createKeySources({ outbound, now, onRefresh: telemetry.keysRefreshed });
  opening.defer(keySources.close);
  const generation = await assembleGeneration(config, {
    outbound,
    keySources,
    loadEgress: createEgressLoader(telemetry.egress),
    shared,
    payments,
    chargeKey: assembleCredits(config, stores.keys, now),
    keys,
    digest,
    telemetry,
    pods: undefined,
    usage: undefined,
    billing: undefined,
    decided: () => undefined,
    now,
  });
  opening.defer(generation.close);

  const mints = mintsOf(payments).map(({ source }) => source);
  opening.defer(() => {
    for (const mint of mints) mint.close();
  });
  // An issuer or a mint that cannot be reached is part of the answer.
  await Promise.allSettled([generation.ready(), ...mints.map((mint) => mint.start())]);
  const opened = opening.move();
  return { explain: createExplain(generation), close: () => opened.disposeAsync() };
};
