/** What would become of a call, step by step. Nothing is sent, asked for or counted. */
import { callerPolicy } from '../assemble/callers.ts';
import { assembleCredentials, createCredentialMemory } from '../assemble/credentials.ts';
import { routePolicy } from '../assemble/egress.ts';
import { showsPaths } from '../assemble/egress-events.ts';
import { assemblePolicy } from '../assemble/policy.ts';
import { limitsOf } from '../assemble/rules.ts';
import type { PolicyEngine } from '../checks/policy-engine.ts';
import { credentialsOf as configuredCredentials } from '../config/check-credentials.ts';
import type { Config } from '../config/config.ts';
import { isRefusal, type Refusal, refusalKinds, refuse } from '../core/refusal.ts';
import { type CallPath, trimPrefix } from '../egress/call-path.ts';
import { type CallerFacts, unmetParts } from '../egress/caller-entry.ts';
import { callerName, judgeCaller } from '../egress/callers.ts';
import type { Credential } from '../egress/credential.ts';
import { createReach } from '../egress/credentials/reach.ts';
import { createJoining, joinPath } from '../egress/join.ts';
import { aboutCall, type CallAbout, planCall } from '../egress/plan-call.ts';
import { withoutParameters, withQuery } from '../egress/query.ts';
import { compileEgressRoutes } from '../egress/routes.ts';
import { reasonsOf } from '../reload/refused.ts';

type EgressConfig = NonNullable<Config['egress']>;
type RouteConfig = EgressConfig['routes'][number];
type TargetConfig = EgressConfig['targets'][string];

export type CallAsked = Readonly<{ method: string; host: string; target: string; facts: CallerFacts }>;

export type Step = Readonly<{ step: string; says: string }>;

export type ExplainedCredential = Readonly<{
  kind: string;
  /** As in the log; undefined where each process has its own. */
  version: string | undefined;
  headers: readonly string[];
  query: readonly string[];
}>;

export type Explanation = Readonly<{
  allowed: boolean;
  caller: string;
  steps: readonly Step[];
  /** Where the call would go. */
  url?: string;
  target?: string;
  credentials: readonly ExplainedCredential[];
  refusal?: Readonly<{ status: number; code: string; detail: string }>;
}>;

const silent = () => undefined;

/** By the configuration alone: tokens of others are not looked for, and none is fetched. */
const credentialsOf = async (config: Config, egress: EgressConfig, target: string): Promise<readonly Credential[]> => {
  const alone = { ...config, egress: { ...egress, token_store: { ...egress.token_store, type: 'memory' as const } } };
  const credentials = await assembleCredentials(alone, {
    now: Date.now,
    memory: createCredentialMemory(),
    events: { onRefresh: silent, onCacheHit: silent, onStoreLost: silent, onStoreBack: silent },
  });
  await credentials.close();
  return credentials.of(target);
};

/** Where each credential of a target may go. */
const placed = (target: TargetConfig) =>
  configuredCredentials(target, []).map(({ auth }) => {
    const only = auth.type === 'none' ? undefined : auth.only;
    const reach = createReach({ url: target.url, pathPrefix: only?.path_prefix, methods: only?.methods });
    return { kind: auth.type, reach };
  });

const explained = ({ kind, version, headerNames, queryNames }: Credential, isShared: boolean): ExplainedCredential => ({
  kind,
  version: isShared ? version : undefined,
  headers: headerNames,
  query: queryNames,
});

const sentence = ({ kind, version, headers, query }: ExplainedCredential): string => {
  const places = [
    ...(headers.length > 0 ? [`sets ${headers.join(', ')}`] : []),
    ...(query.length > 0 ? [`sets ${query.map((name) => `?${name}=`).join(', ')}`] : []),
  ];
  const where = places.length > 0 ? places.join(' and ') : 'in the TLS handshake';
  return `${kind}: ${where}${version === undefined ? '' : `, version ${version}`}`;
};

const routeName = ({ path_prefix, host, methods }: RouteConfig, index: number): string => {
  const way = path_prefix === undefined ? `host ${host}` : `path_prefix ${path_prefix}`;
  return `egress.routes[${index}]: ${way}${methods ? `, ${methods.join(', ')}` : ''}`;
};

/** Of a webhook the secret is what stands before the path: it is not shown, as in the log. */
const shownPrefix = (prefix: string, target: TargetConfig): string =>
  showsPaths(target) || prefix === '' ? prefix : '/…';

const pathsOf = (path: CallPath, base: URL, route: RouteConfig, target: TargetConfig) => {
  const { strip_prefix: strip, rewrite_prefix: rewrite } = route;
  const joining = createJoining(base.pathname, strip, rewrite);
  const joined = joinPath(path, joining);
  if (isRefusal(joined)) return joined;
  const shown = joinPath(path, createJoining(shownPrefix(joining.before, target), strip, undefined));
  return isRefusal(shown) ? shown : { joined, shown };
};

const explainCallers = (target: TargetConfig, facts: CallerFacts): readonly Step[] => {
  const policy = callerPolicy(target);
  if (!policy) return [{ step: 'callers', says: 'nobody is named: everybody who reaches the listener' }];
  if (policy.allow.length === 0) return [{ step: 'callers', says: 'nobody is allowed' }];
  return policy.allow.map((entry, index) => {
    const unmet = unmetParts(entry, facts);
    const says = unmet.length === 0 ? 'holds' : `does not hold: ${unmet.join(', ')}`;
    return { step: `callers[${index}]`, says };
  });
};

const explainLimits = (target: TargetConfig): readonly Step[] =>
  limitsOf(target).map(({ limit, windowMs }) => ({
    step: 'limits',
    says: `at most ${limit} calls of each caller in ${windowMs / 1000} s; this one is not counted`,
  }));

/** The refusal, where the policy of the route denies the call. */
const explainPolicy = async (
  config: Config,
  route: RouteConfig,
  call: CallAbout,
  facts: CallerFacts,
  say: (step: string, says: string) => void,
): Promise<Refusal | undefined> => {
  if (route.policy_query === undefined) return undefined;
  let engine: PolicyEngine | undefined;
  try {
    engine = await assemblePolicy(config, Date.now);
  } catch (error) {
    return refuse('policy_failed', `The policies cannot be loaded. ${reasonsOf(error)[0]?.message ?? ''}`);
  }
  const told = await routePolicy(route, config, engine)?.(call, facts);
  await engine?.close();
  const refusal = isRefusal(told) ? told : undefined;
  const reasons = (refusal ?? (told && 'findings' in told ? told : undefined))?.findings?.reasons ?? [];
  const because = reasons.length > 0 ? ` (${reasons.join('; ')})` : '';
  say(`policy ${route.policy_query}`, `${refusal ? 'denies' : 'allows'} it${because}`);
  return refusal;
};

export const explainEgress = async (config: Config, asked: CallAsked): Promise<Explanation> => {
  const { egress } = config;
  const { facts } = asked;
  const caller = callerName(facts);
  const steps: Step[] = [];
  const say = (step: string, says: string): void => void steps.push({ step, says });

  const refused = ({ code, detail }: Refusal, more: Partial<Explanation> = {}): Explanation => {
    const { status } = refusalKinds[code];
    say('refused', `${status} ${code}: ${detail}`);
    return { allowed: false, caller, steps, credentials: [], ...more, refusal: { status, code, detail } };
  };

  say('caller', caller);
  const routes = compileEgressRoutes(
    (egress?.enabled ? egress.routes : []).map((route, index) => ({
      pathPrefix: route.path_prefix,
      host: route.host,
      methods: route.methods,
      value: { route, index, escapedSlashes: route.escaped_slashes },
    })),
    config.endpoints.egress,
  );
  const planned = planCall(routes, asked);
  if (isRefusal(planned)) return refused(planned);
  const { route, index } = planned.route;
  say('route', routeName(route, index));
  const target = egress?.targets[route.target];
  if (!egress || !target) throw new Error(`no target ${route.target}`);
  const base = new URL(target.url);
  say('target', `${route.target}: ${base.origin}${shownPrefix(trimPrefix(base.pathname), target)}`);

  const paths = pathsOf(planned.path, base, route, target);
  if (isRefusal(paths)) return refused(paths, { target: route.target });
  const { joined, shown } = paths;
  const credentials = await credentialsOf(config, egress, route.target);
  const taken = credentials.flatMap(({ queryNames }) => queryNames);
  const url = base.origin + withQuery(shown, withoutParameters(planned.path.query, taken), '');
  say('goes to', `${planned.method} ${url}`);

  steps.push(...explainCallers(target, facts));
  const policy = callerPolicy(target);
  const refusal = policy && judgeCaller(policy, facts);
  if (policy && refusal && policy.mode === 'enforce') return refused(refusal, { target: route.target, url });
  if (refusal) say('callers', `would be refused (${refusal.code}), but callers are not enforced (mode: report)`);
  const denied = await explainPolicy(config, route, aboutCall(planned, asked.host), facts, say);
  if (denied) return refused(denied, { target: route.target, url });
  steps.push(...explainLimits(target));

  const forbidden = placed(target).find(
    ({ reach }) =>
      reach({ method: planned.method, origin: base.origin, path: joined, headers: [], body: undefined }) !== undefined,
  );
  if (forbidden) {
    const detail = `The credential ${forbidden.kind} is not for this path or method.`;
    return refused(refuse('credential_forbidden', detail), { target: route.target, url });
  }

  // Without a key that is in the configuration each process has versions of its own.
  const isShared = egress.token_store.encryption_key !== undefined;
  const told = credentials.map((credential) => explained(credential, isShared));
  for (const credential of told) say('credential', sentence(credential));
  if (told.length === 0) say('credential', 'none');
  return { allowed: true, caller, steps, url, target: route.target, credentials: told };
};
