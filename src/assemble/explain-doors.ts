/** The doors by which a request comes to a gate, as far as an explanation needs them. */
import type { Config } from '../config/config.ts';
import type { Gate, Question } from '../core/gate.ts';
import { isRefusal, type Refusal, refuse } from '../core/refusal.ts';
import type { AuthRequest } from '../core/request.ts';
import { rawPath } from '../egress/call-path.ts';
import { joinPath } from '../egress/join.ts';
import type { ExplainQuestion } from '../http/admin/explain-shapes.ts';
import { plainPath, refusedMethod } from '../http/proxied-request.ts';
import { noRoute } from '../http/reverse-proxy.ts';
import type { Match } from './explain-route.ts';
import { type AssembledProxy, nameOf, routesOf } from './proxy.ts';

export type DoorParts = Readonly<{
  config: Pick<Config, 'rules' | 'proxy'>;
  gate: Gate;
  proxy: Pick<AssembledProxy, 'gate' | 'routes' | 'credentials'> | undefined;
}>;

export type ExplainedDoor = Readonly<{
  door: 'gate' | 'proxy';
  gate: Gate;
  /** What its rules are called and which requests they are for. */
  matches: readonly Match[];
  /** The question that the door puts to the gate, or its own refusal. */
  ask(asked: ExplainQuestion, request: AuthRequest): Question | Refusal;
  /** Where an allowed request goes; undefined where the door sends none. */
  upstream(asked: ExplainQuestion, request: AuthRequest): string | Refusal | undefined;
}>;

const gateDoor = ({ config, gate }: DoorParts): ExplainedDoor => ({
  door: 'gate',
  gate,
  matches: config.rules.map(({ name, match }) => ({ name, ...match })),
  ask: ({ rule }, request) => ({ request, ...(rule !== undefined && { ruleName: rule }) }),
  upstream: () => undefined,
});

/** What follows the host, without the query, which may hold what nobody is shown. */
const targetOf = (url: string): string =>
  rawPath(url.startsWith('/') ? url : (/^https?:\/\/[^/?]+(.*)$/is.exec(url)?.[1] ?? '') || '/');

const proxyDoor = (config: NonNullable<Config['proxy']>, proxy: NonNullable<DoorParts['proxy']>): ExplainedDoor => {
  const { gate, routes, credentials } = proxy;
  const { tokenHeader } = credentials;

  /** Credentials are read from where the door reads them. */
  const atTheDoor = (request: AuthRequest): AuthRequest => ({
    ...request,
    header: (name) =>
      credentials.read({ [tokenHeader]: request.header(tokenHeader), [name]: request.header(name) }, name),
  });

  return {
    door: 'proxy',
    gate,
    matches: routesOf(config).map((route) => ({ name: nameOf(route), path: route.path, methods: route.methods })),
    ask(_asked, request) {
      const refused = refusedMethod(request.method);
      if (refused) return refused;
      const route = routes.find('', request.path, request.method);
      return route ? { request: atTheDoor(request), ruleName: route.name } : noRoute;
    },
    upstream({ url }, { path, query, method }) {
      const route = routes.find('', path, method);
      if (!route) return noRoute;
      const { target, joining } = route;
      const joined = joinPath({ raw: plainPath(targetOf(url)), path, query, escapedSlash: undefined }, joining);
      return isRefusal(joined) ? joined : `${method} ${target.origin}${joined}`;
    },
  };
};

const wrongDoor = (message: string): Refusal =>
  refuse('bad_request', `door: ${message}`, { members: { errors: [{ field: 'door', message }] } });

/** The one that is asked for; else the proxy, where Sallyport stands in the path. */
export const doorFor = (parts: DoorParts, { door, rule }: ExplainQuestion): ExplainedDoor | Refusal => {
  const { config, proxy } = parts;
  const wanted = door ?? (proxy && rule === undefined ? 'proxy' : 'gate');
  if (wanted === 'gate') return gateDoor(parts);
  if (!proxy || !config.proxy) return wrongDoor('there is no proxy in the configuration');
  if (rule !== undefined) return wrongDoor('the proxy finds its routes itself, and no rule is named to it');
  return proxyDoor(config.proxy, proxy);
};
