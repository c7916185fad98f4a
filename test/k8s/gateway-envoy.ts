/**
 * What implementations of the Gateway API make of our routes, for a plain Envoy. With a SecurityPolicy it is Envoy Gateway's
 * work (`internal/xds/translator` of 1.9: `extauth.go`, `listener.go`), with the filter ExternalAuth what GEP-1494 asks. A field
 * that is not rebuilt is an error.
 */
import { stringify } from 'yaml';
import { applicationAt, sallyportAt } from './ingress-nginx.ts';
import { cluster, matchers, type } from './istio-envoy.ts';
import { at, find, listAt, type Resource, textAt } from './manifests.ts';

export const sallyportGrpcAt = '127.0.0.1:9001';

/** A filter, and what a route says of it. */
type Asking = Readonly<{ name: string; config: object; perRoute: object }>;

const only = (value: unknown, what: string, ...fields: string[]): void => {
  const unknown = Object.keys((value ?? {}) as object).filter((field) => !fields.includes(field));
  if (unknown.length > 0) throw new Error(`Not rebuilt of ${what}: ${unknown}`);
};

const extAuthz = (rest: object) => ({
  ...type('envoy.extensions.filters.http.ext_authz.v3.ExtAuthz'),
  transport_api_version: 'V3',
  ...rest,
});

const overGrpc = (timeout = '10s') => ({ grpc_service: { envoy_grpc: { cluster_name: 'sallyport_grpc' }, timeout } });

/** Context extensions, of which an empty set does nothing: a route that says nothing at all leaves the filter disabled. */
const checking = (context_extensions: object) => ({
  ...type('envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute'),
  check_settings: { context_extensions },
});

const ofPolicy = ({ metadata, spec }: Resource): Asking => {
  only(spec, 'SecurityPolicy', 'targetRefs', 'extAuth');
  const asked = at(spec, 'extAuth');
  only(asked, 'extAuth', 'failOpen', 'statusOnError', 'timeout', 'contextExtensions', 'grpc');
  if (at(asked, 'grpc.backendRefs.0.port') !== 9001) throw new Error('Not the port of gRPC');
  const extensions = listAt(asked, 'contextExtensions').map((one) => [textAt(one, 'name'), textAt(one, 'value')]);
  return {
    name: `envoy.filters.http.ext_authz/${metadata.name}`,
    config: extAuthz({
      failure_mode_allow: at(asked, 'failOpen'),
      status_on_error: { code: Number(at(asked, 'statusOnError')) },
      ...overGrpc(textAt(asked, 'timeout')),
    }),
    perRoute: checking(Object.fromEntries(extensions)),
  };
};

/** It must fail closed, and its headers are those of the lists, or all where there is none. */
const ofFilter = (route: Resource, filter: unknown): Asking => {
  only(at(filter, 'externalAuth'), 'externalAuth', 'protocol', 'backendRef', 'grpc', 'http');
  const http = at(filter, 'externalAuth.http');
  only(at(filter, 'externalAuth.grpc'), 'externalAuth.grpc');
  only(http, 'externalAuth.http', 'path', 'allowedHeaders', 'allowedResponseHeaders');
  const asked = {
    GRPC: () => overGrpc(),
    HTTP: () => ({
      allowed_headers: matchers(listAt(http, 'allowedHeaders')),
      http_service: {
        server_uri: { uri: `http://${sallyportAt}`, cluster: 'sallyport', timeout: '10s' },
        path_prefix: textAt(http, 'path'),
        authorization_response: { allowed_upstream_headers: matchers(listAt(http, 'allowedResponseHeaders')) },
      },
    }),
  }[textAt(filter, 'externalAuth.protocol') as 'GRPC' | 'HTTP'];
  return {
    name: `envoy.filters.http.ext_authz/${route.metadata.name}`,
    config: extAuthz({ failure_mode_allow: false, ...asked() }),
    perRoute: checking({}),
  };
};

const askingOf = (route: Resource, resources: readonly Resource[]): Asking | undefined => {
  const [rule] = listAt(route, 'spec.rules');
  const filter = listAt(rule, 'filters').find((one) => at(one, 'type') === 'ExternalAuth');
  const policy = resources.find(
    ({ kind, spec }) => kind === 'SecurityPolicy' && at(spec, 'targetRefs.0.name') === route.metadata.name,
  );
  if (filter !== undefined) return ofFilter(route, filter);
  return policy && ofPolicy(policy);
};

const matchOf = (match: unknown): object => {
  const value = textAt(match, 'path.value');
  if (textAt(match, 'path.type') === 'Exact') return { path: value };
  return value === '/' ? { prefix: '/' } : { path_separated_prefix: value };
};

/** The more specific first, as the specification has it. */
const weight = ({ match }: Readonly<{ match: object }>): number =>
  ('path' in match ? 1000 : 0) + Object.values(match).join('').length;

const routesOf = (route: Resource, asking: Asking | undefined) =>
  listAt(route, 'spec.rules').flatMap((rule) => {
    const removed = listAt(rule, 'filters').flatMap((filter) => listAt(filter, 'requestHeaderModifier.remove'));
    const isOwn = textAt(rule, 'backendRefs.0.name') === 'sallyport';
    return listAt(rule, 'matches').map((match) => ({
      match: matchOf(match),
      route: { cluster: isOwn ? 'sallyport' : 'application' },
      request_headers_to_remove: removed.map((name) => String(name).toLowerCase()),
      ...(asking && { typed_per_filter_config: { [asking.name]: asking.perRoute } }),
    }));
  });

const traffic = (resources: readonly Resource[]): object => {
  const { spec } = find(resources, 'ClientTrafficPolicy', 'sallyport');
  only(spec, 'ClientTrafficPolicy', 'targetRefs', 'path', 'headers');
  const actions: Readonly<Record<string, string>> = { RejectRequest: 'REJECT_REQUEST' };
  return {
    use_remote_address: true,
    normalize_path: true,
    merge_slashes: true,
    path_with_escaped_slashes_action: actions[textAt(spec, 'path.escapedSlashesAction')],
    common_http_protocol_options: {
      headers_with_underscores_action: actions[textAt(spec, 'headers.withUnderscoresAction')],
    },
  };
};

const http2 = {
  'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
    ...type('envoy.extensions.upstreams.http.v3.HttpProtocolOptions'),
    explicit_http_config: { http2_protocol_options: {} },
  },
};

/** A bootstrap. A later resource takes the place of one of the same name. */
export const gatewayEnvoy = (...sets: readonly (readonly Resource[])[]): string => {
  const named = sets.flat().map((one) => [`${one.kind} ${one.metadata.name}`, one] as const);
  const resources = [...new Map(named).values()];
  const sites = resources
    .filter(({ kind }) => kind === 'HTTPRoute')
    .map((route) => ({ route, asking: askingOf(route, resources) }));
  const askings = sites.flatMap(({ asking }) => asking ?? []);
  const manager = {
    ...type('envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager'),
    ...traffic(resources),
    stat_prefix: 'gateway',
    route_config: {
      ignore_port_in_host_matching: true,
      virtual_hosts: [
        {
          name: 'all',
          domains: [textAt(find(resources, 'Gateway', 'sallyport'), 'spec.listeners.0.hostname')],
          routes: sites
            .flatMap(({ route, asking }) => routesOf(route, asking))
            .sort((one, other) => weight(other) - weight(one)),
        },
      ],
    },
    http_filters: [
      ...askings.map(({ name, config }) => ({ name, disabled: true, typed_config: config })),
      { name: 'envoy.filters.http.router', typed_config: type('envoy.extensions.filters.http.router.v3.Router') },
    ],
  };
  const filters = [{ name: 'envoy.filters.network.http_connection_manager', typed_config: manager }];
  const address = { socket_address: { address: '127.0.0.1', port_value: 8000 } };
  return stringify(
    {
      static_resources: {
        listeners: [{ name: 'gateway', address, filter_chains: [{ filters }] }],
        clusters: [
          cluster('sallyport', sallyportAt),
          cluster('application', applicationAt),
          { ...cluster('sallyport_grpc', sallyportGrpcAt), typed_extension_protocol_options: http2 },
        ],
      },
    },
    { aliasDuplicateObjects: false },
  );
};
