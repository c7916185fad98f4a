/** What is told of credentials that went out to sandboxes' calls: counts, and a line for each use that is audited. */
import type { Logger } from 'pino';
import { refusalKinds } from './core/refusal.ts';
import type { ResolverEvent } from './egress/resolver/resolver-event.ts';
import type { Metrics } from './telemetry/metrics.ts';

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

/** `share`: of the uses that were allowed, how many become lines, from 0 to 1. */
export const createResolverEvents = (metrics: Metrics, logger: Logger, share: number, random: () => number) => ({
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
});
