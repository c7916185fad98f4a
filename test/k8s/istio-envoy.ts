/**
 * What Istio makes of an extension provider and of our EnvoyFilter, for a plain Envoy: pilot's
 * `pkg/security/authz/builder/extauthz.go`, rebuilt. Which requests the AuthorizationPolicy sends through the filter is
 * pilot's own work and not rebuilt: here it is all of them, but for the `notPaths`.
 */
import { parse, stringify } from 'yaml';
import { applicationAt, sallyportAt } from './ingress-nginx.ts';
import { at, find, listAt, resourcesOf, textAt, textOf } from './manifests.ts';

export const type = (name: string) => ({ '@type': `type.googleapis.com/${name}` });
export const matchers = (headers: readonly unknown[]) => ({
  patterns: headers.map((exact) => ({ exact, ignore_case: true })),
});

export const cluster = (name: string, address: string) => {
  const [host = '', port = ''] = address.split(':');
  const socket_address = { address: host, port_value: Number(port) };
  return {
    name,
    type: 'STATIC',
    connect_timeout: '1s',
    load_assignment: {
      cluster_name: name,
      endpoints: [{ lb_endpoints: [{ endpoint: { address: { socket_address } } }] }],
    },
  };
};

const known = [
  ...['service', 'port', 'pathPrefix', 'timeout', 'failOpen', 'statusOnError', 'includeRequestHeadersInCheck'],
  ...['headersToUpstreamOnAllow', 'headersToDownstreamOnDeny', 'headersToDownstreamOnAllow'],
];

export const extensionProvider = (): unknown =>
  at(parse(textOf('istio/mesh/values.yaml')), 'meshConfig.extensionProviders.0');

const authorization = () => {
  const provider = at(extensionProvider(), 'envoyExtAuthzHttp');
  const unknown = Object.keys(provider as object).filter((key) => !known.includes(key));
  if (unknown.length > 0) throw new Error(`Not a field of envoyExtAuthzHttp that is rebuilt: ${unknown}`);
  return {
    ...type('envoy.extensions.filters.http.ext_authz.v3.ExtAuthz'),
    transport_api_version: 'V3',
    failure_mode_allow: at(provider, 'failOpen'),
    status_on_error: { code: Number(textAt(provider, 'statusOnError')) },
    allowed_headers: matchers(listAt(provider, 'includeRequestHeadersInCheck')),
    http_service: {
      server_uri: { uri: `http://${sallyportAt}`, cluster: 'sallyport', timeout: textAt(provider, 'timeout') },
      path_prefix: textAt(provider, 'pathPrefix'),
      authorization_response: {
        allowed_upstream_headers: matchers(listAt(provider, 'headersToUpstreamOnAllow')),
        allowed_client_headers: matchers(listAt(provider, 'headersToDownstreamOnDeny')),
        allowed_client_headers_on_success: matchers(listAt(provider, 'headersToDownstreamOnAllow')),
      },
    },
  };
};

/** What the EnvoyFilter merges into the connection manager. */
const patch = () =>
  at(
    find(resourcesOf('istio'), 'EnvoyFilter', 'sallyport-underscores'),
    'spec.configPatches.0.patch.value.typed_config',
  );

const clusterOf = (route: unknown): string =>
  textAt(route, 'route.0.destination.host').startsWith('sallyport.') ? 'sallyport' : 'application';

/** The routes of the VirtualService; what is not under the policy is decided by nobody before. */
const routes = () => {
  const resources = resourcesOf('istio');
  const policy = find(resources, 'AuthorizationPolicy', 'sallyport');
  const free = listAt(policy, 'spec.rules.0.to.0.operation.notPaths').map((path) => String(path).replace(/\*$/, ''));
  const disabled = {
    'envoy.filters.http.ext_authz': {
      ...type('envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute'),
      disabled: true,
    },
  };
  return listAt(find(resources, 'VirtualService', 'example-app'), 'spec.http').map((route) => {
    const prefix = String(at(route, 'match.0.uri.prefix') ?? '/');
    const match = { match: { prefix }, route: { cluster: clusterOf(route) } };
    return free.includes(prefix) ? { ...match, typed_per_filter_config: disabled } : match;
  });
};

/** A bootstrap. */
export const istioGateway = (): string => {
  const manager = {
    ...type('envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager'),
    ...(patch() as object),
    stat_prefix: 'gateway',
    use_remote_address: true,
    normalize_path: true, // pathNormalization: BASE
    route_config: {
      virtual_hosts: [{ name: 'all', domains: ['*'], routes: routes() }],
    },
    http_filters: [
      { name: 'envoy.filters.http.ext_authz', typed_config: authorization() },
      { name: 'envoy.filters.http.router', typed_config: type('envoy.extensions.filters.http.router.v3.Router') },
    ],
  };
  const filters = [{ name: 'envoy.filters.network.http_connection_manager', typed_config: manager }];
  const address = { socket_address: { address: '127.0.0.1', port_value: 8000 } };
  return stringify(
    {
      static_resources: {
        listeners: [{ name: 'gateway', address, filter_chains: [{ filters }] }],
        clusters: [cluster('sallyport', sallyportAt), cluster('application', applicationAt)],
      },
    },
    { aliasDuplicateObjects: false },
  );
};
