import assert from 'node:assert/strict';
import { test } from 'node:test';
import { problemsOf } from './harness.test.ts';
import { formatProblem } from './problem.ts';

const policies = 'policy: { path: /p }\n';
const rule = (keys: string) => `rules: [{ name: a, match: { path: /a }, accept: anonymous, ${keys} }]\n`;
const extracting = (headers: string) => policies + rule(`policy: data.a.b, headers: ${headers}`);
const notQuery = (path: string, found: string) =>
  `${path}: not a query that a policy can be asked; found "${found}", expected the path of a rule, such as data.orders.allow`;
const noPolicies = (path: string) =>
  `${path}: asks a policy, but there are none; say under policy where they are: policy: { path: policies }`;
const credential = (path: string, found: string) =>
  `${path}: a header that carries a credential, which neither policies nor the audit line may see; found "${found}"; policies have what it says as input.token and input.identity`;

const cases: readonly (readonly [what: string, yaml: string, lines: readonly string[]])[] = [
  ['a query', policies + rule('policy: data.orders.allow'), []],
  ['a query without policies', rule('policy: data.orders.allow'), [noPolicies('rules[0].policy')]],
  [
    'a sidecar’s query without policies',
    'proxy: { auth: { enabled: false }, routes: [{ path: /a, policy_query: data.a.b }] }',
    [],
  ],
  ...['orders.allow', 'data', 'data.orders.', 'data.a; data.b', 'data.a.b == 1', 'input.x', 'data.a["b"]'].map(
    (query): [string, string, string[]] => [
      `a query such as ${query}`,
      policies + rule(`policy: '${query}'`),
      [notQuery('rules[0].policy', query.replaceAll('"', '\\"'))],
    ],
  ),
  [
    'the sidecar’s query',
    `${policies}proxy: { auth: { enabled: false }, authz: { policy_query: orders } }`,
    [notQuery('proxy.authz.policy_query', 'orders')],
  ],
  ...['policies', '/p/policy.wasm'].map((path): [string, string, string[]] => [
    `a signature of ${path}`,
    `policy: { path: ${path}, verification_key: any }`,
    ['policy.verification_key: nothing that can be verified; expected policy.path to be a signed bundle.tar.gz'],
  ]),
  [
    'a bundle whose signature is verified by no key',
    'policy: { path: bundle.tar.gz, verification_key: none }',
    ['policy.verification_key: not a key; expected a public key or certificate in PEM'],
  ],
  ['extracted headers', extracting('{ extract: [X-User-Context, X-Correlation-ID] }'), []],
  [
    'extracted headers that nobody looks at',
    rule('headers: { extract: X-A }'),
    ['rules[0].headers.extract: headers for a policy, but the rule asks none; set policy, or drop extract'],
  ],
  [
    'a header twice',
    extracting('{ extract: [X-A, x-a] }'),
    ['rules[0].headers.extract[1]: the same header as rules[0].headers.extract[0]; found "x-a"'],
  ],
  [
    'no name of a header',
    extracting("{ extract: 'X A' }"),
    ['rules[0].headers.extract: not a header name; found "X A"'],
  ],
  ...['Authorization', 'cookie', 'X_API_Key', 'X-Cashu', 'X-Payment-Session', 'Proxy-Authorization'].map(
    (name): [string, string, string[]] => [
      `the header ${name}`,
      extracting(`{ extract: ${name} }`),
      [credential('rules[0].headers.extract', name)],
    ],
  ),
  [
    'the sidecar’s own header of tokens',
    'proxy: { auth: { enabled: false, header: X-Token }, headers: { extract: x-token } }',
    [credential('proxy.headers.extract', 'x-token')],
  ],
];

for (const [what, yaml, expected] of cases) {
  test(`${what}: ${expected.length === 0 ? 'loads' : 'is reported'}`, () => {
    const lines = problemsOf(yaml).map((problem) => formatProblem(problem).replace(/^sallyport\.yaml:\d+:\d+ /, ''));
    assert.deepEqual(lines, expected);
  });
}
