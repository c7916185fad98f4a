/** Routes with TLS are those without, and the certificate that they name is the one that is made. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { at, find, listAt, type Resource, resourcesOf } from './manifests.ts';

const host = 'shop.example.com';

/** What is left of an object without what brings TLS. */
const plain = (resource: Resource): Resource =>
  JSON.parse(JSON.stringify(resource), (key, value) => {
    if (key === 'tls' || key === 'sectionName' || key === 'cert-manager.io/cluster-issuer') return undefined;
    if (key === 'listeners' || key === 'servers') {
      const isPlain = (one: unknown) => at(one, 'port') === 80 || at(one, 'port.number') === 80;
      return Array.isArray(value) ? value.filter(isPlain) : value;
    }
    if (key === 'entryPoints') return ['web'];
    return value;
  });

/** JSON has no empty objects left over from annotations that went. */
const withoutEmpty = (resource: Resource): Resource =>
  JSON.parse(JSON.stringify(resource), (key, value) =>
    key === 'annotations' && Object.keys(value).length === 0 ? undefined : value,
  );

for (const [folder, added] of [
  ['nginx', ['ClusterIssuer letsencrypt']],
  ['traefik', ['ClusterIssuer letsencrypt', 'Certificate shop', 'Middleware https', 'IngressRoute example-app-http']],
  ['istio', ['Certificate shop']],
  ['gateway-api', ['ClusterIssuer letsencrypt', 'HTTPRoute example-app-http']],
] as const) {
  test(`k8s/${folder}/with-tls: what stands there already is the same but for TLS`, () => {
    const own: string[] = [];
    for (const resource of resourcesOf(`${folder}/with-tls`)) {
      const { kind, metadata } = resource;
      const without = resourcesOf(folder).find((one) => one.kind === kind && one.metadata.name === metadata.name);
      if (without) assert.deepEqual(withoutEmpty(plain(resource)), plain(without), `${kind} ${metadata.name}`);
      else own.push(`${kind} ${metadata.name}`);
    }
    assert.deepEqual(own, added);
  });
}

test('nginx: every Ingress has the certificate, and one of them has it made', () => {
  const ingresses = resourcesOf('nginx/with-tls').filter(({ kind }) => kind === 'Ingress');
  assert.equal(ingresses.length, resourcesOf('nginx').filter(({ kind }) => kind === 'Ingress').length);
  for (const ingress of ingresses) {
    assert.deepEqual(listAt(ingress, 'spec.tls'), [{ hosts: [host], secretName: 'shop-tls' }]);
  }
  const issuers = ingresses.flatMap(({ metadata }) => metadata.annotations?.['cert-manager.io/cluster-issuer'] ?? []);
  assert.deepEqual(issuers, ['letsencrypt']);
});

test('Traefik: with TLS on its entry point alone; plain http is redirected and reaches nothing', () => {
  const resources = resourcesOf('traefik/with-tls');
  const route = find(resources, 'IngressRoute', 'example-app');
  assert.deepEqual(listAt(route, 'spec.entryPoints'), ['websecure']);
  assert.equal(at(route, 'spec.tls.secretName'), at(find(resources, 'Certificate', 'shop'), 'spec.secretName'));
  const [redirect, ...more] = listAt(find(resources, 'IngressRoute', 'example-app-http'), 'spec.routes');
  assert.deepEqual([listAt(redirect, 'middlewares'), more], [[{ name: 'https' }], []]);
  assert.equal(at(find(resources, 'Middleware', 'https'), 'spec.redirectScheme.scheme'), 'https');
});

test('Istio: the certificate is where the gateway’s pods are, and plain http is redirected', () => {
  const resources = resourcesOf('istio/with-tls');
  const certificate = find(resources, 'Certificate', 'shop');
  const policy = find(resourcesOf('istio'), 'AuthorizationPolicy', 'sallyport');
  assert.equal(certificate.metadata.namespace, policy.metadata.namespace);
  const [secure, open] = listAt(find(resources, 'Gateway', 'example-app'), 'spec.servers');
  assert.deepEqual([at(secure, 'port.protocol'), at(secure, 'tls.mode')], ['HTTPS', 'SIMPLE']);
  assert.equal(at(secure, 'tls.credentialName'), at(certificate, 'spec.secretName'));
  assert.equal(at(open, 'tls.httpsRedirect'), true);
});

test('Gateway API: routes to the application are at the listener with TLS; the other one redirects', () => {
  const resources = resourcesOf('gateway-api/with-tls');
  const listeners = listAt(find(resources, 'Gateway', 'sallyport'), 'spec.listeners');
  assert.deepEqual(
    listeners.map((listener) => [at(listener, 'name'), at(listener, 'protocol'), at(listener, 'port')]),
    [
      ['https', 'HTTPS', 443],
      ['http', 'HTTP', 80],
    ],
  );
  const routes = resources.filter(({ kind }) => kind === 'HTTPRoute');
  assert.deepEqual(
    routes.map((route) => [route.metadata.name, at(route, 'spec.parentRefs.0.sectionName')]),
    [
      ['sallyport', 'https'],
      ['example-app', 'https'],
      ['example-app-reports', 'https'],
      ['example-app-http', 'http'],
    ],
  );
  const redirect = find(resources, 'HTTPRoute', 'example-app-http');
  assert.equal(at(redirect, 'spec.rules.0.filters.0.requestRedirect.scheme'), 'https');
  assert.equal(at(redirect, 'spec.rules.0.backendRefs'), undefined);
});
