import type { Config } from '../config/config.ts';
import type { ObserveProxied } from '../http/proxy-exchange.ts';
import type { AssembledProxy, ProxyParts } from './proxy.ts';
import type { OpenUpstream } from './proxy-upstreams.ts';
import type { Telemetry } from './telemetry.ts';

/** Counted for every generation together; the audit line is as this one's configuration wants it. */
const observerOf = async (config: Config, { proxied }: Pick<Telemetry, 'proxied'>): Promise<ObserveProxied> => {
  const { count, audits } = await proxied();
  const audit = audits.of(config);
  if (!audit) return count;
  return (event) => {
    count(event);
    audit(event);
  };
};

const UPSTREAM_TLS = 'proxy.upstream_tls';

const openerOf = async ({ proxy }: Config, telemetry: Pick<Telemetry, 'tls'>): Promise<OpenUpstream | undefined> => {
  const tls = proxy?.upstream_tls;
  if (!tls?.enabled) return undefined;
  const { assembleUpstream } = await import('./upstream.ts');
  const { onKept } = telemetry.tls(UPSTREAM_TLS);
  return (options) => {
    const key = UPSTREAM_TLS;
    return assembleUpstream(
      { ...(options.origin.startsWith('https:') && { tls }), http2: false },
      { key, onKept, ...options },
    );
  };
};

/** Nothing of the reverse proxy is loaded where none is configured. Rejects where its audit file cannot be written to. */
export const loadProxy = async (
  config: Config,
  telemetry: Pick<Telemetry, 'proxied' | 'tls'>,
  parts: Omit<ProxyParts, 'observe' | 'openUpstream'>,
): Promise<AssembledProxy | undefined> => {
  if (!config.proxy?.enabled) return undefined;
  const { assembleProxy } = await import('./proxy.ts');
  return assembleProxy(config, {
    ...parts,
    openUpstream: await openerOf(config, telemetry),
    observe: await observerOf(config, telemetry),
  });
};
