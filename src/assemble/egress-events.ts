/** What is told of calls that go out: counts, and a line for each of them in the log. */
import { LRUCache } from 'lru-cache';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { Config } from '../config/config.ts';
import type { Refusal } from '../core/refusal.ts';
import type { BreakerState } from '../egress/attempts/breaker.ts';
import { type AuditedTarget, createAuditPath } from '../egress/audit-path.ts';
import { trimPrefix } from '../egress/call-path.ts';
import type { EgressErrorType, EgressEvent } from '../egress/egress-event.ts';
import { createEgressMetrics, methodLabel } from '../telemetry/egress-metrics.ts';

type EgressConfig = NonNullable<Config['egress']>;
type TargetConfig = EgressConfig['targets'][string];
type Credentialed = Pick<TargetConfig, 'auth' | 'credentials'>;

const LONGEST_TEXT = 256;
const REPORT_AGAIN_MS = 60_000;
const MOST_REPORTED = 1_000;

/** The caller's own doing. */
const mild = new Set<EgressErrorType>([
  'no_route',
  'method',
  'caller',
  'policy',
  'limited',
  'forbidden',
  'aborted',
  'bad_request',
]);

/** What the alerts of deploy/prometheus look at. */
const alerting: readonly EgressErrorType[] = [
  'unreachable',
  'timeout',
  'reset',
  'breaker',
  'forbidden_address',
  'credential',
  'caller',
];

/** A parser quotes what it could not read, and that may be a secret. */
export const causeOf = (cause: unknown): string | undefined => {
  if (cause === undefined) return undefined;
  if (cause instanceof SyntaxError) return cause.name;
  if (cause instanceof Error) return `${cause.name}: ${cause.message}`.slice(0, LONGEST_TEXT);
  return typeof cause === 'string' ? cause.slice(0, LONGEST_TEXT) : 'unknown cause';
};

const lineOf = (event: EgressEvent, path: string) => ({
  request_id: event.requestId,
  caller: event.caller,
  target: event.target,
  method: event.method,
  path,
  status: event.status,
  duration_ms: Math.round(event.durationMs * 1000) / 1000,
  attempts: event.attempts,
  credential_version: event.credentialVersion,
  error: event.error,
  reasons: event.findings?.reasons,
  policy: event.findings?.audit,
  cause: causeOf(event.cause),
});

const authOf = ({ auth, credentials }: Credentialed) => (auth ? [auth] : credentials);

/** A target without a credential has its secret in the URL, if it has one, and so in the path. */
export const showsPaths = (target: TargetConfig): boolean =>
  target.audit_path === undefined ? authOf(target).some(({ type }) => type !== 'none') : target.audit_path === 'full';

const auditedTargets = ({ targets, routes }: EgressConfig): AuditedTarget[] =>
  Object.entries(targets).map(([name, target]) => ({
    name,
    showsPaths: showsPaths(target),
    prefixes: routes.flatMap((route) =>
      route.target === name && route.path_prefix !== undefined ? [trimPrefix(route.path_prefix)] : [],
    ),
  }));

const fetches = (target: Credentialed): boolean =>
  authOf(target).some(({ type }) => type.startsWith('oauth2_') || type === 'gcp_service_account');

export type EgressEvents = ReturnType<typeof createEgressEvents>;

export const createEgressEvents = (registry: Registry, logger: Logger) => {
  const metrics = createEgressMetrics(registry);
  // Whoever wants fewer lines in the log does not mean these: an audit has no holes.
  const audit = logger.child({ event: 'egress' }, { level: 'info' });
  const reported = new LRUCache<string, true>({ max: MOST_REPORTED, ttl: REPORT_AGAIN_MS });

  const observe = (event: EgressEvent, path: string): void => {
    const { target, method, status, error, durationMs } = event;
    metrics.requests.count({ target, method: methodLabel(method), status: String(status) });
    metrics.seconds.count(target, durationMs / 1000);
    if (event.attempts > 1) metrics.retries.count({ target }, event.attempts - 1);
    const line = lineOf(event, path);
    if (error === undefined) {
      audit.info(line, 'called');
      return;
    }
    metrics.errors.count({ target, error_type: error });
    if (mild.has(error)) audit.info(line, 'not called');
    else audit.warn(line, 'call failed');
  };

  return {
    /** Who is told of the calls of one generation: what its lines show of a path is for its own configuration to say. */
    of(config: EgressConfig): (event: EgressEvent) => void {
      const auditPath = createAuditPath(auditedTargets(config));
      for (const [target, { auth, credentials }] of Object.entries(config.targets)) {
        // From nothing to something is no increase: an alert on the first failures would not fire.
        for (const error of alerting) metrics.errors.count({ target, error_type: error }, 0);
        if (fetches({ auth, credentials }))
          for (const status of ['ok', 'error']) metrics.refreshes.count({ target, status }, 0);
      }
      return (event) => observe(event, auditPath(event.target, event.path));
    },

    /** Once a minute for each caller: every call has its own line besides. */
    callerReported(target: string, caller: string, { code, detail }: Refusal): void {
      metrics.reported.count({ target, code });
      const key = `${target} ${code} ${caller}`;
      if (reported.has(key)) return;
      reported.set(key, true);
      logger.warn({ event: 'egress_caller_reported', target, caller, code, detail }, 'caller would be refused');
    },

    onRefresh(target: string, outcome: 'ok' | 'error', error?: unknown): void {
      metrics.refreshes.count({ target, status: outcome });
      if (outcome === 'error')
        logger.warn({ event: 'egress_token_failed', target, err: error }, 'no token for the target');
    },

    onCacheHit: (target: string): void => metrics.cacheHits.count({ target }),

    onStoreLost: (reason: string): void =>
      logger.warn(
        { event: 'egress_token_store_lost', reason },
        'tokens are not shared: the Redis that keeps them is away',
      ),

    onStoreBack: (): void => logger.info({ event: 'egress_token_store_back' }, 'tokens are shared again'),

    onBreaker(target: string, state: BreakerState): void {
      metrics.breakerTurns.count({ target, state });
      const line = { event: 'egress_breaker', target, state };
      if (state === 'open') logger.error(line, 'the target fails: its calls are refused for a while');
      else if (state === 'closed') logger.info(line, 'the target answers again');
    },

    onCertificatesKept: (target: string, error: unknown): void =>
      logger.error(
        { event: 'certificates_kept', target, err: error },
        'changed certificates of a target cannot be used: the old ones stay',
      ),
  };
};
