import assert from 'node:assert/strict';
import { test } from 'node:test';
import { needs } from '../servers/programs.ts';
import { problemsOf } from './kubeconform.ts';

const service = (more = '') => `
apiVersion: v1
kind: Service
metadata: { name: sallyport }
spec: { selector: { app: sallyport }, ports: [ { port: 8080${more} } ] }
`;
const middleware = (more = '') => `
apiVersion: traefik.io/v1alpha1
kind: Middleware
metadata: { name: sallyport }
spec: { forwardAuth: { address: "http://sallyport:8080/auth/traefik"${more} } }
`;
const policy = (more = '') => `
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: sallyport }
spec: { action: CUSTOM, provider: { name: sallyport }, rules: [ { to: [ { operation: { paths: ["/*"] } } ] } ]${more} }
`;

test('sound manifests of Kubernetes, Traefik and Istio have no problems', needs('kubeconform', 'kube-schemas'), () => {
  assert.deepEqual(problemsOf([service(), middleware(), policy()].join('---\n')), []);
});

test('nothing to check is no clean bill', needs('kubeconform', 'kube-schemas'), () => {
  assert.throws(() => problemsOf(''), /no manifest/);
});

for (const [what, manifest, message] of [
  ['an unknown field of a core kind', service(', prot: TCP'), /prot/],
  ['a wrong type', service(', targetPort: [1]'), /targetPort|oneOf|anyOf/],
  ['an unknown field of a Traefik kind', middleware(', authResponseHeader: [X-User]'), /authResponseHeader/],
  ['an unknown field of an Istio kind', policy(', providers: []'), /providers/],
  ['an unknown kind', 'apiVersion: example.com/v1\nkind: Nothing\nmetadata: { name: x }\n', /schema/],
] as const) {
  test(`${what} is a problem`, needs('kubeconform', 'kube-schemas'), () => {
    const problems = problemsOf(manifest);
    assert.equal(problems.length, 1);
    assert.match(problems[0]?.message ?? '', message);
  });
}
