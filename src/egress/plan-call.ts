/** From what a caller asks to the route it takes, and to the call that leaves. */
import { parseHost, parseMethod } from '../core/canonical.ts';
import { isRefusal, type Refusal, refuse } from '../core/refusal.ts';
import { type CallPath, readCallPath, spelledPath } from './call-path.ts';
import type { CallerFacts } from './caller-entry.ts';
import type { Admission, CallCheck } from './callers.ts';
import type { HeaderFilter } from './headers.ts';
import { type Joining, joinPath } from './join.ts';
import { withoutParameters, withQuery } from './query.ts';
import type { EgressRoutes } from './routes.ts';
import type { OutgoingCall, Target } from './target.ts';

/** What a policy is told of a call, besides who makes it. */
export type CallAbout = Readonly<{ method: string; host: string; path: string; query: string }>;

/** Whether the policy of a route allows the call. */
export type RoutePolicy = (call: CallAbout, facts: CallerFacts) => ReturnType<CallCheck>;

export type EgressRoute = Readonly<{
  target: Target;
  admission: Admission;
  /** Left out where the route asks none. */
  policy?: RoutePolicy;
  joining: Joining;
  filterHeaders: HeaderFilter;
  /** Parameters of the query that credentials set. */
  ownParameters: readonly string[];
  timeoutMs: number;
  escapedSlashes: boolean;
  websocket: boolean;
}>;

/** What came, still unread. */
export type Asked = Readonly<{ method: string | undefined; host: string | undefined; target: string }>;

export type Planned<R = EgressRoute> = Readonly<{ route: R; path: CallPath; method: string }>;

const noRoute = refuse('no_route', 'No egress route is for this path or host.');

const notSent = refuse('method_not_allowed', 'This method is never passed on.');

const notAllowed = (allow: readonly string[]): Refusal =>
  refuse('method_not_allowed', 'The route is for other methods.', { headers: { Allow: allow.join(', ') } });

/** What they answer to shows the credential (TRACE), or is no answer at all. */
const neverSent = new Set(['TRACE', 'TRACK', 'CONNECT']);

export const planCall = <R extends Pick<EgressRoute, 'escapedSlashes'>>(
  routes: EgressRoutes<R>,
  asked: Asked,
): Planned<R> | Refusal => {
  const method = parseMethod(asked.method);
  if (isRefusal(method)) return method;
  const path = readCallPath(asked.target);
  if (isRefusal(path)) return path;
  // Two lines of it come joined, and are refused by whoever does not need it too (RFC 9112 section 3.2).
  const host = routes.hasHosts || asked.host?.includes(',') ? parseHost(asked.host) : '';
  if (isRefusal(host)) return host;
  const found = routes.find(host, path.path, method);
  if (!found) return noRoute;
  if ('allow' in found) return notAllowed(found.allow);
  if (neverSent.has(method)) return notSent;
  const route = found.value;
  return path.escapedSlash && !route.escapedSlashes ? path.escapedSlash : { route, path, method };
};

/** As a policy is asked about it. A host that cannot be read is told as none. */
export const aboutCall = ({ path, method }: Omit<Planned, 'route'>, askedHost: string | undefined): CallAbout => {
  const host = parseHost(askedHost);
  return { method, host: isRefusal(host) ? '' : host, path: spelledPath(path), query: path.query };
};

/** `rawHeaders` are name, value, name, value, as they came. */
export const outgoingCall = (
  { route, path, method }: Planned,
  rawHeaders: readonly string[],
): (Omit<OutgoingCall, 'body' | 'bodyLength'> & Readonly<{ headers: string[] }>) | Refusal => {
  const joined = joinPath(path, route.joining);
  if (isRefusal(joined)) return joined;
  return {
    method,
    path: path.query === '' ? joined : withQuery(joined, withoutParameters(path.query, route.ownParameters), ''),
    headers: route.filterHeaders(rawHeaders),
    timeoutMs: route.timeoutMs,
  };
};
