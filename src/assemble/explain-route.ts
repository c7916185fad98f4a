/** Which rules match a request, and what the others lack. */
import { nearest } from '../config/nearest.ts';
import { parsePathPattern, segmentsOf } from '../core/path-pattern.ts';
import type { AuthRequest } from '../core/request.ts';
import { compileRoutes } from '../core/routes.ts';

export type Match = Readonly<{
  name: string;
  host?: string | undefined;
  path?: string | undefined;
  methods?: readonly string[] | undefined;
}>;

type Asked = Pick<AuthRequest, 'host' | 'path' | 'method'>;

/** `host shop.example.com, path /orders/**, GET or POST` */
export const sayMatch = ({ host, path, methods }: Match): string =>
  [
    host === undefined ? 'any host' : `host ${host}`,
    path === undefined ? 'any path' : `path ${path}`,
    methods === undefined ? 'any method' : methods.join(' or '),
  ].join(', ');

type Lack = 'host' | 'path' | 'method';

const meets = (part: Pick<Match, 'host' | 'path' | 'methods'>, { host, path, method }: Asked): boolean => {
  const pattern = parsePathPattern(part.path ?? '/**');
  if (typeof pattern === 'string') return false;
  const route = {
    path: pattern,
    target: true,
    ...(part.host !== undefined && { host: part.host }),
    ...(part.methods && { methods: part.methods }),
  };
  return compileRoutes([route]).find(host, path, method) === true;
};

const lacks = ({ host, path, methods }: Match, asked: Asked): Lack[] => [
  ...(meets({ host }, asked) ? [] : ['host' as const]),
  ...(meets({ path }, asked) ? [] : ['path' as const]),
  ...(meets({ methods }, asked) ? [] : ['method' as const]),
];

/** Segments at the beginning that are the same, of a rule for another path. */
const shared = ({ path = '' }: Match, asked: Asked): number => {
  const own = segmentsOf(path);
  const segments = segmentsOf(asked.path);
  const first = own.findIndex((segment, index) => segment !== segments[index]);
  return first < 0 ? own.length : first;
};

const MOST_NEAR = 3;

/** What matches nothing of itself is reached by its name alone. */
const isRouted = ({ host, path, methods }: Match): boolean =>
  host !== undefined || path !== undefined || methods !== undefined;

/** The names of all that match. */
export const matching = (all: readonly Match[], asked: Asked): readonly string[] =>
  all.filter((match) => isRouted(match) && lacks(match, asked).length === 0).map(({ name }) => name);

const firstOf = (path: string): string => segmentsOf(path)[0] ?? '';

/** The rule whose path has a slip of the pen in its first segment, or the request's has. */
const meantBy = (all: readonly Match[], asked: Asked): Match | undefined => {
  const routed = all.filter(({ path }) => path !== undefined);
  const meant = nearest(
    firstOf(asked.path),
    routed.map(({ path = '' }) => firstOf(path)),
  );
  return meant === undefined ? undefined : routed.find(({ path = '' }) => firstOf(path) === meant);
};

/** The few that are nearest to a request that none matches, and what of them does not. */
export const sayNearest = (all: readonly Match[], asked: Asked): string => {
  const near = all
    .filter(isRouted)
    .map((match) => ({ match, missing: lacks(match, asked), shared: shared(match, asked) }))
    .filter(({ missing, shared: same }) => !missing.includes('path') || same > 0)
    .sort((a, b) => b.shared - a.shared || a.missing.length - b.missing.length);
  const meant = near.some(({ shared: same }) => same > 0) ? undefined : meantBy(all, asked);
  const sentences = [
    ...(meant ? [`${meant.name} (${sayMatch(meant)}) but for the path`] : []),
    ...near.map(({ match, missing }) => `${match.name} (${sayMatch(match)}) but for the ${missing.join(' and the ')}`),
  ];
  return sentences.length === 0 ? 'none is near' : `nearest: ${sentences.slice(0, MOST_NEAR).join('; ')}`;
};
