/** One external service: its connections, its credentials, and what stands between. */
import { readFileSync } from 'node:fs';
import type { Config } from './config/config.ts';
import { trimPrefix } from './egress/call-path.ts';
import type { Credential } from './egress/credential.ts';
import { createSendOnce } from './egress/send-once.ts';
import type { Target } from './egress/target.ts';
import { guardTarget } from './stores/outbound/target-guard.ts';
import { createUpstream } from './stores/upstream/pool.ts';

type EgressConfig = NonNullable<Config['egress']>;
type TargetConfig = EgressConfig['targets'][string];

export type AssembledTarget = Readonly<{ target: Target; close(): Promise<void> }>;

/** What a credential may want whole where it says nothing else. */
const MOST_BUFFERED = 10 * 1024 * 1024;

const tlsOf = ({ tls }: TargetConfig) => {
  if (!tls?.enabled) return undefined;
  return {
    ...(tls.ca_cert !== undefined && { ca: readFileSync(tls.ca_cert) }),
    ...(tls.client_cert !== undefined && { cert: readFileSync(tls.client_cert) }),
    ...(tls.client_key !== undefined && { key: readFileSync(tls.client_key) }),
    ...(tls.server_name !== undefined && { servername: tls.server_name }),
  };
};

export const assembleTarget = (
  name: string,
  config: TargetConfig,
  credentials: readonly Credential[],
  defaults: EgressConfig['defaults'],
): AssembledTarget => {
  const url = new URL(config.url);
  const tls = tlsOf(config);
  const lookup = guardTarget(url, config.allow_private ?? false);
  const upstream = createUpstream({ origin: url.origin, lookup, ...(tls && { tls }) });
  const buffering = credentials.filter(({ body }) => body === 'buffered');
  const most = Math.min(...buffering.map(({ mostBodyBytes = MOST_BUFFERED }) => mostBodyBytes));
  return {
    target: {
      name,
      origin: url.origin,
      basePath: trimPrefix(url.pathname),
      credentials,
      timeoutMs: config.timeout ?? defaults.timeout ?? 30_000,
      wholeBody: () => (buffering.length > 0 ? most : undefined),
      send: createSendOnce({ origin: url.origin, credentials, upstream }),
    },
    close: upstream.close,
  };
};
