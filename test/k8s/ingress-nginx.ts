/**
 * What ingress-nginx makes of an Ingress, for a plain nginx: its template of March 2026, rebuilt. Left out is what needs its
 * Lua (endpoints, TLS, metrics) and what no annotation of ours touches. An annotation that is not rebuilt is an error.
 */
import { at, find, listAt, type Resource, textAt } from './manifests.ts';

export const sallyportAt = '127.0.0.1:8080';
export const applicationAt = '127.0.0.1:3000';

const prefix = 'nginx.ingress.kubernetes.io/';
const rebuilt = [
  'auth-method',
  'auth-response-headers',
  'auth-snippet',
  'auth-url',
  'configuration-snippet',
  'custom-http-errors',
  'default-backend',
  'disable-proxy-intercept-errors',
  'proxy-buffer-size',
  'server-snippet',
];

/** The validators of the controller, where ours could run into them: internal/ingress/annotations/parser/validators.go. */
const accepted: Readonly<Record<string, RegExp>> = {
  'auth-method': /^(GET|HEAD|POST|PUT|PATCH|DELETE|CONNECT|OPTIONS|TRACE)$/,
  'auth-response-headers': /^[A-Za-z0-9\-_, ]*$/,
  'auth-url': /^[A-Za-z0-9\-._~\s/,:?&=$]*$/,
  'custom-http-errors': /^[0-9, ]+$/,
  'default-backend': /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/,
  'disable-proxy-intercept-errors': /^(true|false)$/,
  'proxy-buffer-size': /^\d+[km]?$/,
};

type Annotations = Readonly<Record<string, string>>;

const annotationsOf = ({ metadata }: Resource): Annotations => {
  const entries = Object.entries(metadata.annotations ?? {}).map(([name, value]): [string, string] => {
    const short = name.slice(prefix.length);
    if (!name.startsWith(prefix) || !rebuilt.includes(short)) throw new Error(`${name} is not rebuilt`);
    if (accepted[short] && (!accepted[short].test(value) || /[\r\n]/.test(value))) {
      throw new Error(`ingress-nginx refuses ${name}: ${value}`);
    }
    return [short, value];
  });
  return Object.fromEntries(entries);
};

const serviceName = /\bsallyport\.sallyport\.svc\.cluster\.local:8080\b/g;
const locally = (text: string): string => text.replace(serviceName, sallyportAt);

/** The controller takes a Service of the Ingress's own namespace that has endpoints of its own, and else its own default. */
const defaultBackendOf = (ingress: Resource, resources: readonly Resource[], name: string): string => {
  const service = find(resources, 'Service', name);
  const sameNamespace = service.metadata.namespace === ingress.metadata.namespace;
  if (!sameNamespace || at(service, 'spec.type') === 'ExternalName') throw new Error(`${name} is no default-backend`);
  return `custom-default-backend-${ingress.metadata.namespace}-${name}`;
};

/** What the controller takes where an Ingress names no default-backend: a page that knows nothing of us. */
const ownDefault = 'upstream-default-backend';

const customErrors = (upstream: string, code: string): string => `
  location @custom_${upstream}_${code} {
    internal;
    proxy_intercept_errors off;
    proxy_set_header X-Code ${code};
    proxy_set_header X-Format $http_accept;
    proxy_set_header X-Original-URI $request_uri;
    proxy_set_header X-Namespace $namespace;
    proxy_set_header X-Ingress-Name $ingress_name;
    proxy_set_header X-Service-Name $service_name;
    proxy_set_header X-Service-Port $service_port;
    proxy_set_header X-Request-ID $req_id;
    proxy_set_header Host $best_http_host;
    rewrite (.*) / break;
    ${upstream === ownDefault ? 'return 404 "default backend - 404";' : 'proxy_pass http://default_backend;'}
  }`;

/** With a method it sets two headers more than without. */
const withMethod = (method: string | undefined): string =>
  method === undefined
    ? ''
    : `
    proxy_method ${method};
    proxy_set_header X-Original-URI $request_uri;
    proxy_set_header X-Scheme $scheme;`;

const authLocation = (path: string, annotations: Annotations): string => {
  const { 'auth-url': url = '', 'proxy-buffer-size': size = '4k' } = annotations;
  return `
  location = ${path} {
    internal;
    proxy_pass_request_body off;
    proxy_set_header Content-Length "";
    proxy_set_header X-Forwarded-Proto "";
    proxy_set_header X-Request-ID $req_id;${withMethod(annotations['auth-method'])}
    proxy_set_header Host ${new URL(url).host};
    proxy_set_header X-Original-URL $scheme://$http_host$request_uri;
    proxy_set_header X-Original-Method $request_method;
    proxy_set_header X-Sent-From "nginx-ingress-controller";
    proxy_set_header X-Real-IP $remote_addr;
    proxy_set_header X-Forwarded-For $remote_addr;
    proxy_set_header X-Auth-Request-Redirect $request_uri;
    proxy_buffer_size ${size};
    proxy_buffers 4 ${size};
    proxy_http_version 1.1;
    proxy_pass_request_headers on;
    ${annotations['auth-snippet'] ?? ''}
    set $target ${locally(url)};
    proxy_pass $target;
  }`;
};

const answerHeaders = ({ 'auth-response-headers': headers = '' }: Annotations): string =>
  headers
    .split(',')
    .map((header, index) => {
      const variable = `$authHeader${index}`;
      const lower = header.trim().toLowerCase().replaceAll('-', '_');
      return `    auth_request_set ${variable} $upstream_http_${lower};\n    proxy_set_header '${header.trim()}' ${variable};`;
    })
    .join('\n');

type Site = Readonly<{ location: string; server: string; errors: Readonly<Record<string, string>> }>;

/** A prefix is two locations: the path itself and what is below it. */
const locationsOf = (path: string, type: string): string[] => {
  if (type === 'Exact') return [`= ${path}`];
  return path === '/' ? ['/'] : [`${path}/`, `= ${path}`];
};

const addressOf = (service: string): string => (service === 'sallyport' ? sallyportAt : applicationAt);

/** Where the Ingress has no auth-url nothing is asked. */
const asked = (authPath: string, annotations: Annotations): string =>
  annotations['auth-url'] === undefined
    ? ''
    : `
    auth_request ${authPath};
    auth_request_set $auth_cookie $upstream_http_set_cookie;
    add_header Set-Cookie $auth_cookie;
${answerHeaders(annotations)}`;

const siteOf = (ingress: Resource, resources: readonly Resource[], index: number): Site => {
  const annotations = annotationsOf(ingress);
  const { 'custom-http-errors': codes, 'default-backend': backend, 'proxy-buffer-size': size = '4k' } = annotations;
  const upstream = backend === undefined ? ownDefault : defaultBackendOf(ingress, resources, backend);
  const errorCodes = codes?.split(',').map((code) => code.trim()) ?? [];
  const intercept = codes !== undefined && annotations['disable-proxy-intercept-errors'] !== 'true';
  const authPath = `/_external-auth-${index}`;
  const paths = listAt(ingress, 'spec.rules').flatMap((rule) => listAt(rule, 'http.paths'));
  const body = (service: string) => `
    set $namespace "${ingress.metadata.namespace}";
    set $ingress_name "${ingress.metadata.name}";
    set $service_name "${service}";
    set $service_port "http";
    set $best_http_host $http_host;${asked(authPath, annotations)}
    proxy_set_header Host $best_http_host;
    proxy_set_header X-Request-ID $req_id;
    proxy_set_header X-Real-IP $remote_addr;
    proxy_set_header X-Forwarded-For $remote_addr;
    proxy_set_header X-Forwarded-Host $best_http_host;
    proxy_set_header X-Forwarded-Proto $scheme;
    proxy_set_header X-Original-Forwarded-For $http_x_forwarded_for;
    proxy_set_header Proxy "";
    proxy_buffer_size ${size};
    proxy_buffers 4 ${size};
    proxy_http_version 1.1;
${locally(annotations['configuration-snippet'] ?? '')}
    ${intercept ? 'proxy_intercept_errors on;' : ''}
${errorCodes.map((code) => `    error_page ${code} = @custom_${upstream}_${code};`).join('\n')}
    proxy_pass http://${addressOf(service)};`;
  const locations = paths.flatMap((path) =>
    locationsOf(textAt(path, 'path'), textAt(path, 'pathType')).map(
      (location) => `  location ${location} {${body(textAt(path, 'backend.service.name'))}\n  }`,
    ),
  );
  return {
    location: [...(annotations['auth-url'] ? [authLocation(authPath, annotations)] : []), ...locations].join('\n'),
    server: locally(annotations['server-snippet'] ?? ''),
    errors: Object.fromEntries(errorCodes.map((code) => [`${upstream} ${code}`, customErrors(upstream, code)])),
  };
};

/** For `http {}`. `defaultBackendAt` is where the pods of the default-backend are. */
export const ingressNginx = (
  ingresses: readonly Resource[],
  resources: readonly Resource[],
  defaultBackendAt = sallyportAt,
): string => {
  const sites = ingresses.map((ingress, index) => siteOf(ingress, resources, index));
  const [host = ''] = ingresses.flatMap((ingress) => listAt(ingress, 'spec.rules').map((rule) => textAt(rule, 'host')));
  const errors = Object.values(Object.assign({}, ...sites.map((site) => site.errors)));
  return `
underscores_in_headers off;
map $http_x_request_id $req_id { default $http_x_request_id; "" $request_id; }
upstream default_backend { server ${defaultBackendAt}; }
server {
  listen 127.0.0.1:8000;
  server_name ${host};
${sites.find(({ server }) => server !== '')?.server ?? ''}
${errors.join('\n')}
${sites.map(({ location }) => location).join('\n')}
}
`;
};
