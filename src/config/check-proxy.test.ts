import assert from 'node:assert/strict';
import { test } from 'node:test';
import { problemsOf } from './harness.test.ts';
import { formatProblem } from './problem.ts';

const linesOf = (yaml: string): string[] =>
  problemsOf(yaml).map((problem) => formatProblem(problem).replace(/^sallyport\.yaml:\d+:\d+ /, ''));

const jwt = 'jwt: { issuer: "https://id.example", audience: a, secret: "0123456789abcdef0123456789abcdef" }\n';
const proxy = (keys: string) => `${jwt}proxy: { ${keys} }`;
const egress = (target: string) => `\negress: { targets: { orders: { url: "https://orders.example/v1", ${target} } } }`;
const toTarget = (keys: string) => proxy(`upstream: "https://orders.example/v1", ${keys}`);

// biome-ignore format: a table is read by its columns
const cases: readonly (readonly [title: string, yaml: string, problems: readonly string[]])[] = [
  ['nothing but an issuer', proxy(''), []],
  ['no issuer, and no tokens', 'proxy: { auth: { enabled: false } }', []],
  ['switched off', 'proxy: { enabled: false, upstream: "http://169.254.169.254" }\nrules: [{ name: a, accept: api_key }]', []],
  ['no issuer', 'proxy: {}', ['proxy.auth: verifies tokens, but nobody may issue one; name an issuer under jwt, or set proxy.auth.enabled: false']],
  ['API keys alone', 'proxy: { auth: { accept: [api_key] } }', []],
  ['routes of one path, told apart by methods', proxy('routes: [{ path: /a, methods: [GET] }, { path: /a, methods: [POST] }, { path: /a }]'), []],
  ['two routes alike', proxy('routes: [{ path: "/a/**" }, { path: "/a/**/" }]'), ['proxy.routes[1]: matches requests that another route matches just as specifically; see proxy.routes[0]; change the path or the methods of one of them']],
  ['two routes with a method in common', proxy('routes: [{ path: /a, methods: [GET, POST] }, { path: /a, methods: [POST, PUT] }]'), ['proxy.routes[1]: matches requests that another route matches just as specifically; see proxy.routes[0]; change the path or the methods of one of them']],
  ['a path that is no pattern', proxy('routes: [{ path: "/a//b" }]'), ['proxy.routes[0].path: a path has no empty segment; found "/a//b", expected a pattern such as /api/v1/orders/**']],
  ['prefixes that no path can have', proxy('routes: [{ path: /a, strip_prefix: /a/../b, rewrite_prefix: //b }]'), [
    'proxy.routes[0].strip_prefix: a path that no call can have; found "/a/../b", expected a path without dot segments, empty segments, semicolons and escapes, such as /ext/stripe',
    'proxy.routes[0].rewrite_prefix: a path that no call can have; expected a path without dot segments, empty segments, semicolons and escapes, such as /ext/stripe',
  ]],
  ['one header written twice', proxy('headers: { inject_user_id: X-User, inject_claims: { sub: x_user } }'), ['proxy.headers.inject_user_id: the same header as proxy.headers.inject_claims.sub; found "X-User"']],
  ['authorization that asks nothing', proxy('authz: {}'), ['proxy.authz: asks the policy nothing; expected policy_query, such as data.orders.allow, here or on every route']],
  ['authorization that one route does without', proxy('authz: {}, routes: [{ path: /a, policy_query: data.a.b }, { path: /b }]'), ['proxy.authz: asks the policy nothing; expected policy_query, such as data.orders.allow, here or on every route']],
  ['authorization by the routes', proxy('authz: {}, routes: [{ path: /a, policy_query: data.a.b }]'), []],
  ['an upstream that is never connected to', proxy('upstream: "http://169.254.169.254"'), ['proxy.upstream: an address that is never connected to; found "http://169.254.169.254", expected another host']],
  ['an upstream that no route has', proxy('upstream: "http://169.254.169.254", routes: [{ path: /a, upstream: "http://orders:80" }]'), []],
  ['itself', `http: { addr: ":3000" }\n${proxy('')}`, ['proxy.upstream: http://127.0.0.1:3000 is the proxy itself; expected the address of the service behind it, another than http.addr']],
  ['TLS towards services of its own', proxy('upstream: "https://a", upstream_tls: { ca_cert: ca.crt }'), []],
  ['TLS that is switched off', proxy('upstream_tls: { enabled: false, ca_cert: ca.crt }'), []],
  ['TLS towards services that speak none', proxy('upstream_tls: { ca_cert: ca.crt }'), ['proxy.upstream_tls: no upstream uses it: each is plain http, or a target of egress; expected an https upstream, or tls of the target']],
  ['TLS towards targets of egress alone', toTarget('upstream_tls: { ca_cert: ca.crt }') + egress(''), ['proxy.upstream_tls: no upstream uses it: each is plain http, or a target of egress; expected an https upstream, or tls of the target']],
  ['half a client certificate', proxy('upstream: "https://a", upstream_tls: { client_cert: a.crt }'), ['proxy.upstream_tls: half a client certificate; expected both client_cert and client_key']],
  ['rules that nobody asks', `${proxy('')}\nrules: [{ name: a, accept: api_key }]`, ['rules: rules beside proxy, which has routes of its own, and nobody else asks; expected proxy.routes, or grpc for proxies that ask there']],
  ['rules for gRPC', `${proxy('')}\nrules: [{ name: a, accept: api_key }]\ngrpc: { addr: ":9001" }`, []],
  ['a resolver in the way', `${proxy('')}\nresolver: { secret: "0123456789abcdef0123456789abcdef" }`, ['resolver: http.addr is the proxy alone; expected resolver.addr, for a listener of its own']],
  ['a target of egress, with its credential', toTarget('') + egress('auth: { type: bearer, token: abc }'), []],
  ['a target of egress whose credential goes where the token does', toTarget('headers: { pass_token: true }') + egress('auth: { type: bearer, token: abc }'), ['proxy.headers.pass_token: passes the token on in Authorization, which the credential of the target orders sets; expected pass_token: false, or a target without that credential']],
  ['a target of egress whose credential goes elsewhere', toTarget('headers: { pass_token: true }') + egress('auth: { type: api_key, header: X-Key, key: abc }'), []],
  ['the origin of a target, outside of its path', proxy('upstream: "https://orders.example"') + egress(''), ['proxy.upstream: has the origin of the target orders of egress, and is outside of its path; found "https://orders.example", expected a URL at or below https://orders.example/v1']],
  ['the origin of two targets', `${toTarget('')}\negress: { targets: { a: { url: "https://orders.example/v1" }, b: { url: "https://orders.example/v1" } } }`, ['proxy.upstream: has the origin of several targets of egress: a, b; expected one of them']],
];

for (const [title, yaml, problems] of cases)
  test(`${title}: ${problems.length === 0 ? 'fine' : 'a problem with its place'}`, () =>
    assert.deepEqual(linesOf(yaml), problems));
