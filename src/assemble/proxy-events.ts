/** What is told of requests through the reverse proxy: counts, and a line for each that the service behind did not answer. */
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { ObserveProxied, ProxyEvent } from '../http/proxy-exchange.ts';
import { createProxyMetrics, statusClass } from '../telemetry/proxy-metrics.ts';
import { causeOf } from './egress-events.ts';

const LONGEST_TEXT = 256;

const lineOf = (event: ProxyEvent) => ({
  event: 'proxy_failed',
  request_id: event.requestId,
  route: event.route,
  target: event.downstream,
  method: event.method.slice(0, LONGEST_TEXT),
  path: event.path.slice(0, LONGEST_TEXT),
  status: event.status,
  duration_ms: Math.round(event.durationMs * 1000) / 1000,
  attempts: event.attempts,
  error: event.error,
  cause: causeOf(event.cause),
});

/** The caller's own doing. */
const mild: readonly ProxyEvent['error'][] = ['aborted', 'bad_request', 'caller', 'limited'];

export const createProxyEvents = (registry: Registry, logger: Logger): ObserveProxied => {
  const metrics = createProxyMetrics(registry);
  return (event) => {
    const { route, status, error, durationMs } = event;
    metrics.requests.count({ route, status: statusClass(status) });
    metrics.seconds.count(route, durationMs / 1000);
    if (error === undefined) return;
    metrics.errors.count({ route, error_type: error });
    if (mild.includes(error)) logger.debug(lineOf(event), 'not passed on');
    else logger.warn(lineOf(event), 'not passed on');
  };
};
