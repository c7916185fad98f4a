import assert from 'node:assert/strict';
import { test } from 'node:test';
import { problemsOf } from './harness.test.ts';
import { formatProblem } from './problem.ts';

const tls = 'http: { tls: { cert_file: c, key_file: k, client_ca_file: a, client_auth: require } }';
const form = 'a subject such as CN=orders,O=Example, or uri:…, dns:…, sha256:…';
const entries = (list: string) => `${tls}\nproxy:\n  mtls:\n    allowed_clients:\n${list}\n  auth: { enabled: false }`;

const cases: readonly (readonly [what: string, yaml: string, lines: readonly string[]])[] = [
  [
    'clients by every kind of name',
    entries(
      [
        '      - "CN=api-gateway-client,O=MyOrg"',
        '      - "O=Acme\\\\, Inc + CN=orders"',
        '      - "uri:spiffe://zone/orders"',
        '      - "dns:orders.zone2.local"',
        `      - "sha256:${'ab'.repeat(32)}"`,
      ].join('\n'),
    ),
    [],
  ],
  ['every client that is verified', `${tls}\nproxy: { mtls: { enabled: true }, auth: { enabled: false } }`, []],
  [
    'clients that no certificate can be',
    entries('      - "CN=orders,O=MyOrg"\n      - "orders"\n      - "CN=\\"orders\\""\n      - "sha256:abc"'),
    [
      `6:9 proxy.mtls.allowed_clients[1]: not a certificate; found "orders", expected ${form}`,
      `7:9 proxy.mtls.allowed_clients[2]: not a certificate; found "CN=\\"orders\\"", expected ${form}`,
      `8:9 proxy.mtls.allowed_clients[3]: not a certificate; found "sha256:abc", expected ${form}`,
    ],
  ],
  [
    'a list of nobody',
    `${tls}\nproxy: { mtls: { allowed_clients: [] }, auth: { enabled: false } }`,
    ['2:35 proxy.mtls.allowed_clients: empty; expected at least 1'],
  ],
  [
    'clients whose certificates nobody asks for',
    'proxy:\n  mtls: { allowed_clients: "CN=orders" }\n  auth: { enabled: false }',
    [
      '2:9 proxy.mtls: no certificate is ever seen; expected http.tls with client_ca_file, and client_auth request or require; or forwarded_certificates',
    ],
  ],
  ['a proxy whose callers are known by certificates', `${tls}\nproxy: { auth: { accept: [certificate] } }`, []],
  [
    'a proxy whose callers are known by certificates that nobody asks for',
    'proxy: { auth: { accept: [certificate] } }',
    [
      '1:26 proxy.auth.accept: no certificate is ever seen; expected http.tls with client_ca_file, and client_auth request or require; or forwarded_certificates',
    ],
  ],
  [
    'rules for certificates that our own handshake asks for',
    `${tls}\nrules: [{ name: a, match: { path: /a }, accept: certificate, require: { certificates: "CN=orders" } }]`,
    [],
  ],
  [
    'rules for certificates that a proxy tells of',
    'forwarded_certificates: envoy\nrules: [{ name: a, match: { path: /a }, accept: certificate }]',
    [],
  ],
  [
    'rules for certificates that Envoy tells of over gRPC',
    'grpc: { addr: ":9001" }\nrules: [{ name: a, match: { path: /a }, accept: certificate }]',
    [],
  ],
  [
    'rules for certificates that nobody sees',
    'rules:\n  - { name: a, match: { path: /a }, accept: [api_key, certificate] }\n  - { name: b, match: { path: /b }, accept: api_key, require: { certificates: "CN=orders" } }',
    [
      '2:45 rules[0].accept: no certificate is ever seen; expected forwarded_certificates, or http.tls with client_ca_file and client_auth request or require',
      '3:79 rules[1].require.certificates: no certificate is ever seen; expected forwarded_certificates, or http.tls with client_ca_file and client_auth request or require',
    ],
  ],
  [
    'a certificate that a rule cannot mean',
    `${tls}\nrules: [{ name: a, match: { path: /a }, accept: certificate, require: { certificates: orders } }]`,
    [`2:87 rules[0].require.certificates: not a certificate; found "orders", expected ${form}`],
  ],
  ['the headers of nginx, of hosts', 'forwarded_certificates: { format: nginx, hosts: mtls.example.com }', []],
  [
    'the headers of nginx, of whatever host',
    'forwarded_certificates: nginx_subject',
    [
      '1:25 forwarded_certificates: does not say on which hosts nginx verifies certificates; expected hosts beside format; of any other host nginx may pass on what clients write themselves',
    ],
  ],
  [
    'two families of headers',
    'forwarded_certificates: [nginx, envoy]',
    [
      '1:25 forwarded_certificates: not a mapping; found a list, expected nginx | nginx_subject | envoy | traefik | rfc9440 or a mapping',
    ],
  ],
  [
    'a header that only Sallyport may set',
    `${tls}\nrules: [{ name: a, match: { path: /a }, accept: certificate, headers: { inject_user_id: x_client_CN } }]`,
    [
      '2:89 rules[0].headers.inject_user_id: a header that proxies or Sallyport itself set; found "x_client_CN", expected the name of a header the service behind may trust',
    ],
  ],
];

for (const [what, yaml, lines] of cases) {
  test(`${what}: ${lines.length === 0 ? 'fine' : 'a problem with its line'}`, () => {
    const found = problemsOf(yaml).map((problem) => formatProblem(problem).replace(/^sallyport\.yaml:/, ''));
    assert.deepEqual(found, lines);
  });
}
