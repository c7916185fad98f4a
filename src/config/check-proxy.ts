/** The reverse proxy: its routes, the services behind, and what must be elsewhere where it stands in the path. */
import { canonicalHeader } from '../core/header-names.ts';
import { parsePathPattern } from '../core/path-pattern.ts';
import { findConflicts, type Route } from '../core/routes.ts';
import { parseAddress } from './address.ts';
import { credentialsOf, headersOf } from './check-credentials.ts';
import { badPrefixes } from './check-egress-routes.ts';
import { sameHeaders } from './check-rules.ts';
import { checkUpstreamTls } from './check-upstream-tls.ts';
import type { Config } from './config.ts';
import type { Finding } from './finding.ts';
import { reachOf } from './inner-host.ts';
import type { Path } from './path.ts';

type Proxied = NonNullable<Config['proxy']>;

const checkRoutes = ({ routes }: Proxied): Finding[] => {
  const readable: Route<number>[] = [];
  const findings = routes.flatMap(({ path, methods, ...prefixes }, index): Finding[] => {
    const at = ['proxy', 'routes', index];
    const pattern = parsePathPattern(path);
    const bad = badPrefixes(prefixes, at);
    if (typeof pattern === 'string') {
      const expected = 'a pattern such as /api/v1/orders/**';
      return [{ path: [...at, 'path'], message: pattern, shows: 'value', expected }, ...bad];
    }
    readable.push({ path: pattern, target: index, ...(methods && { methods }) });
    return bad;
  });
  const conflicts = findConflicts(readable).map(
    ([first, second]): Finding => ({
      path: ['proxy', 'routes', second.target],
      message: 'matches requests that another route matches just as specifically; see',
      refersTo: ['proxy', 'routes', first.target],
      hint: 'change the path or the methods of one of them',
    }),
  );
  return [...findings, ...conflicts];
};

/** Of every service behind, and the place that names it; `proxy.upstream` where it is asked at all. */
const upstreamsOf = ({ upstream, routes }: Proxied): readonly Readonly<{ url: string; path: Path }>[] => [
  ...(routes.length === 0 || routes.some((route) => route.upstream === undefined)
    ? [{ url: upstream, path: ['proxy', 'upstream'] }]
    : []),
  ...routes.flatMap((route, index) =>
    route.upstream === undefined ? [] : [{ url: route.upstream, path: ['proxy', 'routes', index, 'upstream'] }],
  ),
];

const ownHosts = ['127.0.0.1', '[::1]', 'localhost'];

const isOwnListener = ({ hostname, port, protocol }: URL, addr: string): boolean => {
  const own = parseAddress(addr);
  const asked = Number(port || (protocol === 'https:' ? 443 : 80));
  return own?.port === asked && (ownHosts.includes(hostname) || hostname === own.host);
};

const below = (pathname: string, base: string): boolean =>
  pathname === base || pathname.startsWith(base.endsWith('/') ? base : `${base}/`);

const checkUpstream = (
  proxy: Proxied,
  config: Config,
  { url, path }: Readonly<{ url: string; path: Path }>,
): Finding[] => {
  const upstream = new URL(url);
  if (reachOf(upstream.hostname) === 'never')
    return [{ path, message: 'an address that is never connected to', shows: 'value', expected: 'another host' }];
  if (isOwnListener(upstream, config.http.addr))
    return [
      {
        path,
        message: `${url} is the proxy itself`,
        expected: 'the address of the service behind it, another than http.addr',
        reads: [['http', 'addr']],
      },
    ];
  const targets = config.egress?.enabled ? Object.entries(config.egress.targets) : [];
  const named = targets.filter(
    ([, target]) => URL.canParse(target.url) && new URL(target.url).origin === upstream.origin,
  );
  const [[name, target] = []] = named;
  if (name === undefined || target === undefined) return [];
  const reads: Path[] = [['egress', 'targets']];
  if (named.length > 1) {
    const names = named.map(([one]) => one).join(', ');
    return [{ path, message: `has the origin of several targets of egress: ${names}`, expected: 'one of them', reads }];
  }
  const base = new URL(target.url).pathname;
  if (!below(upstream.pathname, base))
    return [
      {
        path,
        message: `has the origin of the target ${name} of egress, and is outside of its path`,
        shows: 'value',
        expected: `a URL at or below ${target.url}`,
        reads,
      },
    ];
  const tokenHeader = canonicalHeader(proxy.auth.header);
  const credentials = credentialsOf(target, ['egress', 'targets', name]).flatMap(({ auth }) => headersOf(auth));
  return proxy.headers.pass_token && credentials.some((header) => canonicalHeader(header) === tokenHeader)
    ? [
        {
          path: ['proxy', 'headers', 'pass_token'],
          message: `passes the token on in ${proxy.auth.header}, which the credential of the target ${name} sets`,
          expected: 'pass_token: false, or a target without that credential',
          reads: [path, ...reads],
        },
      ]
    : [];
};

const checkAuth = ({ auth }: Proxied, { jwt }: Config): Finding[] =>
  auth.enabled && auth.accept.includes('jwt') && jwt.issuers.length === 0
    ? [
        {
          path: ['proxy', 'auth'],
          message: 'verifies tokens, but nobody may issue one',
          hint: 'name an issuer under jwt, or set proxy.auth.enabled: false',
          reads: [['jwt']],
        },
      ]
    : [];

/** Whoever writes `authz` wants every request judged. */
const checkAuthz = ({ authz, routes }: Proxied): Finding[] => {
  if (!authz?.enabled || authz.policy_query !== undefined) return [];
  const isAsked = routes.length > 0 && routes.every(({ policy_query }) => policy_query !== undefined);
  const expected = 'policy_query, such as data.orders.allow, here or on every route';
  return isAsked
    ? []
    : [{ path: ['proxy', 'authz'], message: 'asks the policy nothing', expected, reads: [['proxy', 'routes']] }];
};

/** What `http.addr` serves where nothing stands in the path. */
const checkElsewhere = ({ rules, grpc, resolver }: Config): Finding[] => [
  ...(rules.length > 0 && !grpc
    ? [
        {
          path: ['rules'],
          message: 'rules beside proxy, which has routes of its own, and nobody else asks',
          expected: 'proxy.routes, or grpc for proxies that ask there',
          reads: [['proxy'], ['grpc']],
        },
      ]
    : []),
  ...(resolver?.enabled && resolver.addr === undefined
    ? [
        {
          path: ['resolver'],
          message: 'http.addr is the proxy alone',
          expected: 'resolver.addr, for a listener of its own',
          reads: [['proxy'], ['resolver', 'addr']],
        },
      ]
    : []),
];

export const checkProxy = (config: Config): Finding[] => {
  const { proxy } = config;
  if (!proxy?.enabled) return [];
  return [
    ...sameHeaders(proxy.headers, ['proxy', 'headers']),
    ...checkRoutes(proxy),
    ...upstreamsOf(proxy).flatMap((upstream) => checkUpstream(proxy, config, upstream)),
    ...checkUpstreamTls(
      proxy,
      upstreamsOf(proxy).map(({ url }) => url),
      config,
    ),
    ...checkAuth(proxy, config),
    ...checkAuthz(proxy),
    ...checkElsewhere(config),
  ];
};
