/** The way out: targets, the routes to them, and the door through which callers come. Loaded only where it is configured. */

import type { PolicyEngine } from '../checks/policy-engine.ts';
import type { Config } from '../config/config.ts';
import { anonymous, type Identity } from '../core/identity.ts';
import type { CallerFacts } from '../egress/caller-entry.ts';
import type { Admission } from '../egress/callers.ts';
import { createRequestFilter } from '../egress/headers.ts';
import { createJoining } from '../egress/join.ts';
import type { EgressRoute, RoutePolicy } from '../egress/plan-call.ts';
import { compileEgressRoutes, type Route } from '../egress/routes.ts';
import type { Target } from '../egress/target.ts';
import { createEgressDoor } from '../http/egress-door.ts';
import { createEgressProxy } from '../http/egress-proxy.ts';
import type { Door } from '../http/main-app.ts';
import type { Peers } from '../http/peers.ts';
import { identifyByCertificate } from '../identify/certificate.ts';
import { assembleCallers, type CallerParts } from './callers.ts';
import { assembleCredentials, type CredentialMemory } from './credentials.ts';
import type { EgressEvents } from './egress-events.ts';
import { policyCheck } from './rules.ts';
import { assembleTarget, type TargetEvents } from './target.ts';
import type { TargetMemory } from './target-memory.ts';
import type { CredentialEvents } from './tokens.ts';

type EgressConfig = NonNullable<Config['egress']>;

export type EgressParts = CallerParts &
  Readonly<{
    memory: CredentialMemory & Readonly<{ targets: TargetMemory }>;
    /** Left out where no policy is configured. */
    policy: PolicyEngine | undefined;
    peers: Peers;
    now(): number;
    events: Pick<EgressEvents, 'of'> & CredentialEvents & TargetEvents;
  }>;

/** A target, and what every way to it has to keep to. */
export type EgressTarget = Readonly<{
  target: Target;
  admission: Admission;
  /** Whether the configuration says who may use it, or how often. */
  isLimited: boolean;
  /** Headers, and parameters of the query, that its credentials set. */
  injected: readonly string[];
  ownParameters: readonly string[];
}>;

/** All of one generation of the configuration. */
export type Egress = Readonly<{
  door: Door;
  targets: readonly EgressTarget[];
  /** What is wrong with the Redis that keeps tokens; left out where there is none. */
  problem?: () => string | undefined;
  /** Once no call is under way any more. */
  close(): Promise<void>;
}>;

/** Never taken by a host route. */
const ownPathsOf = ({ endpoints: { health, ready, metrics } }: Config): string[] => [
  '/auth',
  '/.sallyport',
  health,
  ready,
  metrics,
];

const noHeader = () => undefined;

/** Whoever shows a certificate is known by it, as `callers` know them. */
const identityOf = ({ identity, certificate }: CallerFacts): Identity =>
  identity ?? (certificate ? identifyByCertificate(certificate) : anonymous);

/** Undefined where the route asks none. The policy sees no headers: they are on their way to the target. */
export const routePolicy = (
  { policy_query: query, target }: Pick<EgressConfig['routes'][number], 'policy_query' | 'target'>,
  config: Config,
  engine: PolicyEngine | undefined,
): RoutePolicy | undefined => {
  if (query === undefined) return undefined;
  const check = policyCheck(query, [], config, engine, target);
  return (call, facts) => {
    const { clientIp, certificate } = facts;
    const request = { ...call, id: '', scheme: 'https', clientIp, certificate } as const;
    return check({ ...request, header: noHeader, findHeaderName: noHeader }, identityOf(facts), 'enforce');
  };
};

/** Where `config.egress` is there. */
export const assembleEgress = async (config: Config, parts: EgressParts): Promise<Egress> => {
  const { egress } = config;
  if (!egress) throw new Error('unreachable: loaded only where egress is configured');
  const { memory, peers, now, events } = parts;
  const admissionOf = assembleCallers(config, parts);
  await using building = new AsyncDisposableStack();
  const credentials = await assembleCredentials(config, { memory, now, events });
  building.defer(credentials.close);
  const closing: (() => Promise<void>)[] = [];
  building.defer(async () => {
    await Promise.all(closing.map((close) => close()));
  });
  const targets = Object.entries(egress.targets).map(([name, target]) => {
    const assembled = assembleTarget(name, target, {
      credentials: credentials.of(name),
      defaults: egress.defaults,
      memory: memory.targets,
      events,
    });
    closing.push(assembled.close);
    const placed = assembled.target.credentials;
    return {
      target: assembled.target,
      admission: admissionOf(name, target),
      isLimited: target.callers !== undefined || target.limits !== undefined,
      injected: placed.flatMap(({ headerNames }) => headerNames),
      ownParameters: placed.flatMap(({ queryNames }) => queryNames),
    };
  });

  // Ten thousand routes lead to few targets: what a filter remembers is kept once for each of these.
  const sharedBy = new Map(
    targets.map(({ target, admission, injected, ownParameters }) => {
      const filterHeaders = createRequestFilter([...injected, ...admission.ownHeaders]);
      return [target.name, { target, admission, ownParameters, filterHeaders }] as const;
    }),
  );

  const routeOf = (route: EgressConfig['routes'][number]): Route<EgressRoute> => {
    const shared = sharedBy.get(route.target);
    if (!shared) throw new Error(`no target ${route.target}`);
    const policy = routePolicy(route, config, parts.policy);
    const value: EgressRoute = {
      ...shared,
      joining: createJoining(shared.target.basePath, route.strip_prefix, route.rewrite_prefix),
      timeoutMs: route.timeout ?? shared.target.timeoutMs,
      escapedSlashes: route.escaped_slashes,
      websocket: route.websocket,
      ...(policy && { policy }),
    };
    return { pathPrefix: route.path_prefix, host: route.host, methods: route.methods, value };
  };

  const prefix = config.endpoints.egress;
  const routes = compileEgressRoutes(egress.routes.map(routeOf), prefix);

  const built = building.move();
  return {
    door: {
      isFor: createEgressDoor({ routes, prefix, ownPaths: ownPathsOf(config) }),
      answer: createEgressProxy({
        routes,
        peers,
        forwardedCertificates: egress.forwarded_certificates,
        observe: events.of(egress),
      }),
    },
    targets,
    ...(credentials.problem && { problem: credentials.problem }),
    close: () => built.disposeAsync(),
  };
};
