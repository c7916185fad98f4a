/** One external service: its connections, its credentials, and what stands between. */

import type { Config } from '../config/config.ts';
import type { BreakerState } from '../egress/attempts/breaker.ts';
import { trimPrefix } from '../egress/call-path.ts';
import type { Credential } from '../egress/credential.ts';
import { createSendOnce } from '../egress/send-once.ts';
import type { Target } from '../egress/target.ts';
import type { Upstream } from '../egress/upstream.ts';
import { guardTarget } from '../stores/outbound/target-guard.ts';
import { assembleAttempts, createTargetState } from './attempts.ts';
import type { TargetMemory } from './target-memory.ts';
import { assembleUpstream, type UpstreamParts } from './upstream.ts';

type EgressConfig = NonNullable<Config['egress']>;
type TargetConfig = EgressConfig['targets'][string];

export type TargetEvents = Readonly<{
  onCertificatesKept(target: string, error: unknown): void;
  onBreaker(target: string, state: BreakerState): void;
}>;

export type TargetParts = Readonly<{
  credentials: readonly Credential[];
  defaults: EgressConfig['defaults'];
  memory: TargetMemory;
  events: TargetEvents;
}>;

export type AssembledTarget = Readonly<{
  target: Target;
  /** Its connections end with their calls, where no later generation uses them. */
  close(): Promise<void>;
}>;

/** What a credential may want whole where it says nothing else. */
const MOST_BUFFERED = 10 * 1024 * 1024;

/** Connections with certificates of the operator's are made anew: a reload reads the files, and refuses what it cannot use. */
const connect = (
  name: string,
  config: TargetConfig,
  to: Pick<UpstreamParts, 'origin' | 'lookup'>,
  { memory, events }: Pick<TargetParts, 'memory' | 'events'>,
): Readonly<{ upstream: Upstream; close(): Promise<void> }> => {
  const make = (): Upstream =>
    assembleUpstream(config, {
      ...to,
      key: `egress.targets.${name}.tls`,
      onKept: (error) => events.onCertificatesKept(name, error),
    });
  if (config.tls?.enabled) {
    const upstream = make();
    return { upstream, close: upstream.close };
  }
  const settings = JSON.stringify([name, to.origin, config.allow_private, config.http2]);
  const { value: upstream, release } = memory.upstreams.hold(settings, make);
  return { upstream, close: release };
};

export const assembleTarget = (
  name: string,
  config: TargetConfig,
  { credentials, defaults, memory, events }: TargetParts,
): AssembledTarget => {
  const url = new URL(config.url);
  const lookup = guardTarget(url, config.allow_private ?? false);
  const { origin } = url;
  const { upstream, close } = connect(name, config, { origin, lookup }, { memory, events });
  const buffering = credentials.filter(({ body }) => body === 'buffered');
  const most = Math.min(...buffering.map(({ mostBodyBytes = MOST_BUFFERED }) => mostBodyBytes));
  const once = createSendOnce({ origin, credentials, upstream });
  const { breaker, retry_budget, max_concurrent, max_waiting } = config;
  const state = memory.states.hold(
    JSON.stringify([name, origin, breaker, retry_budget, max_concurrent, max_waiting]),
    () => createTargetState(config, (turn) => events.onBreaker(name, turn)),
  );
  const attempts = assembleAttempts(config, defaults, once, state.value);
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
    async close() {
      await Promise.all([state.release(), close()]);
    },
  };
};
