/**
 * Which route a call takes, in time that does not grow with their number: a map of hosts and a tree of path segments. The
 * longest prefix wins, and its methods decide: a call is never passed on to a route that is less specific.
 */
import { isBelow, trimPrefix } from './call-path.ts';

export type Route<T> = Readonly<{
  /** On a segment boundary. Exactly one of `pathPrefix` and `host`. */
  pathPrefix?: string | undefined;
  /** Exact, or `*.example.com` for every name below example.com. */
  host?: string | undefined;
  /** Left out for every method. */
  methods?: readonly string[] | undefined;
  value: T;
}>;

export type Found<T> = Readonly<{ value: T }> | Readonly<{ allow: readonly string[] }>;

export type EgressRoutes<T> = Readonly<{
  hasHosts: boolean;
  /** Whether a route is for this host, which is canonical. */
  knowsHost(host: string): boolean;
  /** `host` and `path` are canonical; `host` counts only where there are routes by host. */
  find(host: string, path: string, method: string): Found<T> | undefined;
}>;

/** Routes of one prefix or one host, told apart by their methods. */
class Choice<T> {
  readonly #byMethod = new Map<string, Found<T>>();
  #every: Found<T> | undefined;

  add({ methods, value }: Route<T>): void {
    if (methods === undefined) this.#every ??= { value };
    else for (const method of methods) if (!this.#byMethod.has(method)) this.#byMethod.set(method, { value });
  }

  take(method: string): Found<T> {
    return this.#byMethod.get(method) ?? this.#every ?? { allow: [...this.#byMethod.keys()] };
  }
}

class Branch<T> {
  readonly children = new Map<string, Branch<T>>();
  choice: Choice<T> | undefined;
}

const insert = <T>(root: Branch<T>, prefix: string, route: Route<T>): void => {
  let branch = root;
  for (const segment of trimPrefix(prefix).split('/').slice(1)) {
    const child = branch.children.get(segment) ?? new Branch<T>();
    branch.children.set(segment, child);
    branch = child;
  }
  branch.choice ??= new Choice();
  branch.choice.add(route);
};

const findByPath = <T>(root: Branch<T>, path: string): Choice<T> | undefined => {
  let found = root.choice;
  let branch: Branch<T> | undefined = root;
  for (let from = 1; from <= path.length; ) {
    const slash = path.indexOf('/', from);
    const end = slash < 0 ? path.length : slash;
    branch = branch.children.get(path.slice(from, end));
    if (!branch) break;
    found = branch.choice ?? found;
    from = end + 1;
  }
  return found;
};

const findByHost = <T>(hosts: ReadonlyMap<string, Choice<T>>, host: string): Choice<T> | undefined => {
  let found = hosts.get(host);
  for (let dot = host.indexOf('.'); !found && dot >= 0; dot = host.indexOf('.', dot + 1)) {
    found = hosts.get(`*${host.slice(dot)}`);
  }
  return found;
};

/** Below `ownPrefix` routes by path alone are found, so that no wildcard host takes them. Of two alike the first counts. */
export const compileEgressRoutes = <T>(routes: readonly Route<T>[], ownPrefix: string): EgressRoutes<T> => {
  const root = new Branch<T>();
  const hosts = new Map<string, Choice<T>>();
  for (const route of routes) {
    if (route.pathPrefix !== undefined) insert(root, route.pathPrefix, route);
    if (route.host === undefined) continue;
    const choice = hosts.get(route.host) ?? new Choice<T>();
    hosts.set(route.host, choice);
    choice.add(route);
  }
  const own = trimPrefix(ownPrefix);

  return {
    hasHosts: hosts.size > 0,
    knowsHost: (host) => findByHost(hosts, host) !== undefined,
    find(host, path, method) {
      const byHost = hosts.size > 0 && !isBelow(path, own) ? findByHost(hosts, host) : undefined;
      return (byHost ?? findByPath(root, path))?.take(method);
    },
  };
};
