/** What is told of everything that happens: lines in the log, and counts. */

import type { Config } from '../config/config.ts';
import { createLogger } from '../telemetry/logger.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { createObserver } from '../telemetry/observer.ts';
import { createRedisEvents } from '../telemetry/redis-events.ts';
import type { Audits } from './audit.ts';
import { createBillingEvents } from './billing-events.ts';
import { createConnectionLimit } from './connection-limit.ts';
import { createEgressEvents, type EgressEvents } from './egress-events.ts';
import { createPaymentEvents } from './payment-events.ts';
import { createResolverEvents } from './resolver-events.ts';
import { createTlsEvents } from './tls-events.ts';
import { createUsageEvents } from './usage-events.ts';

export type Telemetry = ReturnType<typeof assembleTelemetry>;

export const assembleTelemetry = ({ logger: options }: Config, now: () => number) => {
  const { logger, write, flush } = createLogger(options);
  const metrics = createMetrics();
  let egress: EgressEvents | undefined;
  let audits: Audits | undefined;

  const loadProxied = async () => {
    const { createAudits } = await import('./audit.ts');
    const { createProxyEvents } = await import('./proxy-events.ts');
    audits = createAudits({ logger, write, now });
    return { count: createProxyEvents(metrics.registry, logger), audits };
  };
  let proxied: ReturnType<typeof loadProxied> | undefined;

  return {
    flush() {
      audits?.flush();
      flush();
    },
    registry: metrics.registry,
    decided: createObserver(metrics, logger, options.sample_allows, Math.random),

    countLookup: (cache: string) => (result: 'hit' | 'miss') => metrics.cacheLookups.count({ cache, result }),

    keysRefreshed(issuer: string, outcome: 'changed' | 'unchanged' | 'failed', error: unknown) {
      metrics.jwksRefreshes.count({ issuer, outcome });
      if (outcome === 'failed') logger.warn({ event: 'jwks_refresh_failed', issuer, err: error }, 'keys not fetched');
      if (outcome === 'changed') logger.info({ event: 'jwks_changed', issuer }, 'keys fetched');
    },

    /** The same for every generation: what was counted is not lost with a reload. */
    egress(): EgressEvents {
      egress ??= createEgressEvents(metrics.registry, logger);
      return egress;
    },

    /** Of the reverse proxy: the same for every generation, and loaded only where there is one. */
    proxied() {
      proxied ??= loadProxied();
      return proxied;
    },

    /** Loaded only where payments start pods. */
    async podEvents() {
      const { createPodEvents } = await import('./pod-events.ts');
      return createPodEvents(metrics.registry, logger);
    },

    redisEvents: () => createRedisEvents(metrics.registry, logger),

    payments: createPaymentEvents(metrics, logger, now),
    usage: createUsageEvents(metrics, logger, now),
    billing: createBillingEvents(metrics, logger, now),
    resolverEvents: (audit: 'all' | 'sampled', integrations: readonly string[]) =>
      createResolverEvents(metrics, logger, {
        share: audit === 'sampled' ? options.sample_allows : 1,
        random: Math.random,
        integrations,
      }),

    accessLogOpened: (node: string, log: string, peerIp: string) =>
      logger.info({ event: 'access_log_opened', node, log, peer_ip: peerIp }, 'Envoy sends an access log'),

    accessLogEntries: (result: string, count: number) => metrics.accessLogEntries.count({ result }, count),

    accessLogMalformed(peerIp: string) {
      metrics.accessLogEntries.count({ result: 'malformed' });
      logger.warn({ event: 'access_log_malformed', peer_ip: peerIp }, 'an access log cannot be read');
    },

    tls: createTlsEvents(metrics, logger, now),
    connectionLimit: createConnectionLimit(metrics, logger, now),

    adminChanged: (change: Readonly<Record<string, unknown>>) =>
      logger.info({ event: 'admin_change', ...change }, 'admin change'),

    failed: (error: unknown) => logger.error({ event: 'error', err: error }, 'unexpected error'),
  };
};
