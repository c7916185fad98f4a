import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { problemsOf } from './harness.test.ts';
import { insecureFlags } from './unsafe.ts';

type Case = readonly [flag: string, path: string, yaml: string];

const mint = (url: string) => `cashu: { mints: ["${url}"] }`;
const issuer = (keys: string) => `jwt: { audience: a, ${keys} }`;
const rule = (match: string) => `rules: [{ name: a, accept: [api_key, anonymous]${match} }]`;

const unsafe: readonly Case[] = [
  ['insecure-trusted-proxies', 'trusted_proxies[0]', 'trusted_proxies: [0.0.0.0/0]'],
  ['insecure-trusted-proxies', 'trusted_proxies[1]', 'trusted_proxies: [127.0.0.0/8, 128.0.0.0/1]'],
  ['insecure-trusted-proxies', 'trusted_proxies', 'trusted_proxies: "::/0"'],
  ['insecure-trusted-proxies', 'trusted_proxies', 'trusted_proxies: "2000::/15"'],
  ['insecure-trusted-proxies', 'trusted_proxies', 'trusted_proxies: "::ffff:0.0.0.0/96"'],
  ['insecure-admin', 'admin.token', 'admin: {}'],
  ['insecure-default-rule', 'rules[0]', rule('')],
  ['insecure-default-rule', 'rules[0]', rule(', match: { path: "/**" }')],
  ['insecure-default-rule', 'rules[0]', rule(', match: { path: "/**/*", methods: [GET, OPTIONS] }')],
  ['insecure-any-mint', 'cashu.mints[0]', mint('*')],
  ['insecure-ledger', 'cashu.encryption_key', `store: "postgres://u:p@db/x"\n${mint('https://mint.example.com')}`],
  ['insecure-http', 'cashu.mints[0]', mint('http://mint.example.com')],
  ['insecure-http', 'cashu.mints[0]', mint('http://10.0.0.1')],
  ['insecure-http', 'cashu.mints[0]', mint('http://local.example.com')],
  ['insecure-http', 'jwt.jwks_url', issuer('issuer: a, jwks_url: "http://id.example.com/certs"')],
  ['insecure-http', 'jwt.issuer', issuer('issuer: "http://id.example.com", discovery: true')],
  [
    'insecure-http',
    'resolver.config_service.url',
    `resolver: { secret: ${'s'.repeat(32)}, source: config_service, config_service: { url: "http://config.example.com/{tenant}" } }`,
  ],
  [
    'insecure-http',
    'egress.targets.a.auth.token_url',
    'egress: { targets: { a: { url: https://a.example, auth: { type: oauth2_client_credentials, token_url: "http://id.example.com/token", client_id: a, client_secret: b } } } }',
  ],
  [
    'insecure-http',
    'egress.targets.a.url',
    'egress: { targets: { a: { url: "http://a.example.com", credentials: [{ type: bearer, token: t }] } } }',
  ],
];

for (const [flag, path, yaml] of unsafe) {
  test(`without --${flag}, refused: ${yaml}`, () => {
    const problems = problemsOf(yaml);
    assert.deepEqual(
      problems.map((problem) => problem.path),
      [path],
    );
    assert.equal(problems[0]?.hint, `to do it all the same, start with --${flag}`);
  });

  test(`with --${flag}, and only with it, accepted: ${yaml}`, () => {
    const others = new Set(insecureFlags.filter((other) => other !== flag));
    assert.equal(problemsOf(yaml, { insecure: others }).length, 1);
    assert.deepEqual(problemsOf(yaml, { insecure: new Set([flag]) }), []);
  });
}

for (const yaml of [
  'trusted_proxies: [10.0.0.0/8, "fd00::/16", "::1", "::ffff:10.0.0.0/104"]',
  rule(', match: { host: "*.example.com" }'),
  rule(', match: { path: "/public/**" }'),
  rule(', match: { methods: OPTIONS }'),
  'store: "postgres://u:p@db/x"',
  'store: "sqlite:x.db"\ncashu: { mints: ["https://mint.example.com"] }',
  `store: "postgres://u:p@db/x"\ncashu: { mints: ["https://mint.example.com"], encryption_key: "${randomBytes(32).toString('base64')}" }`,
  ...[
    'http://localhost:3338',
    'http://127.0.0.2',
    'http://[::1]:1',
    'http://mint',
    'http://mint.ns.svc',
    'http://mint.ns.svc.cluster.local',
    'http://nas.local',
    'http://mint.internal.',
  ].map(mint),
  'egress: { targets: { a: { url: "http://a.example.com" }, b: { url: "http://b.example.com", auth: { type: none } } } }',
  'egress: { targets: { a: { url: "http://api.internal", auth: { type: bearer, token: t } } } }',
  issuer('issuer: "http://id.example.com", jwks_url: "https://id.example.com/certs"'),
]) {
  test(`safe as it is: ${yaml}`, () => assert.deepEqual(problemsOf(yaml), []));
}
