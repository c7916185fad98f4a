import type { Config } from '../config/config.ts';
import type { ObserveProxied } from '../http/proxy-exchange.ts';
import type { AssembledProxy, ProxyParts } from './proxy.ts';
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

/** Nothing of the reverse proxy is loaded where none is configured. Rejects where its audit file cannot be written to. */
export const loadProxy = async (
  config: Config,
  telemetry: Pick<Telemetry, 'proxied'>,
  parts: Omit<ProxyParts, 'observe'>,
): Promise<AssembledProxy | undefined> => {
  if (!config.proxy?.enabled) return undefined;
  const { assembleProxy } = await import('./proxy.ts');
  return assembleProxy(config, { ...parts, observe: await observerOf(config, telemetry) });
};
