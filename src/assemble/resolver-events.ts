/** What is told of credentials that went out to sandboxes' calls: counts, and a line for each use that is audited. */
import type { Logger } from 'pino';
import { type RefusalCode, refusalKinds } from '../core/refusal.ts';
import type { ResolverEvent } from '../egress/resolver/resolver-event.ts';
import type { Metrics } from '../telemetry/metrics.ts';

const LONGEST_TEXT = 256;

const cut = (text: string): string => text.slice(0, LONGEST_TEXT);

/** Of errors the name and the message alone: nothing that hangs on them. */
const causeOf = (cause: unknown): string | undefined => {
  if (cause === undefined) return undefined;
  if (cause instanceof SyntaxError) return cause.name;
  return cause instanceof Error ? cut(`${cause.name}: ${cause.message}`) : cut(String(cause));
};

const lineOf = (event: ResolverEvent) => ({
  request_id: event.requestId,
  tenant: event.sandbox?.tenant,
  team: event.sandbox?.team,
  sandbox: event.sandbox?.sandbox,
  integration: event.integration,
  method: event.method,
  host: cut(event.host),
  path: cut(event.path),
  door: event.door,
  peer_ip: event.peerIp,
  duration_ms: Math.round(event.durationMs * 1000) / 1000,
});

/** What the alerts of deploy/prometheus look at: of an integration, and of none. */
const alertingOf = {
  one: ['credential_missing', 'credential_unusable', 'credentials_unavailable'],
  none: [
    ...(['credential_required', 'invalid_token', 'expired_token', 'too_many_failures', 'keys_unavailable'] as const),
    ...(['no_integration', 'ambiguous_path', 'ambiguous_host', 'ambiguous_method'] as const),
  ],
} as const satisfies Record<string, readonly RefusalCode[]>;

/** From nothing to something is no increase: an alert on the first failures would not fire. */
const beginAtZero = ({ resolverDecisions, configServiceFailures }: Metrics, integrations: readonly string[]): void => {
  for (const result of alertingOf.none) resolverDecisions.count({ integration: '', result }, 0);
  for (const integration of integrations)
    for (const result of alertingOf.one) resolverDecisions.count({ integration, result }, 0);
  for (const stale of ['true', 'false']) configServiceFailures.count({ stale }, 0);
};

export type ResolverEventOptions = Readonly<{
  /** Of the uses that were allowed, how many become lines, from 0 to 1. */
  share: number;
  random: () => number;
  /** Names of all that there are. */
  integrations: readonly string[];
}>;

export const createResolverEvents = (
  metrics: Metrics,
  logger: Logger,
  { share, random, integrations }: ResolverEventOptions,
) => {
  beginAtZero(metrics, integrations);
  return {
    resolved(event: ResolverEvent): void {
      const { result, integration } = event;
      if (typeof result === 'string') {
        metrics.resolverDecisions.count({ integration, result });
        if (share < 1 && random() >= share) return;
        logger.info({ event: `credential_${result}`, ...lineOf(event) }, `credential ${result}`);
        return;
      }
      const { code, detail, cause } = result;
      metrics.resolverDecisions.count({ integration, result: code });
      const { status } = refusalKinds[code];
      const line = { event: 'credential_refused', code, status, ...lineOf(event), detail, cause: causeOf(cause) };
      if (status >= 500) logger.warn(line, 'credential refused');
      else logger.info(line, 'credential refused');
    },

    serviceFailed(error: unknown, stale: boolean): void {
      metrics.configServiceFailures.count({ stale: String(stale) });
      logger.warn(
        { event: 'config_service_failed', stale, err: error },
        stale ? 'the config service fails: what it gave before is used' : 'the config service fails',
      );
    },
  };
};
