/** The lists in the examples are what the service really answers with: a header that is missing in one is open to clients. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { parse } from 'yaml';
import { refusalKinds } from '../../src/core/refusal.ts';
import { problemsOf } from '../k8s-schemas/kubeconform.ts';
import { needs } from '../servers/programs.ts';
import { openHouse } from './house.ts';
import { example, ingressNginx } from './line-up.ts';

const house = await openHouse({ after });
const credentials = ['authorization', 'x-api-key', 'x-cashu', 'x-payment-session', 'cookie'];
const expected = [...house.managed, ...credentials].sort();

const sorted = (names: Iterable<string>) => [...new Set([...names].map((name) => name.toLowerCase()))].sort();
const captured = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, name = '']) => name);
/** For clients, not for the application. */
const ofLimits = /^((x-)?ratelimit|x-credits-remaining)/;
/** What a proxy sets for the application of its own account. */
const ofTheProxy =
  /^(host|connection|upgrade|proxy|content-length|x-real-ip|x-request-id|x-scheme|x-forwarded-.*|x-original-forwarded-for)$/;

const setFrom = (text: string) =>
  sorted(captured(text, /^\s*proxy_set_header '?([\w-]+)'? /gm)).filter((name) => !ofTheProxy.test(name));

/** The part of an nginx configuration that concerns the application. */
const application = (text: string) =>
  text.replace(/location (?:= \/_|@refused|@unavailable|@custom)[^{]*\{[^}]*\}/g, '');

const names = (text: string, list: RegExp) => captured(list.exec(text)?.[1] ?? '', /['"]([\w-]+)['"]/g);

const lists: Readonly<Record<string, () => string[]>> = {
  'nginx/challenge.conf': () => setFrom(application(example('nginx/challenge.conf'))),
  'nginx/challenge.conf, from the answer': () => answered(example('nginx/challenge.conf')),
  'nginx/status.conf': () => setFrom(application(example('nginx/status.conf'))),
  'nginx/status.conf, from the answer': () => answered(example('nginx/status.conf')),
  'nginx/njs.conf': () => setFrom(application(example('nginx/njs.conf'))),
  'nginx/njs.conf, variables': () =>
    sorted(
      captured(example('nginx/njs.conf'), /js_var \$sallyport_(\w+)/g).map((name) => name.replaceAll('_', '-')),
    ).filter((name) => !['set-cookie', 'session-id'].includes(name) && !ofLimits.test(name)),
  'nginx/sallyport.js': () => sorted(names(example('nginx/sallyport.js'), /managed = \[([^\]]*)\]/)),
  'nginx/lua.conf': () => sorted(names(example('nginx/lua.conf'), /managed = \{([^}]*)\}/)),
  'ingress-nginx': () => setFrom(application(ingressNginx)),
  'ingress-nginx, from the answer': () => answered(ingressNginx),
  'caddy/Caddyfile': () => {
    const list = /copy_headers \{([^}]*)\}/.exec(example('caddy/Caddyfile'))?.[1] ?? '';
    return sorted(captured(list, /^\s*([A-Z][\w-]+)$/gm));
  },
  'haproxy/sallyport.lua': () => sorted(names(example('haproxy/sallyport.lua'), /managed = \{([^}]*)\}/)),
  'traefik/dynamic.yaml': () =>
    sorted(parse(example('traefik/dynamic.yaml')).http.middlewares.sallyport.forwardAuth.authResponseHeaders),
  'traefik/middleware.yaml': () =>
    sorted(parse(example('traefik/middleware.yaml')).spec.forwardAuth.authResponseHeaders),
};

const answered = (text: string) =>
  sorted(captured(text, /\$upstream_http_(\w+)/g).map((name) => name.replaceAll('_', '-'))).filter(
    (name) => !['set-cookie', 'x-auth-status', 'retry-after'].includes(name) && !ofLimits.test(name),
  );

for (const [where, list] of Object.entries(lists)) {
  test(`${where} lists every header that the service answers with, and no other`, () => {
    assert.deepEqual(list(), expected);
  });
}

const filters = parse(example('envoy/envoy.yaml')).static_resources.listeners[0].filter_chains[0].filters[0]
  .typed_config.http_filters;
const extAuthz = filters[0].typed_config;
const exact = (patterns: readonly { exact?: string }[]) => sorted(patterns.flatMap((one) => one.exact ?? []));

test('envoy/envoy.yaml lists every managed header; credentials are taken off by name', () => {
  const { allowed_upstream_headers } = extAuthz.http_service.authorization_response;
  assert.deepEqual(exact(allowed_upstream_headers.patterns), sorted([...house.managed, 'cookie']));
});

test('api-keys/envoy.yaml takes every managed header off a request that nobody is asked about', () => {
  const { route_config } = parse(example('api-keys/envoy.yaml')).static_resources.listeners[0].filter_chains[0]
    .filters[0].typed_config;
  const [open, asked] = route_config.virtual_hosts[0].routes;
  assert.deepEqual(sorted(open.request_headers_to_remove), sorted(house.managed));
  assert.equal(asked.request_headers_to_remove, undefined, 'for what was asked they are ours');
});

test('envoy/envoy.yaml shows Sallyport every header that can carry a credential', () => {
  const shown = exact(extAuthz.allowed_headers.patterns);
  for (const name of credentials.filter((one) => one !== 'authorization')) assert.ok(shown.includes(name), name); // Envoy's own list has it
});

test('nginx/status.conf knows every status that a refusal can have at the auth endpoints', () => {
  const elsewhere = [404, 405, 408, 409, 413, 415, 502, 504, 508]; // of the admin API and of egress
  const statuses = new Set(Object.values(refusalKinds).map(({ status }) => status));
  const known = captured(example('nginx/status.conf'), /return (\d+) '/g).map(Number);
  assert.deepEqual(known.toSorted(), [...statuses].filter((status) => !elsewhere.includes(status)).toSorted());
});

test('traefik/middleware.yaml is what the cluster takes', needs('kubeconform', 'kube-schemas'), () => {
  assert.deepEqual(problemsOf(example('traefik/middleware.yaml')), []);
});

test('the two forms of the Traefik middleware say the same', () => {
  const { address: _, ...file } = parse(example('traefik/dynamic.yaml')).http.middlewares.sallyport.forwardAuth;
  const { address: __, ...cluster } = parse(example('traefik/middleware.yaml')).spec.forwardAuth;
  assert.deepEqual(cluster, file);
});
