/** Standing in the path: the rules, the services behind and the door. Loaded only where it is configured. */

import type { Config } from '../config/config.ts';
import type { DecisionEvent } from '../core/decision-event.ts';
import { createGate, type Gate } from '../core/gate.ts';
import { parsePathPattern } from '../core/path-pattern.ts';
import { compileRoutes, type Route, type Routes } from '../core/routes.ts';
import { createJoining } from '../egress/join.ts';
import type { Peers } from '../http/peers.ts';
import { ProxiedCredentials } from '../http/proxied-credentials.ts';
import { ProxiedHeaders } from '../http/proxied-headers.ts';
import type { ObserveProxied } from '../http/proxy-exchange.ts';
import { createReverseProxy, type ProxyRoute, type ReverseProxy } from '../http/reverse-proxy.ts';
import type { Egress } from './egress.ts';
import { managedByProxy, type ProxyRuleParts, proxyRule } from './proxy-rules.ts';
import { createProxyUpstreams, type OpenUpstream } from './proxy-upstreams.ts';

export type ProxyConfig = NonNullable<Config['proxy']>;
export type ProxyRouteConfig = ProxyConfig['routes'][number];

export type ProxyParts = Omit<ProxyRuleParts, 'config'> &
  Readonly<{
    peers: Peers;
    /** Of the same generation. */
    egress: Egress | undefined;
    /** Left out where the authorities of the system are believed. */
    openUpstream?: OpenUpstream | undefined;
    decided(event: DecisionEvent): void;
    observe: ObserveProxied;
  }>;

/** All of one generation of the configuration. */
export type AssembledProxy = Readonly<{
  gate: Gate;
  routes: Routes<ProxyRoute>;
  credentials: ProxiedCredentials;
  answer: ReverseProxy;
  /** Once no request is under way any more. */
  close(): Promise<void>;
}>;

/** What takes every request where nothing else is said. */
const everything: ProxyRouteConfig = { path: '/**', auth_required: true };

/** Unique, for two routes of one path are told apart by their methods. */
export const nameOf = ({ path, methods }: ProxyRouteConfig): string =>
  methods === undefined ? path : `${methods.join(',')} ${path}`;

export const routesOf = ({ routes }: ProxyConfig): readonly ProxyRouteConfig[] =>
  routes.length > 0 ? routes : [everything];

/** Where `config.proxy` is there. */
export const assembleProxy = (config: Config, parts: ProxyParts): AssembledProxy => {
  const { proxy } = config;
  if (!proxy) throw new Error('unreachable: loaded only where a proxy is configured');
  const { peers, egress, decided, observe } = parts;
  const { header, scheme, enabled: takesTokens, accept } = proxy.auth;
  const takesKeys = takesTokens && accept.includes('api_key');
  const credentials = new ProxiedCredentials({ header, scheme, takesTokens, takesKeys });
  const managed = managedByProxy(proxy);
  const upstreams = createProxyUpstreams(egress?.targets ?? [], parts.openUpstream);

  const assembled = routesOf(proxy).map((route) => {
    const pattern = parsePathPattern(route.path);
    if (typeof pattern === 'string') throw new Error(`unreachable: ${route.path} was checked with the configuration`);
    const name = nameOf(route);
    const upstream = upstreams.at(route.upstream ?? proxy.upstream);
    const value: ProxyRoute = {
      name,
      ...upstream,
      joining: createJoining(upstream.basePath, route.strip_prefix, route.rewrite_prefix),
      headers: new ProxiedHeaders({
        managed,
        ofCredentials: upstream.ofCredentials,
        tokenHeader: credentials.tokenHeader,
        passesHost: upstream.passesHost,
      }),
      timeoutMs: route.timeout ?? proxy.timeout,
      websocket: route.websocket ?? proxy.websocket,
    };
    const compiled: Route<ProxyRoute> = {
      path: pattern,
      target: value,
      ...(route.methods && { methods: route.methods }),
    };
    return { compiled, rule: proxyRule(name, route, proxy, { ...parts, config }) };
  });

  const house = {
    apiKeyPrefix: config.api_keys.prefix,
    importedPrefixes: config.api_keys.imported.flatMap(({ prefix }) => prefix ?? []),
    // No copy of a caller's passes, however it is spelt: there is nothing to refuse.
    imitates: () => false,
  };
  const rules = assembled.map(({ rule }) => rule);
  const gate = createGate(house, rules, []);
  const routes = compileRoutes(assembled.map(({ compiled }) => compiled));
  return {
    gate,
    routes,
    credentials,
    answer: createReverseProxy({
      routes,
      gate,
      credentials,
      peers,
      forwardedCertificates: false,
      decided,
      observe,
    }),
    close: upstreams.close,
  };
};
