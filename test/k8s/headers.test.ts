/** The lists of headers in the manifests, against what the service answers with the configuration that they bring. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { parse } from 'yaml';
import { credentialHeaders } from '../../src/core/credential.ts';
import { type Sallyport, startSallyport } from '../sallyport.ts';
import { type Answered, request } from '../servers/request.ts';
import { ownerOfFile } from './file-owner.ts';
import { onLoopback } from './fronts.ts';
import { extensionProvider } from './istio-envoy.ts';
import { at, documentsOf, find, listAt, resourcesOf, textAt, textOf } from './manifests.ts';

const owner = ownerOfFile();
let gate: Sallyport | undefined;
let key = '';
const gateUrl = () => gate?.url ?? assert.fail('The gate has not started');

before(async () => {
  gate = await startSallyport({ owner, config: onLoopback('nginx', 'http://127.0.0.1:9') });
  ({ key } = await gate.createKey({ rate_limit_per_minute: 4 }));
});

/** What HTTP itself puts there, and what no proxy needs. */
const plain = ['cache-control', 'content-length', 'connection', 'date', 'keep-alive', 'x-request-id'];
const saidIn = ({ headers }: Answered) =>
  Object.keys(headers)
    .filter((name) => !plain.includes(name))
    .sort();
const lower = (names: readonly unknown[]) => names.map((name) => String(name).toLowerCase()).sort();

const answeredTo = {
  nginx: () =>
    request(gateUrl(), '/auth/nginx', {
      headers: { 'X-Original-URL': 'http://shop.example.com/free', 'X-Original-Method': 'GET' },
    }),
  traefik: () =>
    request(gateUrl(), '/auth/traefik', {
      headers: { 'X-Forwarded-Uri': '/free', 'X-Forwarded-Method': 'GET', 'X-Forwarded-Host': 'a' },
    }),
};

test('nginx and Traefik are answered with every managed header, and each credential header as it may go on', async () => {
  const managed = saidIn(await answeredTo.nginx());
  assert.deepEqual(managed, saidIn(await answeredTo.traefik()));
  assert.deepEqual(
    credentialHeaders.filter((header) => !managed.includes(header)),
    [],
  );
  assert.ok(managed.length > credentialHeaders.length + 5);
});

/** What leads to Sallyport itself, and is not asked about. */
const isOwn = ({ name }: Readonly<{ name: string }>): boolean => name === 'sallyport';

for (const folder of ['nginx', 'nginx/with-snippets', 'traefik/plain-ingress', 'traefik/ingress-nginx-provider']) {
  test(`k8s/${folder}: what is not asked about leads to Sallyport, on its own paths exactly, and says nothing else`, () => {
    const [own, ...more] = resourcesOf(folder).filter(({ kind, metadata }) => kind === 'Ingress' && isOwn(metadata));
    assert.deepEqual(more, []);
    const paths = listAt(own, 'spec.rules').flatMap((rule) => listAt(rule, 'http.paths'));
    assert.deepEqual(
      paths.map((path) => [at(path, 'path'), at(path, 'pathType'), at(path, 'backend.service')]),
      ['/.sallyport/pay', '/.sallyport/session', '/.sallyport/refund'].map((path) => [
        path,
        'Exact',
        { name: 'sallyport', port: { name: 'http' } },
      ]),
    );
    const annotations = Object.keys(own?.metadata.annotations ?? {});
    assert.deepEqual(
      annotations.filter((name) => !name.endsWith('/router.entrypoints')),
      [],
    );
  });
}

for (const folder of [
  'nginx',
  'nginx/with-tls',
  'nginx/with-snippets',
  'nginx/with-client-certificates',
  'traefik/ingress-nginx-provider',
]) {
  test(`k8s/${folder}: every Ingress takes over exactly the headers that the service answers`, async () => {
    const answered = saidIn(await answeredTo.nginx());
    const ingresses = resourcesOf(folder).filter(({ kind, metadata }) => kind === 'Ingress' && !isOwn(metadata));
    assert.ok(ingresses.length > 0);
    for (const { metadata } of ingresses) {
      const listed = metadata.annotations?.['nginx.ingress.kubernetes.io/auth-response-headers']?.split(',') ?? [];
      assert.deepEqual(lower(listed), answered);
    }
  });
}

test('k8s/nginx: where the controller verifies certificates it passes them on; elsewhere it can say that there is none', () => {
  const [ingress, none] = resourcesOf('nginx/with-client-certificates');
  const prefix = 'nginx.ingress.kubernetes.io/auth-tls-';
  const annotations = ingress?.metadata.annotations ?? {};
  assert.equal(annotations[`${prefix}pass-certificate-to-upstream`], 'true');
  assert.ok(['on', 'optional'].includes(annotations[`${prefix}verify-client`] ?? ''));
  assert.match(annotations[`${prefix}secret`] ?? '', /^sallyport\//);
  assert.deepEqual(at(none, 'data'), { 'ssl-client-verify': 'NONE' });
});

for (const folder of ['traefik', 'traefik/older-group']) {
  test(`k8s/${folder}: every middleware takes over exactly the headers that the service answers, and trusts no client`, async () => {
    const answered = saidIn(await answeredTo.traefik());
    const middlewares = resourcesOf(folder).filter(({ kind }) => kind === 'Middleware');
    assert.ok(middlewares.length > 0);
    for (const { spec } of middlewares) {
      assert.deepEqual(lower(listAt(spec, 'forwardAuth.authResponseHeaders')), answered);
      assert.equal(at(spec, 'forwardAuth.trustForwardHeader'), false);
      // Where it can be said at all: the older group knows no limit.
      const most = at(spec, 'forwardAuth.maxResponseBodySize');
      assert.ok(Number(most) >= 16_384 || (most === undefined && folder === 'traefik/older-group'));
    }
  });
}

test('k8s/traefik: the older group says what the newer one says, but for what it cannot say', () => {
  const newer = resourcesOf('traefik').filter(({ apiVersion }) => apiVersion === 'traefik.io/v1alpha1');
  const unknown = ['addAuthCookiesToResponse', 'maxResponseBodySize'];
  const without = JSON.parse(JSON.stringify(newer), (key, value) => (unknown.includes(key) ? undefined : value));
  const older = resourcesOf('traefik/older-group').map((resource) => ({
    ...resource,
    apiVersion: resource.apiVersion.replace('traefik.containo.us', 'traefik.io'),
  }));
  assert.deepEqual(older, without);
});

test('k8s/traefik: no route is without a middleware, but for the one to Sallyport itself', () => {
  const middlewares = resourcesOf('traefik')
    .filter(({ kind }) => kind === 'Middleware')
    .map(({ metadata }) => metadata.name);
  const routes = listAt(find(resourcesOf('traefik'), 'IngressRoute', 'example-app'), 'spec.routes');
  const isOpen = (route: unknown) => textAt(route, 'services.0.name') === 'sallyport';
  assert.deepEqual(
    routes.filter(isOpen).map((route) => [at(route, 'match'), at(route, 'middlewares')]),
    [['Host(`shop.example.com`) && PathPrefix(`/.sallyport/`)', undefined]],
  );
  for (const route of routes.filter((one) => !isOpen(one))) {
    const [name, ...more] = listAt(route, 'middlewares').map((middleware) => textAt(middleware, 'name'));
    assert.ok(middlewares.includes(name ?? '') && more.length === 0);
  }
  for (const { metadata } of resourcesOf('traefik/plain-ingress').filter((resource) => !isOwn(resource.metadata))) {
    const named = metadata.annotations?.['traefik.ingress.kubernetes.io/router.middlewares'] ?? '';
    assert.ok(
      middlewares.some((name) => named === `${metadata.namespace}-${name}@kubernetescrd`),
      named,
    );
  }
});

test('k8s/gateway-api: every route to the application is asked about, closed where nobody answers, and stands after its policy', () => {
  const resources = resourcesOf('gateway-api');
  const routes = resources.filter(({ kind, metadata }) => kind === 'HTTPRoute' && !isOwn(metadata));
  assert.ok(routes.length > 0);
  for (const route of routes) {
    const policy = resources.find(
      ({ kind, spec }) => kind === 'SecurityPolicy' && at(spec, 'targetRefs.0.name') === route.metadata.name,
    );
    assert.ok(policy && resources.indexOf(policy) < resources.indexOf(route), route.metadata.name);
    const extAuth = at(policy, 'spec.extAuth');
    assert.equal(at(extAuth, 'failOpen'), false);
    assert.equal(at(extAuth, 'statusOnError'), 503);
    assert.equal(at(extAuth, 'timeout'), '10s');
    const ports = listAt(find(resources, 'Service', 'sallyport'), 'spec.ports');
    const asked = ports.find((port) => at(port, 'port') === at(extAuth, 'grpc.backendRefs.0.port'));
    assert.equal(at(asked, 'name'), 'grpc');
    // A list would hide headers that rules look at.
    assert.equal(at(extAuth, 'headersToExtAuth'), undefined);
  }
  const own = find(resources, 'HTTPRoute', 'sallyport');
  assert.deepEqual(
    listAt(own, 'spec.rules.0.matches').map((match) => at(match, 'path')),
    ['pay', 'session', 'refund'].map((name) => ({ type: 'Exact', value: `/.sallyport/${name}` })),
  );
});

test('k8s/gateway-api: the filter takes the place of the policy, by gRPC whole, by HTTP with the lists that Istio has', () => {
  const routeOf = (folder: string) => {
    const [route, ...more] = resourcesOf(folder);
    assert.deepEqual(more, []);
    const old = find(resourcesOf('gateway-api'), 'HTTPRoute', 'example-app');
    const filters = listAt(route, 'spec.rules.0.filters');
    const asking = filters.filter((filter) => at(filter, 'type') === 'ExternalAuth');
    assert.equal(asking.length, 1);
    const rules = [{ ...(at(route, 'spec.rules.0') as object), filters: filters.slice(1) }];
    assert.deepEqual({ ...route, spec: { ...(route?.['spec'] as object), rules } }, old);
    return at(asking[0], 'externalAuth');
  };
  assert.deepEqual(at(routeOf('gateway-api/external-auth'), 'grpc'), {});
  const http = at(routeOf('gateway-api/external-auth/http'), 'http');
  const provider = at(extensionProvider(), 'envoyExtAuthzHttp');
  assert.deepEqual(
    lower([...listAt(http, 'allowedHeaders'), 'authorization']),
    lower(listAt(provider, 'includeRequestHeadersInCheck')),
  );
  assert.deepEqual(lower(listAt(http, 'allowedResponseHeaders')), lower(listAt(provider, 'headersToUpstreamOnAllow')));
  assert.equal(at(http, 'path'), at(provider, 'pathPrefix'));
});

test('k8s/istio: the provider sends what Sallyport decides on, takes over what it answers, and never opens by itself', async () => {
  const provider = at(extensionProvider(), 'envoyExtAuthzHttp');
  const sent = listAt(provider, 'includeRequestHeadersInCheck');
  for (const header of [
    ...credentialHeaders,
    ...['x-request-id', 'x-forwarded-for', 'x-forwarded-proto', 'accept', 'sec-fetch-dest'],
  ]) {
    assert.ok(sent.includes(header), header);
  }
  const headers = { 'X-API-Key': key, Cookie: 'a=1; sallyport-session=x' };
  const allowed = await request(gateUrl(), '/auth/envoy/api/x', { headers });
  const removed = 'x-envoy-auth-headers-to-remove';
  assert.equal(allowed.headers[removed], 'x-api-key');
  const limits = ['ratelimit', 'ratelimit-policy', 'x-ratelimit-limit', 'x-ratelimit-remaining', 'x-ratelimit-reset'];
  assert.deepEqual(
    lower(listAt(provider, 'headersToUpstreamOnAllow')),
    saidIn(allowed).filter((name) => name !== removed && !limits.includes(name)),
  );
  const told = listAt(provider, 'headersToDownstreamOnAllow');
  for (const name of limits) assert.ok(allowed.headers[name] && told.includes(name), name);
  assert.equal(at(provider, 'failOpen'), false);
  assert.equal(at(provider, 'statusOnError'), '503');
  assert.equal(at(provider, 'timeout'), '10s');
  assert.equal(at(provider, 'pathPrefix'), '/auth/envoy');
});

test('k8s/istio: every header of every refusal reaches the client', async () => {
  const listed = listAt(at(extensionProvider(), 'envoyExtAuthzHttp'), 'headersToDownstreamOnDeny');
  const statuses = new Set<number>();
  for (const [path, headers] of [
    ['/api/x', {}],
    ['/premium/x', {}],
    ['/premium/x', { Accept: 'text/html' }],
    ['/nothing', {}],
    ['/free//x', {}],
    ['/premium/x', { 'X-Cashu': 'cashuBrubbish' }],
    ...Array.from({ length: 5 }, () => ['/api/x', { 'X-API-Key': key }] as const),
  ] as const) {
    const answer = await request(gateUrl(), `/auth/envoy${path}`, { headers });
    if (answer.status === 200) continue;
    statuses.add(answer.status);
    assert.deepEqual(
      saidIn(answer).filter((name) => !listed.includes(name)),
      [],
      path,
    );
  }
  assert.deepEqual([...statuses].sort(), [400, 401, 402, 403, 429]);
});

test('k8s/istio: both ways to tell the mesh say the same, and the policy names what they define', () => {
  const values = parse(textOf('istio/mesh/values.yaml'));
  const [operator] = documentsOf('istio/mesh/istio-operator.yaml');
  assert.deepEqual(at(operator, 'spec'), values);
  const service = find(resourcesOf('istio'), 'Service', 'sallyport');
  const { name, namespace } = service.metadata;
  assert.equal(
    at(extensionProvider(), 'envoyExtAuthzHttp.service'),
    `${namespace}/${name}.${namespace}.svc.cluster.local`,
  );
  assert.equal(at(extensionProvider(), 'envoyExtAuthzHttp.port'), at(service, 'spec.ports.0.port'));
  const policy = find(resourcesOf('istio'), 'AuthorizationPolicy', 'sallyport');
  assert.equal(at(policy, 'spec.action'), 'CUSTOM');
  assert.equal(at(policy, 'spec.provider.name'), at(extensionProvider(), 'name'));
});

test('k8s/istio: what the policy leaves out is what the route leads to Sallyport itself', () => {
  const resources = resourcesOf('istio');
  const policy = find(resources, 'AuthorizationPolicy', 'sallyport');
  assert.deepEqual(listAt(policy, 'spec.rules.0.to.0.operation.notPaths'), ['/.sallyport/*']);
  const [own, ...others] = listAt(find(resources, 'VirtualService', 'example-app'), 'spec.http');
  assert.deepEqual(listAt(own, 'match'), [{ uri: { prefix: '/.sallyport/' } }]);
  const service = find(resources, 'Service', 'sallyport');
  assert.deepEqual(at(own, 'route.0.destination'), {
    host: 'sallyport.sallyport.svc.cluster.local',
    port: { number: at(service, 'spec.ports.0.port') },
  });
  assert.ok(
    others.length > 0 && others.every((route) => !textAt(route, 'route.0.destination.host').startsWith('sallyport.')),
  );
});

test('k8s/istio: policy and filter stand at the gateway, for the host of the route with and without a port', () => {
  const resources = resourcesOf('istio');
  const gateway = find(resources, 'Gateway', 'example-app');
  const policy = find(resources, 'AuthorizationPolicy', 'sallyport');
  const filter = find(resources, 'EnvoyFilter', 'sallyport-underscores');
  const selector = at(gateway, 'spec.selector');
  assert.deepEqual(at(policy, 'spec.selector.matchLabels'), selector);
  assert.deepEqual(at(filter, 'spec.workloadSelector.labels'), selector);
  assert.equal(policy.metadata.namespace, filter.metadata.namespace);
  const hosts = listAt(find(resources, 'VirtualService', 'example-app'), 'spec.hosts');
  assert.deepEqual(listAt(gateway, 'spec.servers.0.hosts'), hosts);
  assert.deepEqual(
    listAt(policy, 'spec.rules.0.to.0.operation.hosts'),
    hosts.flatMap((host) => [host, `${host}:*`]),
  );
});
