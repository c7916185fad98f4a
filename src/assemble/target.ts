/** One external service: its connections, its credentials, and what stands between. */

import type { Config } from '../config/config.ts';
import type { BreakerState } from '../egress/attempts/breaker.ts';
import { trimPrefix } from '../egress/call-path.ts';
import type { Credential } from '../egress/credential.ts';
import { createSendOnce } from '../egress/send-once.ts';
import type { Target } from '../egress/target.ts';
import { guardTarget } from '../stores/outbound/target-guard.ts';
import { assembleAttempts } from './attempts.ts';
import { assembleUpstream } from './upstream.ts';

type EgressConfig = NonNullable<Config['egress']>;
type TargetConfig = EgressConfig['targets'][string];

export type TargetEvents = Readonly<{
  onCertificatesKept(target: string, error: unknown): void;
  onBreaker(target: string, state: BreakerState): void;
}>;

export type AssembledTarget = Readonly<{ target: Target; close(): Promise<void> }>;

/** What a credential may want whole where it says nothing else. */
const MOST_BUFFERED = 10 * 1024 * 1024;

export const assembleTarget = (
  name: string,
  config: TargetConfig,
  credentials: readonly Credential[],
  defaults: EgressConfig['defaults'],
  events: TargetEvents,
): AssembledTarget => {
  const url = new URL(config.url);
  const lookup = guardTarget(url, config.allow_private ?? false);
  const { origin } = url;
  const upstream = assembleUpstream(config, {
    key: `egress.targets.${name}.tls`,
    origin,
    lookup,
    onKept: (error) => events.onCertificatesKept(name, error),
  });
  const buffering = credentials.filter(({ body }) => body === 'buffered');
  const most = Math.min(...buffering.map(({ mostBodyBytes = MOST_BUFFERED }) => mostBodyBytes));
  const once = createSendOnce({ origin, credentials, upstream });
  const attempts = assembleAttempts(config, defaults, once, (state) => events.onBreaker(name, state));
  return {
    target: {
      name,
      origin,
      basePath: trimPrefix(url.pathname),
      credentials,
      timeoutMs: config.timeout ?? defaults.timeout ?? 30_000,
      wholeBody: (method, headers, length) =>
        buffering.length > 0 ? most : attempts.heldBody(method, headers, length),
      send: attempts.send,
      sendOnce: once,
    },
    close: upstream.close,
  };
};
