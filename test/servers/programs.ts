import { spawnSync } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

type Place = Readonly<{
  /** The variable that names it outright. */
  variable: string;
  /** Its name below `bin/` of the cache folder, where `.ci/servers.sh` puts what it builds. */
  cached?: string;
  /** Its name on the PATH. */
  name?: string;
  /** The usual places, as patterns. */
  usual?: readonly string[];
  /** How to get it, for the reason of a skipped test. */
  get: string;
  /** Whether what was found on the PATH or in a usual place is the one that is meant. */
  fits?: (path: string) => boolean;
}>;

const apt = (names: string) => `apt-get install -y --no-install-recommends ${names}`;
const builtByScript = 'bash .ci/servers.sh';
const modules = [
  '/usr/lib/nginx/modules',
  '/usr/lib64/nginx/modules',
  '/usr/share/nginx/modules',
  '/etc/nginx/modules',
];
const moduleFile = (file: string) => modules.map((directory) => join(directory, file));

/** Debian 12's Caddy is of 2022 and hands copied headers on differently: the two are different test subjects. */
const isOldCaddy = (path: string) =>
  /^v?2\.[0-6]\b/.test(spawnSync(path, ['version'], { encoding: 'utf8' }).stdout ?? '');

const places = {
  nginx: { variable: 'SALLYPORT_TEST_NGINX', name: 'nginx', usual: ['/usr/sbin/nginx'], get: apt('nginx') },
  'nginx-js': {
    variable: 'SALLYPORT_TEST_NGINX_JS',
    usual: moduleFile('ngx_http_js_module.so'),
    get: apt('libnginx-mod-http-js'),
  },
  'nginx-lua': {
    variable: 'SALLYPORT_TEST_NGINX_LUA',
    usual: moduleFile('ngx_http_lua_module.so'),
    get: apt('libnginx-mod-http-lua'),
  },
  haproxy: { variable: 'SALLYPORT_TEST_HAPROXY', name: 'haproxy', usual: ['/usr/sbin/haproxy'], get: apt('haproxy') },
  caddy: {
    variable: 'SALLYPORT_TEST_CADDY',
    cached: 'caddy',
    name: 'caddy',
    get: builtByScript,
    fits: (path) => !isOldCaddy(path),
  },
  'caddy-old': {
    variable: 'SALLYPORT_TEST_CADDY_OLD',
    name: 'caddy',
    usual: ['/usr/bin/caddy'],
    get: `${apt('caddy')} (on Debian 12)`,
    fits: isOldCaddy,
  },
  envoy: { variable: 'SALLYPORT_TEST_ENVOY', cached: 'envoy', name: 'envoy', get: builtByScript },
  nutshell: { variable: 'SALLYPORT_TEST_NUTSHELL', cached: 'nutshell', get: builtByScript },
  'cdk-mintd': {
    variable: 'SALLYPORT_TEST_CDK_MINTD',
    cached: 'cdk-mintd',
    name: 'cdk-mintd',
    get: 'bash .ci/mints.sh',
  },
  chromium: {
    variable: 'SALLYPORT_TEST_CHROMIUM',
    name: 'chromium',
    usual: ['/usr/bin/chromium-browser', '/usr/bin/google-chrome'],
    get: apt('chromium fonts-dejavu-core'),
  },
  /** Makes certificates for TLS in front of a browser. */
  openssl: { variable: 'SALLYPORT_TEST_OPENSSL', name: 'openssl', get: apt('openssl') },
  redis: { variable: 'SALLYPORT_TEST_REDIS', name: 'redis-server', get: apt('redis-server') },
  /** The directory of initdb and postgres, which Debian keeps off the PATH. */
  postgres: {
    variable: 'SALLYPORT_TEST_POSTGRES_BIN',
    usual: ['/usr/lib/postgresql/*/bin', '/usr/pgsql-*/bin', '/opt/homebrew/opt/postgresql@*/bin'],
    get: apt('postgresql'),
    fits: (path) => existsSync(join(path, 'initdb')),
  },
  /** The server that evaluates dashboards and alerts. */
  prometheus: { variable: 'SALLYPORT_TEST_PROMETHEUS', name: 'prometheus', get: apt('prometheus') },
  /** Checks alerts and tries them on series that are given. */
  promtool: { variable: 'SALLYPORT_TEST_PROMTOOL', name: 'promtool', get: apt('prometheus') },
  /** The identity provider, prepared; it needs Java. */
  keycloak: { variable: 'SALLYPORT_TEST_KEYCLOAK', cached: 'kc.sh', get: builtByScript },
  'c++': { variable: 'SALLYPORT_TEST_CXX', name: 'g++', get: apt('g++') },
  make: { variable: 'SALLYPORT_TEST_MAKE', name: 'make', get: apt('make') },
  python3: { variable: 'SALLYPORT_TEST_PYTHON3', name: 'python3', get: apt('python3') },
  go: { variable: 'SALLYPORT_TEST_GO', name: 'go', get: 'https://go.dev/dl/' },
  wrk: { variable: 'SALLYPORT_TEST_WRK', name: 'wrk', get: apt('wrk') },
  kubeconform: {
    variable: 'SALLYPORT_TEST_KUBECONFORM',
    cached: 'kubeconform',
    name: 'kubeconform',
    get: builtByScript,
  },
  /** The API server of Kubernetes, and what it keeps its objects in. */
  'kube-apiserver': { variable: 'SALLYPORT_TEST_KUBE_APISERVER', cached: 'kube-apiserver', get: builtByScript },
  etcd: { variable: 'SALLYPORT_TEST_ETCD', name: 'etcd', get: apt('etcd-server') },
  /** Compose's own loader of its files. */
  'compose-spec': { variable: 'SALLYPORT_TEST_COMPOSE_SPEC', cached: 'compose-spec', get: builtByScript },
  helm: { variable: 'SALLYPORT_TEST_HELM', cached: 'helm', name: 'helm', get: builtByScript },
  opa: { variable: 'SALLYPORT_TEST_OPA', cached: 'opa', name: 'opa', get: builtByScript },
  /** The directory of the JSON schemas that kubeconform checks manifests against. */
  'kube-schemas': { variable: 'SALLYPORT_TEST_KUBE_SCHEMAS', cached: 'kube-schemas', get: builtByScript },
} as const satisfies Record<string, Place>;

export type ProgramName = keyof typeof places;

const cacheFolder = () => process.env['SALLYPORT_CACHE'] || join(homedir(), '.cache', 'sallyport');

function candidates({ cached, name, usual = [] }: Place): string[] {
  const onPath = name === undefined ? [] : (process.env['PATH'] ?? '').split(delimiter).map((at) => join(at, name));
  return [
    ...(cached === undefined ? [] : [join(cacheFolder(), 'bin', cached)]),
    ...onPath,
    ...usual.flatMap((pattern) => globSync(pattern).sort().reverse()),
  ];
}

/** Where the program is, or undefined: its variable first, then the cache folder, the PATH and the usual places. */
export function find(name: ProgramName): string | undefined {
  const place: Place = places[name];
  const named = process.env[place.variable];
  if (named) return named;
  return candidates(place).find((path) => existsSync(path) && (place.fits?.(path) ?? true));
}

/** Where the program is. Throws, with how to get it, when it is nowhere. */
export function locate(name: ProgramName): string {
  const path = find(name);
  if (path === undefined) throw new Error(missing([name]));
  return path;
}

const missing = (names: readonly ProgramName[]) =>
  names
    .map((name) => `${name} is not on this machine (${places[name].get}; or set ${places[name].variable})`)
    .join('; ');

/**
 * The options of a test that needs these programs: it is skipped, with the reason, where one is missing.
 * With CI=true nothing is skipped: the test runs, and `locate` fails it.
 */
export function needs(...names: ProgramName[]): { skip: string | false } {
  const absent = process.env['CI'] === 'true' ? [] : names.filter((name) => find(name) === undefined);
  return { skip: absent.length > 0 && missing(absent) };
}
