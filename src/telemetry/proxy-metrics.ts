/** The metrics of the reverse proxy. Labels are routes of the configuration, and classes of answers. */
import type { Registry } from 'prom-client';
import { Durations } from './durations.ts';
import { createTally } from './tally.ts';

/** Seconds. From a service on the same machine to a request that streams. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** `0` is a caller who left before the answer began. */
export const statusClass = (status: number): string => (status === 0 ? 'none' : `${Math.trunc(status / 100)}xx`);

/** Only where a reverse proxy is configured: without it there is nothing to be seen. */
export const createProxyMetrics = (registry: Registry) => ({
  requests: createTally(
    registry,
    'sallyport_proxy_requests_total',
    'Requests through the reverse proxy, by route and class of the answer.',
    ['route', 'status'],
  ),
  seconds: new Durations(registry, {
    name: 'sallyport_proxy_request_duration_seconds',
    help: 'Time from the request to the end of its answer, by route.',
    label: 'route',
    bounds: BUCKETS,
  }),
  errors: createTally(
    registry,
    'sallyport_proxy_errors_total',
    'Allowed requests without an answer of the service behind, by route and why.',
    ['route', 'error_type'],
  ),
});
