import type { Config } from '../config/config.ts';
import type { ObserveProxied } from '../http/proxy-exchange.ts';
import type { AssembledProxy, ProxyParts } from './proxy.ts';

/** Nothing of the reverse proxy is loaded where none is configured, and nothing of it is counted. */
export const loadProxy = async (
  config: Config,
  parts: Omit<ProxyParts, 'observe'> & Readonly<{ observe(): ObserveProxied }>,
): Promise<AssembledProxy | undefined> => {
  if (!config.proxy?.enabled) return undefined;
  const { assembleProxy } = await import('./proxy.ts');
  return assembleProxy(config, { ...parts, observe: parts.observe() });
};
