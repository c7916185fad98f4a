/** Prefixes of routes to external services: each must be one that a call can have. */
import { parseTarget } from '../core/canonical.ts';
import { isRefusal } from '../core/refusal.ts';
import type { Config } from './config.ts';
import type { Finding } from './finding.ts';
import type { Path } from './path.ts';

type Egress = NonNullable<Config['egress']>;
type Route = Egress['routes'][number];

const withoutSlash = (prefix: string): string => prefix.replace(/\/+$/, '');

const isBelow = (path: string, prefix: string): boolean => path === prefix || path.startsWith(`${prefix}/`);

/** What is put before a path is sent as it stands; what is compared with one is compared with its decoded form. */
export const badPrefixes = (
  route: Readonly<{ [Key in 'path_prefix' | 'strip_prefix' | 'rewrite_prefix']?: string | undefined }>,
  path: Path,
): Finding[] =>
  (['path_prefix', 'strip_prefix', 'rewrite_prefix'] as const).flatMap((key): Finding[] => {
    const prefix = route[key];
    if (prefix === undefined) return [];
    const read = parseTarget(withoutSlash(prefix) || '/');
    const isGood = !isRefusal(read) && (key === 'rewrite_prefix' || !prefix.includes('%'));
    const expected = 'a path without dot segments, empty segments, semicolons and escapes, such as /ext/stripe';
    if (isGood) return [];
    const finding: Finding = { path: [...path, key], message: 'a path that no call can have', expected };
    // Webhooks have their secret in what is put before the path.
    return [key === 'rewrite_prefix' ? finding : { ...finding, shows: 'value' }];
  });

/** On the main listener nothing else is taken for egress: the route would never be found. */
const outside = (route: Route, path: Path, { egress, endpoints }: Config): Finding[] =>
  route.path_prefix === undefined ||
  egress?.addr !== undefined ||
  isBelow(withoutSlash(route.path_prefix), withoutSlash(endpoints.egress))
    ? []
    : [
        {
          path: [...path, 'path_prefix'],
          message: 'is not below endpoints.egress',
          shows: 'value',
          expected: `a path below ${endpoints.egress}, or a listener of its own by egress.addr`,
          reads: [['endpoints'], ['egress', 'addr']],
        },
      ];

export const checkEgressRoutes = (config: Config): Finding[] =>
  (config.egress?.routes ?? []).flatMap((route, index) => {
    const path: Path = ['egress', 'routes', index];
    return [...badPrefixes(route, path), ...outside(route, path, config)];
  });
