/**
 * Finding the route for a request in time that does not grow with the number of routes: a map of hosts, and for each a
 * tree of path segments. Most specific wins: host before path before methods.
 */
import { compareSpecificity, mayOverlap, type PathPattern, segmentsOf } from './path-pattern.ts';

export type Route<T> = Readonly<{
  /** Exact, or `*.example.com` for every name below example.com; left out for every host. */
  host?: string;
  path: PathPattern;
  /** Left out for every method. */
  methods?: readonly string[];
  target: T;
}>;

export type Routes<T> = Readonly<{ find(host: string, path: string, method: string): T | undefined }>;

type Leaf<T> = { methods: ReadonlySet<string> | undefined; target: T };

class Branch<T> {
  readonly literals = new Map<string, Branch<T>>();
  readonly globs: { text: string; literalLength: number; matches: (segment: string) => boolean; branch: Branch<T> }[] =
    [];
  any: Branch<T> | undefined;
  deep: Branch<T> | undefined;
  readonly leaves: Leaf<T>[] = [];
}

const insert = <T>(root: Branch<T>, route: Route<T>): void => {
  let branch = root;
  for (const segment of route.path.segments) {
    branch = childFor(branch, segment);
  }
  const leaf = { methods: route.methods && new Set(route.methods), target: route.target };
  if (leaf.methods) branch.leaves.unshift(leaf);
  else branch.leaves.push(leaf);
};

const childFor = <T>(branch: Branch<T>, segment: PathPattern['segments'][number]): Branch<T> => {
  switch (segment.kind) {
    case 'literal': {
      const child = branch.literals.get(segment.text) ?? new Branch<T>();
      branch.literals.set(segment.text, child);
      return child;
    }
    case 'glob': {
      const known = branch.globs.find(({ text }) => text === segment.text);
      if (known) return known.branch;
      const child = new Branch<T>();
      branch.globs.push({ ...segment, branch: child });
      branch.globs.sort((a, b) => b.literalLength - a.literalLength);
      return child;
    }
    case 'any':
      branch.any ??= new Branch<T>();
      return branch.any;
    case 'deep':
      branch.deep ??= new Branch<T>();
      return branch.deep;
  }
};

const leafOf = <T>(branch: Branch<T>, method: string): T | undefined =>
  branch.leaves.find(({ methods }) => methods === undefined || methods.has(method))?.target;

const search = <T>(branch: Branch<T>, segments: readonly string[], at: number, method: string): T | undefined => {
  const segment = segments[at];
  if (segment === undefined) {
    return leafOf(branch, method) ?? (branch.deep && searchDeep(branch.deep, segments, at, method));
  }
  const literal = branch.literals.get(segment);
  let found = literal && search(literal, segments, at + 1, method);
  if (found !== undefined) return found;
  for (const glob of branch.globs) {
    found = glob.matches(segment) ? search(glob.branch, segments, at + 1, method) : undefined;
    if (found !== undefined) return found;
  }
  found = branch.any && search(branch.any, segments, at + 1, method);
  return found ?? (branch.deep && searchDeep(branch.deep, segments, at, method));
};

/** What follows a `**` is tried from the longest remainder to the shortest; a `**` at the end takes all. */
const searchDeep = <T>(deep: Branch<T>, segments: readonly string[], at: number, method: string): T | undefined => {
  if (deep.literals.size > 0 || deep.globs.length > 0 || deep.any) {
    for (let from = at; from < segments.length; from++) {
      const found = search(deep, segments, from, method);
      if (found !== undefined) return found;
    }
  }
  return leafOf(deep, method);
};

/** Routes of equal precedence must have been refused before, by `findConflicts`. */
export const compileRoutes = <T>(routes: readonly Route<T>[]): Routes<T> => {
  const byHost = new Map<string, Branch<T>>();
  for (const route of routes) {
    const key = route.host ?? '';
    const root = byHost.get(key) ?? new Branch<T>();
    byHost.set(key, root);
    insert(root, route);
  }
  const wildcards = [...byHost.keys()].some((host) => host.startsWith('*.'));
  const everyHost = byHost.get('');

  return {
    find(host, path, method) {
      const segments = segmentsOf(path);
      const exact = byHost.get(host);
      let found = exact && search(exact, segments, 0, method);
      if (found !== undefined) return found;
      for (let dot = wildcards ? host.indexOf('.') : -1; dot >= 0; dot = host.indexOf('.', dot + 1)) {
        const wildcard = byHost.get(`*${host.slice(dot)}`);
        found = wildcard && search(wildcard, segments, 0, method);
        if (found !== undefined) return found;
      }
      return everyHost && search(everyHost, segments, 0, method);
    },
  };
};

const sameMethods = (a: Route<unknown>, b: Route<unknown>): boolean => {
  if (!a.methods || !b.methods) return a.methods === b.methods;
  return a.methods.some((method) => b.methods?.includes(method));
};

/**
 * Only routes that are alike up to their first part glob can be equally specific: the group in which a route has to be
 * compared with the others.
 */
const groupOf = ({ host = '', path }: Route<unknown>): string => {
  const shape: string[] = [host];
  for (const segment of path.segments) {
    shape.push(segment.kind === 'literal' ? `=${segment.text}` : segment.kind);
    if (segment.kind === 'glob') break;
  }
  return shape.join('/');
};

const conflict = (a: Route<unknown>, b: Route<unknown>): boolean =>
  compareSpecificity(a.path, b.path) === 0 && mayOverlap(a.path, b.path) && sameMethods(a, b);

/**
 * Pairs of routes of which neither is more specific although both match some request: a configuration error. Each route
 * is told of one other at the most.
 */
export const findConflicts = <T>(routes: readonly Route<T>[]): readonly (readonly [Route<T>, Route<T>])[] => {
  const groups = new Map<string, Route<T>[]>();
  return routes.flatMap((route) => {
    const group = groupOf(route);
    const peers = groups.get(group) ?? [];
    groups.set(group, peers);
    const peer = peers.find((other) => conflict(other, route));
    peers.push(route);
    return peer ? [[peer, route] as const] : [];
  });
};
