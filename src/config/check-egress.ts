import { checkCallers } from './check-callers.ts';
import type { Config } from './config.ts';
import type { Finding } from './finding.ts';
import { reachOf } from './inner-host.ts';
import { nearest } from './nearest.ts';
import type { Path } from './path.ts';

type Egress = NonNullable<Config['egress']>;
type Target = Egress['targets'][string];
type Auth = Target['credentials'][number];

export const checkEgress = (config: Config): Finding[] => {
  const { egress, redis } = config;
  if (!egress) return [];
  return [
    ...(egress.token_store.type === 'redis' && !egress.token_store.redis && !redis
      ? [
          {
            path: ['egress', 'token_store'],
            message: 'keeps tokens in Redis, but no Redis is named',
            hint: 'add token_store.redis or the redis block',
            reads: [['redis']],
          },
        ]
      : []),
    ...(egress.tls?.enabled && egress.addr === undefined
      ? [
          {
            path: ['egress', 'tls'],
            message: 'TLS on a listener that is not there',
            expected: 'egress.addr beside it; http.tls is for http.addr',
            reads: [['egress', 'addr']],
          },
        ]
      : []),
    ...egress.routes.flatMap((route, index) =>
      checkRoute(route, ['egress', 'routes', index], Object.keys(egress.targets)),
    ),
    ...Object.entries(egress.targets).flatMap(([name, target]) =>
      checkTarget(target, ['egress', 'targets', name], config),
    ),
  ];
};

const checkRoute = (route: Egress['routes'][number], path: Path, targets: string[]): Finding[] => {
  const findings: Finding[] = [];
  if ((route.path_prefix === undefined) === (route.host === undefined))
    findings.push({ path, message: 'not one way in', expected: 'exactly one of path_prefix, host', reads: [path] });
  if (!targets.includes(route.target)) {
    const meant = nearest(route.target, targets);
    findings.push({
      path: [...path, 'target'],
      message: 'no target of this name',
      shows: 'value',
      expected: targets.length > 0 ? `one of ${targets.join(', ')}` : 'the name of a target under egress.targets',
      ...(meant !== undefined && { hint: `did you mean "${meant}"?` }),
      reads: [['egress', 'targets']],
    });
  }
  return findings;
};

/** Names are looked at when they are connected to: what DNS says now, it need not say then. */
const checkReach = (url: string, path: Path, { allow_private }: Target): Finding[] => {
  const reach = URL.canParse(url) ? reachOf(new URL(url).hostname) : 'unknown';
  if (reach === 'never')
    return [{ path, message: 'an address that is never connected to', shows: 'value', expected: 'another host' }];
  if (reach !== 'private' || allow_private) return [];
  return [
    {
      path,
      message: 'a private address',
      shows: 'value',
      expected: 'a host of the public internet',
      hint: 'to allow it, set allow_private: true on the target',
      reads: [[...path.slice(0, 3), 'allow_private']],
    },
  ];
};

/** What is below it would be refused as a path that two readers take for two. */
const checkBasePath = (url: string, path: Path): Finding[] =>
  URL.canParse(url) && /\/\/+[^/]/.test(new URL(url).pathname)
    ? [{ path, message: 'a path with an empty segment', shows: 'value', expected: 'single slashes in its path' }]
    : [];

const checkTarget = (target: Target, path: Path, config: Config): Finding[] => [
  ...checkBasePath(target.url, [...path, 'url']),
  ...checkReach(target.url, [...path, 'url'], target),
  ...(target.auth && target.credentials.length > 0
    ? [{ path, message: 'both auth and credentials', expected: 'one of them' }]
    : []),
  ...(target.auth ? checkAuth(target.auth, [...path, 'auth'], target) : []),
  ...target.credentials.flatMap((auth, index) => checkAuth(auth, [...path, 'credentials', index], target)),
  ...(target.tls && (target.tls.client_cert === undefined) !== (target.tls.client_key === undefined)
    ? [
        {
          path: [...path, 'tls'],
          message: 'half a client certificate',
          expected: 'both client_cert and client_key',
          reads: [path],
        },
      ]
    : []),
  ...checkPlain(target, path),
  ...checkCallers(target.callers, [...path, 'callers', 'allow'], config),
];

/** What is said of TLS would be forgotten without a word where there is none. */
const checkPlain = ({ url, tls, http2 }: Target, path: Path): Finding[] => {
  if (url.startsWith('https:')) return [];
  const said = [...(tls?.enabled ? ['tls'] : []), ...(http2 ? ['http2'] : [])];
  return said.map((key) => ({
    path: [...path, key],
    message: 'needs TLS, and the url is plain http',
    expected: 'an https url',
    reads: [[...path, 'url']],
  }));
};

const checkAuth = (auth: Auth, path: Path, target: Target): Finding[] => [
  ...('token_url' in auth ? checkReach(auth.token_url, [...path, 'token_url'], target) : []),
  ...checkKind(auth, path, target),
];

const isOneAccount = ({
  credentials,
  client_email,
  private_key,
}: Extract<Auth, { type: 'gcp_service_account' }>): boolean =>
  [client_email, private_key].every((part) => (part === undefined) === (credentials !== undefined));

const checkKind = (auth: Auth, path: Path, { tls }: Target): Finding[] => {
  if (auth.type === 'api_key' && (auth.header === undefined) === (auth.query === undefined))
    return [{ path, message: 'not one place for the key', expected: 'exactly one of header, query', reads: [path] }];
  if (auth.type === 'mtls' && (!tls?.enabled || tls.client_cert === undefined))
    return [
      {
        path,
        message: 'mtls without a certificate',
        expected: 'tls.client_cert and tls.client_key beside it',
        reads: [path.slice(0, 3)],
      },
    ];
  if (auth.type === 'gcp_service_account' && !isOneAccount(auth))
    return [
      {
        path,
        message: 'not one service account',
        expected: 'either credentials, or client_email and private_key',
        reads: [path],
      },
    ];
  return [];
};
