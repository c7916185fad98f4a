/** The decision: who asks, which integration the call is for, and with which credential it goes out. */
import { type Eventually, whenReady } from '../../core/eventually.ts';
import type { Claims, Identification } from '../../core/identity.ts';
import { isRefusal, type Refusal, refuse } from '../../core/refusal.ts';
import { compileRoutes, type Route } from '../../core/routes.ts';
import type { Call } from './call.ts';
import type { CredentialSource, Credentials } from './credential-source.ts';
import { createIntegration, type Injection, type Integration, type IntegrationSettings } from './integration.ts';
import { claimingHeaders, type Sandbox, type SandboxClaims } from './sandbox.ts';

export type ResolverQuestion = Readonly<{
  /** As it came with Envoy's question; undefined where there is none. */
  token: string | undefined;
  call: Call | Refusal;
  /** Who is on the other end of the connection. */
  peerIp: string;
}>;

type Known = Readonly<{
  /** Undefined where there was no token, or a bad one. */
  sandbox: Sandbox | undefined;
  /** Empty where none is for the call. */
  integration: string;
}>;

/** `passed`: no integration is for the call, and the configuration lets it go as it is. */
export type Resolution = Known &
  Readonly<
    | { result: 'injected'; injection: Injection }
    | { result: 'passed'; injection: Injection }
    | { result: 'refused'; refusal: Refusal }
  >;

export type Resolve = (question: ResolverQuestion) => Eventually<Resolution>;

export type ResolverOptions = Readonly<{
  identify(token: string, peerIp: string): Eventually<Identification>;
  sandboxOf(claims: Claims): Sandbox | Refusal;
  /** Whether a question without a token is answered, with `withoutToken`. */
  permissive: Credentials | undefined;
  source: CredentialSource;
  integrations: readonly IntegrationSettings[];
  sidecarHosts: readonly string[];
  unmapped: 'deny' | 'pass';
  claims: SandboxClaims;
  /** Lower-case name of the header that carries the token. */
  tokenHeader: string;
}>;

/** What opens services everywhere. A sandbox that sends its own may not choose whose account is used. */
const wellKnown = ['authorization', 'proxy-authorization', 'x-api-key'];

const noToken = (header: string): Refusal =>
  refuse('credential_required', `There is no sandbox token. Envoy must send it as ${header}.`);

const unmappedCall = refuse('no_integration', 'No integration is for this host, path and method.');

const nothingFor = (name: string): Refusal => refuse('credential_missing', `There is no credential for ${name}.`);

const failed = (cause: unknown): Refusal =>
  refuse('internal_error', 'The request could not be decided. Try again.', { cause });

/** Never throws: what cannot be decided is refused. */
export const createResolve = (options: ResolverOptions): Resolve => {
  const { identify, sandboxOf, permissive, source, unmapped, tokenHeader } = options;
  const ours = [...new Set([tokenHeader, ...claimingHeaders(options.claims)])];
  const injected = options.integrations.flatMap(({ headers }) => headers.map(({ name }) => name.toLowerCase()));
  const sensitive = [...new Set([...ours, ...wellKnown, ...injected])];
  const untouched: Injection = { set: {}, remove: ours };
  const missing = noToken(tokenHeader);

  const isSidecar = new Set(options.sidecarHosts);
  const routes = options.integrations.flatMap((settings): Route<Integration>[] => {
    const target = createIntegration(settings, sensitive, (host) => isSidecar.has(host));
    const { hosts, paths, methods } = settings;
    return hosts.flatMap((host) => paths.map((path) => ({ host, path, target, ...(methods && { methods }) })));
  });
  const { find } = compileRoutes(routes);

  const inject = (
    integration: Integration,
    { host }: Call,
    credentials: Credentials | Refusal,
    sandbox: Sandbox | undefined,
  ): Resolution => {
    const known = { sandbox, integration: integration.name };
    if (isRefusal(credentials)) return { ...known, result: 'refused', refusal: credentials };
    const values = credentials.get(integration.name);
    if (!values) return { ...known, result: 'refused', refusal: nothingFor(integration.name) };
    const problem = integration.hostProblem(host, values);
    if (problem) return { ...known, result: 'refused', refusal: problem };
    const injection = integration.injectionFor(values);
    return isRefusal(injection)
      ? { ...known, result: 'refused', refusal: injection }
      : { ...known, result: 'injected', injection };
  };

  const resolveFor = (sandbox: Sandbox | undefined, call: Call | Refusal): Eventually<Resolution> => {
    if (isRefusal(call)) return { sandbox, integration: '', result: 'refused', refusal: call };
    const integration = find(call.host, call.path, call.method);
    if (!integration) {
      const known = { sandbox, integration: '' };
      return unmapped === 'pass'
        ? { ...known, result: 'passed', injection: untouched }
        : { ...known, result: 'refused', refusal: unmappedCall };
    }
    const credentials = sandbox ? source(sandbox) : (permissive ?? missing);
    return whenReady(credentials, (found) => inject(integration, call, found, sandbox));
  };

  const refused = (refusal: Refusal): Resolution => ({
    sandbox: undefined,
    integration: '',
    result: 'refused',
    refusal,
  });

  const resolve = ({ token, call, peerIp }: ResolverQuestion): Eventually<Resolution> => {
    if (token === undefined) return permissive ? resolveFor(undefined, call) : refused(missing);
    return whenReady(identify(token, peerIp), (identification) => {
      if (identification.outcome === 'absent') return refused(missing);
      if (identification.outcome === 'rejected') return refused(identification.refusal);
      const sandbox = sandboxOf(identification.identity.claims);
      return isRefusal(sandbox) ? refused(sandbox) : resolveFor(sandbox, call);
    });
  };

  return (question) => {
    try {
      const resolution = resolve(question);
      return resolution instanceof Promise ? resolution.catch((error: unknown) => refused(failed(error))) : resolution;
    } catch (error) {
      return refused(failed(error));
    }
  };
};
