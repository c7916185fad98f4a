import type { Config, RuleConfig } from './config.ts';
import type { Finding } from './finding.ts';
import { isInner } from './inner-host.ts';
import type { Path } from './path.ts';
import { rangeOf } from './range.ts';

/** Set-ups that open the gate, by the flag (without the leading dashes) that allows each all the same. */
export const insecureMeanings = {
  'insecure-trusted-proxies': 'trusted proxies in a range wider than /8 (IPv4) or /16 (IPv6)',
  'insecure-admin': 'an admin listener without a token',
  'insecure-default-rule': 'a rule that accepts `anonymous` and names neither a host nor a path',
  'insecure-any-mint': 'the mint `*`: money of any mint',
  'insecure-ledger': 'payments in PostgreSQL without `cashu.encryption_key`',
  'insecure-http': 'keys, tokens and money over plain http from hosts outside the machine and the cluster',
  'insecure-pod-template': 'pod templates that reach outside their pod',
} as const;

export type InsecureFlag = keyof typeof insecureMeanings;

export const insecureFlags: readonly string[] = Object.keys(insecureMeanings);

const shortestPrefix = { 4: 8, 6: 16 } as const;

const wideProxies = ({ trusted_proxies }: Config): Finding[] =>
  trusted_proxies.flatMap((network, index): Finding[] => {
    const range = rangeOf(network);
    if (!range || range.bits >= shortestPrefix[range.version]) return [];
    const message = 'so wide a range lets anybody forge forwarded headers';
    return [
      {
        path: ['trusted_proxies', index],
        message,
        shows: 'value',
        expected: `/${shortestPrefix[range.version]} or longer`,
      },
    ];
  });

const openAdmin = ({ admin }: Config): Finding[] =>
  admin && !admin.token
    ? [
        {
          path: ['admin', 'token'],
          message: 'the admin listener has no token',
          expected: 'a token of at least 16 characters',
          reads: [['admin']],
        },
      ]
    : [];

/** Nothing but slashes and stars. */
const anyPath = /^[/*]+$/;

/** Answers to `OPTIONS` alone open nothing: that is how browsers ask before they ask. */
const matchesAll = ({ match: { host, path, methods } }: RuleConfig): boolean =>
  host === undefined &&
  (path === undefined || anyPath.test(path)) &&
  !(methods?.length === 1 && methods[0] === 'OPTIONS');

const openRules = ({ rules }: Config): Finding[] =>
  rules.flatMap((rule, index): Finding[] =>
    matchesAll(rule) && rule.accept.includes('anonymous')
      ? [
          {
            path: ['rules', index],
            message: 'accepts anonymous and names neither a host nor a path',
            expected: 'a host or a path in match',
            reads: [['rules', index]],
          },
        ]
      : [],
  );

const anyMint = ({ cashu }: Config): Finding[] =>
  cashu.mints.flatMap(({ url }, index): Finding[] =>
    url === '*'
      ? [
          {
            path: ['cashu', 'mints', index, 'url'],
            message: 'accepts the money of any mint, worthless or not',
            expected: 'the URL of a mint you trust',
          },
        ]
      : [],
  );

/** A database server has administrators, replicas and backups of its own: more people than a file on this machine. */
const unsealedLedger = ({ store, cashu }: Config): Finding[] =>
  store.type === 'postgres' && cashu.mints.length > 0 && cashu.encryption_key === undefined
    ? [
        {
          path: ['cashu', 'encryption_key'],
          message: 'payments would be kept in PostgreSQL as money that every reader of the database can spend',
          expected: 'at least 32 random bytes in base64 or hex (openssl rand -base64 32)',
          reads: [['cashu'], ['store']],
        },
      ]
    : [];

const isExposed = (url: string): boolean => {
  if (!URL.canParse(url)) return false;
  const { protocol, hostname } = new URL(url);
  return protocol === 'http:' && !isInner(hostname);
};

/** URLs whose answers are believed: keys, tokens and money. */
const trustedUrls = ({ jwt, cashu, egress, resolver, vault }: Config): [path: Path, url: string | undefined][] => [
  ...jwt.issuers.flatMap((issuer, index): [Path, string | undefined][] => [
    [['jwt', 'issuers', index, 'jwks_url'], issuer.jwks_url],
    [['jwt', 'issuers', index, 'issuer'], issuer.discovery && issuer.issuer],
  ]),
  ...cashu.mints.map(({ url }, index): [Path, string] => [['cashu', 'mints', index, 'url'], url]),
  [['resolver', 'jwks_url'], resolver?.jwks_url],
  [['resolver', 'config_service', 'url'], resolver?.config_service?.url],
  [['vault', 'address'], vault?.address],
  ...Object.entries(egress?.targets ?? {}).flatMap(([name, target]) =>
    [
      [['auth'], target.auth] as const,
      ...target.credentials.map((auth, index) => [['credentials', index], auth] as const),
    ].map(([key, auth]): [Path, string | undefined] => [
      ['egress', 'targets', name, ...key, 'token_url'],
      auth && 'token_url' in auth ? auth.token_url : undefined,
    ]),
  ),
];

const plainHttp = (config: Config): Finding[] =>
  trustedUrls(config).flatMap(([path, url]): Finding[] =>
    url !== undefined && isExposed(url)
      ? [{ path, message: 'plain http: whoever is on the way can answer instead', shows: 'value', expected: 'https' }]
      : [],
  );

/** Whether a call of this target has a secret on it. */
const hasSecret = ({ auth, credentials }: NonNullable<Config['egress']>['targets'][string]): boolean =>
  [auth, ...credentials].some((one) => one !== undefined && one.type !== 'none');

const readableSecrets = ({ egress }: Config): Finding[] =>
  Object.entries(egress?.targets ?? {}).flatMap(([name, target]): Finding[] =>
    isExposed(target.url) && hasSecret(target)
      ? [
          {
            path: ['egress', 'targets', name, 'url'],
            message: 'plain http: whoever is on the way can read the credential',
            shows: 'value',
            expected: 'https',
          },
        ]
      : [],
  );

/** `insecure-pod-template` is checked by whoever reads the template. */
const refusals: readonly [InsecureFlag, (config: Config) => Finding[]][] = [
  ['insecure-trusted-proxies', wideProxies],
  ['insecure-admin', openAdmin],
  ['insecure-default-rule', openRules],
  ['insecure-any-mint', anyMint],
  ['insecure-ledger', unsealedLedger],
  ['insecure-http', plainHttp],
  ['insecure-http', readableSecrets],
];

export const checkUnsafe = (config: Config, allowed: ReadonlySet<string>): Finding[] =>
  refusals
    .filter(([flag]) => !allowed.has(flag))
    .flatMap(([flag, find]) =>
      find(config).map((finding) => ({ ...finding, hint: `to do it all the same, start with --${flag}` })),
    );
