/** The composition root: everything is made here, in order, and closed here, in the opposite order. */
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { assembleGate } from './assemble-rules.ts';
import type { Config } from './config/config.ts';
import { Secret } from './core/secret.ts';
import { createChallenge } from './http/challenge.ts';
import { createForwardAuth } from './http/forward-auth.ts';
import { createHealth, type ReadinessPart } from './http/health.ts';
import { createMainListener } from './http/main-app.ts';
import { createPeers } from './http/peers.ts';
import { listen } from './http/server.ts';
import { createApiKeyIdentifier } from './identify/api-key.ts';
import { createKeyRegistry } from './keys/registry.ts';
import { createFailureThrottle } from './stores/memory/failure-throttle.ts';
import { createMemoryRateLimiter } from './stores/memory/rate-limiter.ts';
import { createOutbound } from './stores/outbound/exchange.ts';
import type { Primary } from './stores/primary/worker-side.ts';
import { openSqliteStores } from './stores/sqlite/stores.ts';
import { createLogger } from './telemetry/logger.ts';
import { createMetrics } from './telemetry/metrics.ts';
import { createObserver } from './telemetry/observer.ts';

export type Service = Readonly<{
  address: AddressInfo;
  adminAddress: AddressInfo | undefined;
  /** Readiness turns first; after `drainMs` no new connections are taken, and requests have `graceMs` to finish. */
  stop(drainMs: number, graceMs: number): Promise<void>;
}>;

const FAILURES_A_MINUTE = 100;

export type ServeOptions = Readonly<{
  now?: () => number;
  /** Where this process is one of several workers. */
  primary?: Primary;
}>;

export const serve = async (config: Config, { now = Date.now, primary }: ServeOptions = {}): Promise<Service> => {
  const { logger, flush } = createLogger(config.logger);
  const metrics = createMetrics();
  const logError = (error: unknown) => logger.error({ event: 'error', err: error }, 'unexpected error');
  const closers: (() => void | Promise<void>)[] = [flush];

  const stores = openSqliteStores(config.store.type === 'sqlite' ? config.store.path : ':memory:');
  closers.push(stores.close);
  const outbound = createOutbound();
  closers.push(outbound.close);

  const throttle = createFailureThrottle(FAILURES_A_MINUTE, now);
  const countLookup = (cache: string) => (result: string) => metrics.cacheLookups.count({ cache, result });

  const keys = createKeyRegistry(stores.keys, {
    prefix: config.api_keys.prefix,
    maxAgeMs: config.api_keys.cache_max_age,
    cacheSize: config.api_keys.cache_size,
    now,
    onLookup: countLookup('api_key'),
    ...(primary && { onChange: primary.spreadKeyChange }),
  });
  primary?.onKeyChange(keys.forget);

  const issuers =
    config.jwt.issuers.length === 0
      ? undefined
      : (await import('./assemble-issuers.ts')).assembleIssuers(config, {
          outbound,
          throttle,
          now,
          onLookup: countLookup('jwt'),
          onRefresh(issuer, outcome, error) {
            metrics.jwksRefreshes.count({ issuer, outcome });
            if (outcome === 'failed')
              logger.warn({ event: 'jwks_refresh_failed', issuer, err: error }, 'keys not fetched');
            if (outcome === 'changed') logger.info({ event: 'jwks_changed', issuer }, 'keys fetched');
          },
        });

  const keySources = issuers?.remote ?? [];

  const payments =
    config.cashu.mints.length === 0
      ? undefined
      : (await import('./assemble-payments.ts')).assemblePayments({
          config,
          ledger: stores.ledger,
          outbound,
          throttle,
          now,
          onConcluded({ id, rule, mint, amount, unit }, result) {
            metrics.payments.count({ rule, mint, result });
            if (result === 'settled') metrics.paidAmount.count({ mint, unit }, amount);
            logger.info({ event: `payment_${result}`, payment: id, rule, mint, amount, unit }, `payment ${result}`);
          },
          onUncertain: ({ id, mint }, reason) =>
            logger.warn(
              { event: 'payment_uncertain', payment: id, mint, reason },
              'the mint has not answered for certain',
            ),
        });

  const gate = assembleGate(config, {
    identifiers: {
      api_key: createApiKeyIdentifier(keys.find, throttle),
      ...(issuers && { jwt: issuers.identifier }),
      ...(payments && { cashu: payments.identifier }),
    },
    limiter: primary?.limiter ?? createMemoryRateLimiter(now),
    paywallFor: (rule) => payments?.paywallFor(rule),
  });

  const peers = createPeers(config.trusted_proxies);
  const observe = createObserver(metrics, logger, config.logger.sample_allows, Math.random);
  let stopping = false;
  const parts: ReadinessPart[] = [
    { name: 'store', essential: true, check: () => stores.check().then(() => undefined) },
    ...keySources.map(({ name, keys: source }) => ({
      name: `issuer ${name}`,
      essential: false,
      check: async () => source.status().lastError,
    })),
    ...(payments?.mints.named ?? []).map((mint) => ({
      name: `mint ${mint.url}`,
      essential: false,
      check: async () => mint.status().lastError,
    })),
  ];
  const health = createHealth({
    paths: config.endpoints,
    parts,
    isStopping: () => stopping,
    renderMetrics: async () => ({
      contentType: metrics.registry.contentType,
      body: await (primary ? primary.metrics() : metrics.registry.metrics()),
    }),
  });

  const fetching = Promise.allSettled([
    ...keySources.map(({ keys: source }) => source.start()),
    payments?.mints.start(),
  ]);
  closers.push(() => {
    for (const { keys: source } of keySources) source.close();
    payments?.mints.close();
    return fetching.then(() => undefined);
  });

  const limits = { readTimeoutMs: config.http.read_timeout, maxHeaderBytes: config.http.max_header_size };
  const forwardAuth = createForwardAuth(gate, peers, observe);
  const main = await listen(createMainListener(forwardAuth, [createChallenge(gate, peers), health], logError), {
    addr: config.http.addr,
    ...limits,
  });
  const admin = config.admin && (await openAdmin(config.admin));

  async function openAdmin({ addr, token }: NonNullable<Config['admin']>) {
    const { createAdminApp } = await import('./http/admin/admin-app.ts');
    const app = createAdminApp({
      token: token instanceof Secret ? token : undefined,
      keys,
      keyDefaults: {
        rateLimitPerMinute: config.api_keys.rate_limit_per_minute,
        rateLimitPerDay: config.api_keys.rate_limit_per_day,
      },
      onChange: (change) => logger.info({ event: 'admin_change', ...change }, 'admin change'),
      onError: logError,
    });
    return listen(app.callback(), { addr, ...limits });
  }

  return {
    address: main.address,
    adminAddress: admin?.address,

    async stop(drainMs, graceMs) {
      stopping = true;
      main.drain();
      await delay(drainMs);
      await Promise.all([main.close(graceMs), admin?.close(graceMs)]);
      for (const close of closers.toReversed()) await close();
    },
  };
};
