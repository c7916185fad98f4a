/** The metrics of egress, by the names that its dashboards and alerts use. */
import type { Registry } from 'prom-client';
import { Durations } from './durations.ts';
import { createTally } from './tally.ts';

/** Seconds. Other people's services over the internet, and at most as long as a deadline usually is. */
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** What a request may choose is folded into what is known. */
export const methodLabel = (method: string): string => (methods.has(method) ? method : 'other');

/** Only where egress is configured: without it there is nothing to be seen. */
export const createEgressMetrics = (registry: Registry) => ({
  requests: createTally(registry, 'egress_requests_total', 'Calls, by target, method and what the caller got.', [
    'target',
    'method',
    'status',
  ]),
  seconds: new Durations(registry, {
    name: 'egress_request_duration_seconds',
    help: 'Time from the call to the end of its answer, by target.',
    label: 'target',
    bounds: BUCKETS,
  }),
  refreshes: createTally(registry, 'egress_credential_refresh_total', 'Tokens asked for, by target and outcome.', [
    'target',
    'status',
  ]),
  cacheHits: createTally(registry, 'egress_credential_cache_hits', 'Calls whose token was there, by target.', [
    'target',
  ]),
  errors: createTally(registry, 'egress_errors_total', 'Calls without an answer of their target, by target and why.', [
    'target',
    'error_type',
  ]),
  retries: createTally(registry, 'egress_retries_total', 'Further attempts at calls, by target.', ['target']),
  breakerTurns: createTally(registry, 'egress_breaker_turns_total', 'Changes of the breaker, by target and to what.', [
    'target',
    'state',
  ]),
  reported: createTally(
    registry,
    'egress_callers_reported_total',
    'Calls that would be refused if callers were enforced, by target and why.',
    ['target', 'code'],
  ),
});

export type EgressMetrics = ReturnType<typeof createEgressMetrics>;
