import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { load, problemsOf } from './harness.test.ts';
import { formatProblem } from './problem.ts';

type Case = readonly [what: string, yaml: string, lines: readonly string[]];

/** Without line and column, which `problems.test.ts` is about. */
const linesOf = (yaml: string): string[] =>
  problemsOf(yaml).map((problem) => formatProblem(problem).replace(/^sallyport\.yaml:\d+:\d+ /, ''));

const secret = 's'.repeat(32);
const issuer = `jwt: { issuers: [{ name: users, issuer: https://id.example.com, audience: api, secret: ${secret} }] }\n`;
const issuerWith = (keys: string) => `jwt: { issuer: https://id.example.com, audience: api, ${keys} }`;
const mint = 'cashu: { mints: [{ url: https://mint.example.com, units: [sat] }] }\n';
const mints =
  'cashu: { mints: [{ url: https://one.example, units: [sat, usd] }, { url: https://two.example, units: [sat] }] }\n';
const podTemplate =
  '{ spec: { containers: [{ name: a, image: b, resources: { requests: { cpu: 1, memory: 1Mi }, limits: { cpu: 1, memory: 1Mi } } }] } }';
const rule = (keys: string) => `rules: [{ name: a, match: { path: /a }, ${keys} }]`;
const target = (keys: string) => `egress: { targets: { a: { url: https://a.example, ${keys} } } }`;

const { publicKey, privateKey } = generateKeyPairSync('ed25519', {
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});

const offline = (caps: string, more = '') =>
  `cashu: { mints: [{ url: https://one.example, units: [sat, usd] }, { url: https://two.example }], lock: { private_key: "${'7'.repeat(64)}", accept_offline: { max_unsettled: [${caps}]${more} } } }`;

const cases: readonly Case[] = [
  // Stores.
  ['a store in memory of a sidecar that keeps nothing', `store: "sqlite::memory:"\n${rule('accept: anonymous')}`, []],
  [
    'a store in memory for keys',
    `store: "sqlite::memory:"\n${rule('accept: [anonymous, api_key]')}`,
    [
      'store: in memory it cannot keep API keys, which are wanted by rules[0].accept; name a file, as in sqlite:data/sallyport.db',
    ],
  ],
  [
    'a store in memory for payments',
    `store: "sqlite::memory:"\n${mint}`,
    [
      'store: in memory it cannot keep payments, which are wanted by cashu.mints; name a file, as in sqlite:data/sallyport.db',
    ],
  ],
  [
    'a store that SQLite reads as a URL',
    'store: { type: sqlite, path: "file:a?mode=memory" }',
    [
      'store.path: a URL, not a path; found "file:a?mode=memory", expected the path of a file; write sqlite:data/sallyport.db',
    ],
  ],
  [
    'a store below the root, or not',
    'store: "sqlite://data/a.db"',
    [
      'store: can be read in two ways; found "sqlite://data/a.db", expected the path of a file; write sqlite:/data/x.db, or sqlite:x.db for one in the working directory',
    ],
  ],

  // Payments.
  [
    'a cap by unit and mint',
    offline('{ mint: https://one.example/, amount: 1 }, { mint: https://one.example, unit: usd, amount: 2 }'),
    [],
  ],
  [
    'a cap for a mint that is not accepted',
    offline('{ mint: https://three.example, amount: 1 }'),
    [
      'cashu.lock.accept_offline.max_unsettled[0].mint: no mint of this URL under cashu.mints; found "https://three.example"; mints that `*` stands for are always asked',
    ],
  ],
  [
    'a cap in a unit that the mint does not serve',
    offline('{ mint: https://two.example, unit: usd, amount: 1 }'),
    ['cashu.lock.accept_offline.max_unsettled[0].unit: this mint does not serve the unit; found "usd"'],
  ],
  [
    'two caps for one mint',
    offline('{ mint: https://one.example, amount: 1 }, { mint: https://one.example, amount: 2 }'),
    [
      'cashu.lock.accept_offline.max_unsettled[1].mint: the same mint and unit as cashu.lock.accept_offline.max_unsettled[0].mint; found "https://one.example"',
    ],
  ],
  ['no cap', offline(''), ['cashu.lock.accept_offline.max_unsettled: empty; expected at least 1']],
  [
    'too little time to settle',
    offline('{ mint: https://one.example, amount: 1 }', ', settle_every: 2m, settle_within: 10m'),
    ['cashu.lock.accept_offline.settle_within: too short; expected ten times settle_every, or more'],
  ],
  [
    'a payout to nobody, or more than all of it',
    'cashu: { payout: { above: 10, keep: 11 } }',
    [
      'cashu.payout: either an address or a folder; expected one of to and folder',
      'cashu.payout.keep: more than above; expected above, or less',
    ],
  ],
  [
    'a payout to two',
    'cashu: { payout: { above: 10, to: me@pay.example, folder: /out } }',
    ['cashu.payout: either an address or a folder; expected one of to and folder'],
  ],
  [
    'a payout by Lightning in a unit that it does not know',
    'cashu: { payout: { above: 10, to: me@pay.example, unit: usd } }',
    ['cashu.payout.unit: cannot be paid by Lightning; found "usd", expected sat or msat'],
  ],
  ['a payout to a folder, in any unit', 'cashu: { payout: { above: 10, folder: /out, unit: usd } }', []],
  [
    'payouts of their own, by what they leave out too',
    'cashu: { payout: { above: 10, keep: 5, to: me@pay.example }, mints: [{ url: https://one.example, units: usd, payout: { folder: /out, unit: usd } }, { url: https://two.example, payout: { above: 6 } }, { url: https://three.example, payout: false }, https://four.example] }',
    [],
  ],
  [
    'a payout of its own to an address in place of the folder, in a unit that goes to a folder alone',
    'cashu: { payout: { above: 10, folder: /out, unit: usd }, mints: [{ url: https://one.example, units: [usd, sat], payout: { to: me@pay.example } }] }',
    ['cashu.mints[0].payout: cannot be paid by Lightning; found usd, expected sat or msat'],
  ],
  [
    'payouts of their own that do not go with the common one, or with the mint',
    'cashu: { payout: { above: 10, keep: 5, folder: /out }, mints: [{ url: https://one.example, payout: { above: 4 } }, { url: https://two.example, payout: { keep: 11 } }, { url: https://three.example, units: usd, payout: {} }] }',
    [
      'cashu.mints[0].payout.above: less than stays; expected 5 (keep), or more',
      'cashu.mints[1].payout.keep: more than above; expected above, or less',
      'cashu.mints[2].payout: this mint does not serve sat; expected unit: usd',
    ],
  ],
  [
    'payouts of their own, and nothing in common that they could leave out',
    'cashu: { mints: [{ url: https://one.example, payout: { to: me@pay.example } }, { url: https://two.example, payout: { above: 4 } }, { url: https://three.example, payout: false }] }',
    [
      'cashu.mints[0].payout: no threshold; expected above, here or under cashu.payout',
      'cashu.mints[1].payout: either an address or a folder; expected one of to and folder',
    ],
  ],
  // Rules.
  [
    'two rules of one name',
    'rules: [{ name: a, accept: api_key }, { name: a, accept: api_key }]',
    ['rules[1].name: the same name as rules[0].name; found "a"'],
  ],
  [
    'one credential twice',
    rule('accept: [api_key, api_key]'),
    ['rules[0].accept[1]: the same credential as rules[0].accept[0]; found "api_key"'],
  ],
  [
    'jwt without issuer',
    rule('accept: jwt'),
    ['rules[0].accept: accepts jwt, but nobody may issue one; name an issuer under jwt.issuers'],
  ],
  [
    'an issuer that is nobody',
    issuer + rule('accept: jwt, require: { issuer: user }'),
    ['rules[0].require.issuer: no issuer of this name; found "user", expected one of users; did you mean "users"?'],
  ],
  [
    'an issuer where no JWT is accepted',
    issuer + rule('accept: api_key, require: { issuer: users }'),
    ['rules[0].require.issuer: demands an issuer, but the rule does not accept jwt; add jwt to accept'],
  ],
  [
    'cashu without mint',
    rule('accept: cashu, price: 1'),
    ['rules[0].accept: accepts cashu, but from no mint; name a mint under cashu.mints'],
  ],
  [
    'cashu without price',
    mint + rule('accept: cashu'),
    ['rules[0].accept: accepts cashu, but has no price; set price, or cashu.default_amount for all rules'],
  ],
  [
    'a price in a unit of no mint',
    mint + rule('accept: cashu, price: { amount: 1, unit: usd }'),
    ['rules[0].price.unit: no mint serves this unit; found "usd"; add it to the units of a mint'],
  ],
  [
    'a price nobody can pay',
    rule('accept: api_key, price: 1'),
    ['rules[0].price: a price, but the rule does not accept cashu; add cashu to accept'],
  ],
  [
    'a price that buys two things',
    mint + rule('accept: cashu, price: { amount: 1, buys: { requests: 1, time: 1h } }'),
    ['rules[0].price.buys: not exactly one thing; expected one of requests, time, units'],
  ],
  [
    'a price that buys nothing',
    mint + rule('accept: cashu, price: { amount: 1, buys: {} }'),
    ['rules[0].price.buys: not exactly one thing; expected one of requests, time, units'],
  ],
  [
    'units and what each request reserves of them',
    mint + rule('accept: cashu, price: { amount: 1, buys: { units: 100, reserve: 100, report_within: 1s } }'),
    [],
  ],
  [
    'a request that reserves more than a payment buys',
    mint + rule('accept: cashu, price: { amount: 1, buys: { units: 100, reserve: 101 } }'),
    ['rules[0].price.buys.reserve: more than one payment buys; found 101, expected 100 or less'],
  ],
  ...['reserve: 1', 'report_within: 1m'].map(
    (key) =>
      [
        `requests with ${key}`,
        mint + rule(`accept: cashu, price: { amount: 1, buys: { requests: 1, ${key} } }`),
        ['rules[0].price.buys: reserve and report_within say how units are reported; expected units beside them'],
      ] as const,
  ),
  [
    'a choice of prices, one for each unit and mint',
    mints +
      rule(
        'accept: cashu, price: [{ amount: 9, mints: "HTTPS://one.example/" }, { amount: 8, mints: [https://two.example] }, { amount: 1, unit: usd }]',
      ),
    [],
  ],
  [
    'two prices in one unit',
    mints + rule('accept: cashu, price: [9, 8, { amount: 1, unit: usd }]'),
    [
      'rules[0].price[1]: a token in sat could be weighed against this price or against rules[0].price[0]; expected another unit, or mints that the other price does not have',
    ],
  ],
  [
    'two prices in one unit that share a mint',
    mints +
      rule(
        'accept: cashu, price: [{ amount: 9, mints: https://one.example }, { amount: 8, mints: [https://two.example, https://one.example] }]',
      ),
    [
      'rules[0].price[1]: a token in sat could be weighed against this price or against rules[0].price[0]; expected another unit, or mints that the other price does not have',
    ],
  ],
  [
    'a price at a mint that is not accepted',
    mints + rule('accept: cashu, price: { amount: 9, mints: [https://one.example, https://three.example] }'),
    ['rules[0].price.mints[1]: no mint of this URL under cashu.mints; found "https://three.example"'],
  ],
  [
    'a price at a mint that does not take its unit',
    mints + rule('accept: cashu, price: [5, { amount: 9, unit: usd, mints: https://two.example }]'),
    ['rules[0].price[1].mints: this mint does not serve usd; found "https://two.example"'],
  ],
  [
    'what payers are not asked, beside who is',
    mint + rule('accept: [api_key, cashu], price: 5, require: { scopes: a, roles: b, claims: { c: d } }'),
    [],
  ],
  [
    'demands that anonymous callers pass without',
    issuer + rule('accept: [jwt, anonymous], require: { scopes: a, roles: b, claims: { c: d } }'),
    ['scopes', 'roles', 'claims'].map(
      (key) =>
        `rules[0].require.${key}: asked of some callers, but anonymous ones pass without it; drop anonymous from accept, or drop it`,
    ),
  ],
  [
    'a demand that nobody meets',
    mint + rule('accept: cashu, price: 5, require: { roles: a }'),
    [
      'rules[0].require.roles: asked of nobody: payers have nothing that could say it; add api_key or jwt to accept, or drop it',
    ],
  ],
  ['free requests before a price', mint + rule('accept: cashu, price: 5, free: { requests: 10, per: 1d }'), []],
  [
    'free requests of which nobody pays for the next',
    rule('accept: api_key, free: { requests: 10, per: 1d }'),
    ['rules[0].free: free requests, but nobody is asked to pay; add cashu to accept, or drop free'],
  ],
  [
    'a price that nobody has to pay',
    mint + rule('accept: [cashu, api_key, anonymous], price: 5'),
    [
      'rules[0].accept: anonymous callers pass, and so nobody has to pay; drop anonymous, or set free in its place: so many requests are free, and whoever wants more pays',
    ],
  ],
  [
    'free requests that are not counted',
    mint + rule('accept: [cashu, anonymous], price: 5, free: { requests: 10, per: 1d }'),
    ['rules[0].accept: anonymous callers pass, and so nobody has to pay; drop anonymous: free lets them in already'],
  ],
  [
    'free requests without a time',
    mint + rule('accept: cashu, price: 5, free: { requests: 10 }'),
    ['rules[0].free.per: missing; expected a duration up to 31d'],
  ],
  ['no price at all', mint + rule('accept: cashu, price: []'), ['rules[0].price: empty; expected at least 1']],
  [
    'a template that is not there',
    `${mint}pods: { templates: { gpu: ${podTemplate} } }\n${rule('accept: cashu, price: 5, provision: gpus')}`,
    ['rules[0].provision: no pod template of this name; found "gpus", expected one of gpu, none; did you mean "gpu"?'],
  ],

  // Headers.
  [
    'one header for two claims',
    issuer + rule('accept: jwt, headers: { inject_claims: { sub: X-User, email: x-user } }'),
    ['rules[0].headers.inject_claims.email: the same header as rules[0].headers.inject_claims.sub; found "x-user"'],
  ],
  [
    'one header for a claim and the id, spelt with an underscore',
    rule('accept: api_key, headers: { inject_claims: { sub: X-User-ID }, inject_user_id: x_user_id }'),
    ['rules[0].headers.inject_user_id: the same header as rules[0].headers.inject_claims.sub; found "x_user_id"'],
  ],
  ...['Authorization', 'cookie', 'Host', 'Content-Length', 'X-API-Key', 'x_cashu'].map(
    (name): Case => [
      `the header ${name}`,
      rule(`accept: api_key, headers: { inject_user_id: ${name} }`),
      [
        `rules[0].headers.inject_user_id: a header that carries a credential or frames the message; found "${name}", expected the name of a header the service behind may trust`,
      ],
    ],
  ),
  ...['Connection', 'TE', 'keep-alive', 'Transfer_Encoding', 'Upgrade', 'Proxy-Authorization'].map(
    (name): Case => [
      `the header ${name}`,
      rule(`accept: api_key, headers: { inject_user_id: ${name} }`),
      [
        `rules[0].headers.inject_user_id: a hop-by-hop header, which proxies take off; found "${name}", expected the name of a header the service behind may trust`,
      ],
    ],
  ),
  ...['X-Forwarded-For', 'x_forwarded_uri', 'X-Original-URL', 'X-Auth-Status', 'X-Payment-Verified'].map(
    (name): Case => [
      `the header ${name}`,
      rule(`accept: api_key, headers: { inject_user_id: ${name} }`),
      [
        `rules[0].headers.inject_user_id: a header that proxies or Sallyport itself set; found "${name}", expected the name of a header the service behind may trust`,
      ],
    ],
  ),
  [
    'a header that is none',
    rule('accept: api_key, headers: { inject_user_id: "X User" }'),
    [
      'rules[0].headers.inject_user_id: not a header name; found "X User", expected the name of a header the service behind may trust',
    ],
  ],

  // Issuers.
  [
    'two issuers of one name',
    'jwt: { issuers: [{ name: a, issuer: "https://a", audience: x, discovery: true }, { name: a, issuer: "https://b", audience: x, discovery: true }] }',
    ['jwt.issuers[1].name: the same name as jwt.issuers[0].name; found "a"'],
  ],
  [
    'two issuers of one iss',
    'jwt: { issuers: [{ name: a, issuer: "https://a", audience: x, discovery: true }, { name: b, issuer: "https://a", audience: x, discovery: true }] }',
    ['jwt.issuers[1].issuer: the same issuer as jwt.issuers[0].issuer; found "https://a"'],
  ],
  [
    'an issuer without keys',
    issuerWith(''),
    ['jwt: no source of keys; expected exactly one of jwks_url, discovery, public_key, secret'],
  ],
  [
    'an issuer with two sources of keys',
    issuerWith('discovery: true, jwks_url: https://id.example.com/certs'),
    [
      'jwt: more than one source of keys: jwks_url, discovery; expected exactly one of jwks_url, discovery, public_key, secret',
    ],
  ],
  [
    'a shared-secret algorithm with public keys',
    issuerWith('discovery: true, algorithms: [RS256, HS256]'),
    ['jwt.algorithms[1]: does not fit the source of keys; found "HS256", expected no HS algorithm without secret'],
  ],
  [
    'a public-key algorithm with a shared secret',
    issuerWith(`secret: ${secret}, algorithms: RS256`),
    ['jwt.algorithms: does not fit the source of keys; found "RS256", expected HS256, HS384 or HS512 with secret'],
  ],
  [
    'the algorithm none',
    issuerWith('discovery: true, algorithms: none'),
    [
      'jwt.algorithms: not one of the words allowed here; found "none", expected RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA, HS256, HS384 or HS512',
    ],
  ],
  [
    'a short shared secret',
    issuerWith('secret: short'),
    ['jwt.secret: too short; expected at least 32 bytes; make one with: openssl rand -base64 32'],
  ],
  [
    'a public key that is none',
    issuerWith('public_key: "-----BEGIN PUBLIC KEY-----"'),
    ['jwt.public_key: not a key; expected a public key or certificate in PEM'],
  ],
  [
    'a private key for a public one',
    issuerWith(`public_key: ${JSON.stringify(privateKey)}`),
    ['jwt.public_key: a private key; expected the public key'],
  ],
  ['a public key', issuerWith(`public_key: ${JSON.stringify(publicKey)}`), []],
  [
    'discovery from no URL',
    'jwt: { issuer: id, audience: a, discovery: true }',
    ['jwt.issuer: not a URL; found "id", expected the URL that discovery begins at'],
  ],
  [
    'no audience',
    'jwt: { issuer: https://id.example.com, audience: [], discovery: true }',
    ['jwt.audience: empty; expected at least 1'],
  ],
  [
    'a skew of more than five minutes',
    issuerWith('discovery: true, clock_skew: 6m'),
    ['jwt.clock_skew: longer than 5m; found "6m", expected a duration up to 5m'],
  ],

  // Money and keys.
  [
    'one mint twice, spelt differently',
    'cashu: { mints: ["https://Mint.example.com/", "https://mint.example.com"] }',
    ['cashu.mints[1]: the same mint as cashu.mints[0]; found "https://mint.example.com"'],
  ],
  ...['eyJ', 'ey', 'cashu', 'Cashu-', 'cash'].map(
    (prefix): Case => [
      `keys that begin with ${prefix}`,
      `api_keys: { prefix: ${prefix} }`,
      [
        `api_keys.prefix: keys could be taken for JWTs or Cashu tokens; found "${prefix}", expected a prefix such as sk-`,
      ],
    ],
  ),
  [
    'imported keys that begin like a JWT',
    'api_keys: { imported: [old_, eyJ] }',
    ['api_keys.imported[1]: keys could be taken for JWTs or Cashu tokens; found "eyJ", expected a prefix such as sk-'],
  ],
  [
    'imported keys without prefix and length',
    'api_keys: { imported: [{}] }',
    ['api_keys.imported[0]: nothing tells these keys from others; expected a prefix, a length, or both'],
  ],
  [
    'a prefix of seventeen characters',
    `api_keys: { prefix: ${'p'.repeat(17)} }`,
    [`api_keys.prefix: not of the right form; found "${'p'.repeat(17)}", expected 1 to 16 letters, digits, "-" or "_"`],
  ],
  [
    'a short admin token',
    'admin: { token: short }',
    ['admin.token: too short; expected at least 16 characters; make one with: openssl rand -hex 24'],
  ],
  [
    'a short token for reports',
    `admin: { token: ${secret}, usage_token: short }`,
    ['admin.usage_token: too short; expected at least 16 characters; make one with: openssl rand -hex 24'],
  ],

  // Listeners and services.
  [
    'one address for two listeners',
    `admin: { addr: "127.0.0.1:8080", token: ${secret} }`,
    ['admin.addr: the same address as http.addr; found "127.0.0.1:8080"'],
  ],
  [
    'one port on two addresses',
    `http: { addr: "127.0.0.2:8080" }\nadmin: { addr: "127.0.0.1:8080", token: ${secret} }`,
    [],
  ],
  [
    'TLS without certificate',
    'http: { tls: { client_auth: require } }',
    [
      'http.tls: TLS without a certificate; expected both cert_file and key_file',
      'http.tls: asks for client certificates, but trusts no authority; expected client_ca_file',
    ],
  ],
  ['TLS that is off', 'http: { tls: { enabled: false, client_auth: require } }', []],
  [
    'one path for two endpoints',
    'endpoints: { ready: /health }',
    ['endpoints.ready: the same path as endpoints.health; found "/health"'],
  ],
  [
    'an endpoint on the path of decisions',
    'endpoints: { health: /auth/health }',
    [
      'endpoints.health: the path of decisions; found "/auth/health", expected a path that is not below /auth or /.sallyport',
    ],
  ],
  [
    'a policy that is nowhere',
    'policy: { engine: opa_sidecar }',
    ['policy.url: missing; expected url with engine opa_sidecar'],
  ],
  [
    'a strict resolver that verifies nothing',
    'resolver: {}',
    ['resolver: strict, but cannot verify a token; expected secret (JWT_SECRET) or jwks_url'],
  ],
  ['a resolver that is off', 'resolver: { enabled: false }', []],
  [
    'a config service that is not named',
    `resolver: { secret: ${secret}, source: config_service }`,
    ['resolver: takes credentials from a config service, but names none; expected resolver.config_service'],
  ],

  [
    'an integration that is for the same calls as a built-in one',
    `resolver: { secret: ${secret}, integrations: [{ name: mine, paths: [/v1/**], headers: { X-Key: "{{key}}" } }] }`,
    [
      'resolver.integrations[0]: is for requests (localhost/v1/**) that the built-in anthropic is for just as specifically; change hosts, paths or methods of one of them',
      'resolver.integrations[0]: is for requests (127.0.0.1/v1/**) that the built-in anthropic is for just as specifically; change hosts, paths or methods of one of them',
      'resolver.integrations[0]: is for requests ([::1]/v1/**) that the built-in anthropic is for just as specifically; change hosts, paths or methods of one of them',
    ],
  ],
  [
    'an integration in the place of a built-in one',
    `resolver: { secret: ${secret}, integrations: [{ name: anthropic, paths: [/v1/**], headers: { X-Key: "{{key}}" } }], credentials: { anthropic: { key: a } } }`,
    [],
  ],
  [
    'TLS towards a target without TLS',
    'egress: { targets: { a: { url: "http://10.0.0.1", allow_private: true, http2: true, tls: { ca_cert: /ca.pem } } } }',
    [
      'egress.targets.a.http2: needs TLS, and the url is plain http; expected an https url',
      'egress.targets.a.tls: needs TLS, and the url is plain http; expected an https url',
    ],
  ],
  [
    'integrations of equal precedence',
    `resolver: { secret: ${secret}, integrations: [{ name: a, hosts: a.example, headers: { X: "{{k}}" } }, { name: b, hosts: a.example, headers: { X: "{{k}}" } }] }`,
    [
      'resolver.integrations[1]: is for requests (a.example/**) that a is for just as specifically; change hosts, paths or methods of one of them',
    ],
  ],
  [
    'two integrations of one name',
    `resolver: { secret: ${secret}, integrations: [{ name: a, hosts: a.example, headers: { X: "{{k}}" } }, { name: a, hosts: b.example, headers: { X: "{{k}}" } }] }`,
    ['resolver.integrations[1].name: the same name as resolver.integrations[0].name; found "a"'],
  ],
  [
    'headers of an integration that cannot be',
    `resolver: { secret: ${secret}, integrations: [{ name: a, hosts: a.example, headers: { X-A: fixed, X-B: "{{K}}", x-a: "{{k}}", X-Sandbox-JWT: "{{k}}" } }, { name: b, hosts: b.example, headers: {} }] }`,
    [
      'resolver.integrations[0].headers.X-A: has no place for a value, such as {{api_key}}; expected text such as Bearer {{api_key}}',
      'resolver.integrations[0].headers.X-B: {{K}} is no place for a value: {{key}}, or {{basic user password}} with two keys; expected text such as Bearer {{api_key}}',
      'resolver.integrations[0].headers.x-a: the same header as resolver.integrations[0].headers.X-A; found "{{k}}"',
      'resolver.integrations[0].headers.X-Sandbox-JWT: the header that carries the token of the sandbox; expected another header',
      'resolver.integrations[1].headers: adds nothing; expected a header',
    ],
  ],
  [
    'a path that is no pattern',
    `resolver: { secret: ${secret}, integrations: [{ name: a, hosts: a.example, paths: /a/../b, headers: { X: "{{k}}" } }] }`,
    ['resolver.integrations[0].paths: a path has no dot segment; found "/a/../b", expected a pattern such as /v1/**'],
  ],
  [
    'credentials that nobody asks for',
    `resolver: { secret: ${secret}, credentials: { antropic: { api_key: a }, coralogix: { api_kye: a, domain: b } } }`,
    [
      'resolver.credentials.antropic: no integration of this name; expected one of anthropic, coralogix; did you mean "anthropic"?',
      'resolver.credentials.coralogix.api_kye: no header of the integration has a place for it; expected one of api_key, domain',
    ],
  ],
  ...['/', '/auth', '/auth/envoy', '/health', '/.sallyport/x', '/metrics/'].map(
    (prefix): Case => [
      `a resolver under ${prefix}`,
      `resolver: { secret: ${secret}, path_prefix: ${prefix} }`,
      [
        `resolver.path_prefix: answers something else already; found "${prefix}", expected a path of its own such as /resolve, or a listener of its own (resolver.addr)`,
      ],
    ],
  ),
  [
    'a resolver under the path of egress',
    `egress: {}\nresolver: { secret: ${secret}, path_prefix: /ext/resolve }`,
    [
      'resolver.path_prefix: answers something else already; found "/ext/resolve", expected a path of its own such as /resolve, or a listener of its own (resolver.addr)',
    ],
  ],
  [
    'an integration for no host',
    `resolver: { secret: ${secret}, sidecar_hosts: [], integrations: [{ name: a, headers: { X: "{{k}}" } }] }`,
    ['resolver.integrations[0]: is for no host; expected hosts, or resolver.sidecar_hosts'],
  ],
  [
    'TLS of a resolver that has no listener of its own',
    `resolver: { secret: ${secret}, tls: { cert_file: c, key_file: k } }`,
    ['resolver.tls: TLS on a listener that is not there; expected resolver.addr beside it; http.tls is for http.addr'],
  ],
  [
    'TLS of a resolver without a certificate',
    `resolver: { secret: ${secret}, addr: ":9999", tls: {} }`,
    ['resolver.tls: TLS without a certificate; expected both cert_file and key_file'],
  ],
  [
    'a resolver on its own listener, whose prefix counts for nothing',
    `resolver: { secret: ${secret}, addr: ":9999", path_prefix: /auth }`,
    [],
  ],
  // Egress.
  [
    'a route to no target',
    'egress: { targets: { stripe: { url: https://a.example } }, routes: [{ path_prefix: /ext/s, target: strip }] }',
    ['egress.routes[0].target: no target of this name; found "strip", expected one of stripe; did you mean "stripe"?'],
  ],
  [
    'a route outside of endpoints.egress',
    'egress: { targets: { a: { url: https://a.example } }, routes: [{ path_prefix: /extra, target: a }] }',
    [
      'egress.routes[0].path_prefix: is not below endpoints.egress; found "/extra", expected a path below /ext, or a listener of its own by egress.addr',
    ],
  ],
  [
    'a route anywhere, on a listener of its own',
    'egress: { addr: ":9999", targets: { a: { url: https://a.example } }, routes: [{ path_prefix: /, target: a }] }',
    [],
  ],
  [
    'prefixes that no call can have',
    'egress: { targets: { a: { url: https://a.example } }, routes: [{ path_prefix: /ext/a%20b, target: a, strip_prefix: /ext/.., rewrite_prefix: /secret//x }] }',
    [
      'egress.routes[0].path_prefix: a path that no call can have; found "/ext/a%20b", expected a path without dot segments, empty segments, semicolons and escapes, such as /ext/stripe',
      'egress.routes[0].strip_prefix: a path that no call can have; found "/ext/..", expected a path without dot segments, empty segments, semicolons and escapes, such as /ext/stripe',
      'egress.routes[0].rewrite_prefix: a path that no call can have; expected a path without dot segments, empty segments, semicolons and escapes, such as /ext/stripe',
    ],
  ],
  [
    'a target below whose path no call can be',
    'egress: { targets: { a: { url: "https://a.example/v1//b/" }, b: { url: "https://a.example/v1//" } } }',
    [
      'egress.targets.a.url: a path with an empty segment; found "https://a.example/v1//b/", expected single slashes in its path',
    ],
  ],
  [
    'headers whose meaning is not that of a credential',
    `egress: { targets: { ${['Expect', 'cdn-loop', 'Content-Length', 'X-Expect'].map((header, index) => `t${index}: { url: https://a.example, auth: { type: api_key, header: ${header}, key: abc } }`).join(', ')} } }`,
    ['Expect', 'cdn-loop', 'Content-Length'].map(
      (header, index) =>
        `egress.targets.t${index}.auth.header: a header that cannot carry a credential; found "${header}", expected a header name such as X-Custom-Auth-Token`,
    ),
  ],
  [
    'a route from nowhere',
    'egress: { targets: { a: { url: https://a.example } }, routes: [{ target: a }] }',
    ['egress.routes[0]: not one way in; expected exactly one of path_prefix, host'],
  ],
  [
    'an API key for no place',
    target('auth: { type: api_key, key: k }'),
    ['egress.targets.a.auth: not one place for the key; expected exactly one of header, query'],
  ],
  [
    'mTLS without certificate',
    target('auth: { type: mtls }'),
    ['egress.targets.a.auth: mtls without a certificate; expected tls.client_cert and tls.client_key beside it'],
  ],
  [
    'half a certificate',
    target('tls: { client_cert: /c }'),
    ['egress.targets.a.tls: half a client certificate; expected both client_cert and client_key'],
  ],
  [
    'two ways to name credentials',
    target('auth: { type: none }, credentials: [{ type: none }]'),
    ['egress.targets.a: both auth and credentials; expected one of them'],
  ],
  [
    'a service account without key',
    target('auth: { type: gcp_service_account, client_email: a }'),
    ['egress.targets.a.auth: not one service account; expected either credentials, or client_email and private_key'],
  ],
  ...['http://10.0.0.1', 'https://127.1', 'https://[::1]/v1', 'https://localhost:8443', 'https://[fd00::1]'].map(
    (url): Case => [
      `a target at ${url}`,
      `egress: { targets: { a: { url: "${url}" } } }`,
      [
        `egress.targets.a.url: a private address; found "${url}", expected a host of the public internet; to allow it, set allow_private: true on the target`,
      ],
    ],
  ),
  ...[
    'http://169.254.169.254',
    'https://[fe80::1]',
    'https://0.0.0.0',
    'https://[2002:a9fe:a9fe::]',
    'http://2852039166',
  ].map(
    (url): Case => [
      `a target at ${url}, even with allow_private`,
      `egress: { targets: { a: { url: "${url}", allow_private: true } } }`,
      [`egress.targets.a.url: an address that is never connected to; found "${url}", expected another host`],
    ],
  ),
  [
    'a private target that is allowed, a public one, and one of the cluster',
    'egress: { targets: { a: { url: "http://10.0.0.1", allow_private: true }, b: { url: "https://8.8.8.8" }, c: { url: "https://a.b.svc.cluster.local" } } }',
    [],
  ],
  [
    'a target of the cluster to which it is denied',
    'egress: { targets: { a: { url: "https://a.b.svc", allow_private: false } } }',
    [
      'egress.targets.a.url: a private address; found "https://a.b.svc", expected a host of the public internet; to allow it, set allow_private: true on the target',
    ],
  ],
  [
    'a private token endpoint of a public target',
    target(
      'auth: { type: oauth2_client_credentials, token_url: "https://10.0.0.1/token", client_id: a, client_secret: b }',
    ),
    [
      'egress.targets.a.auth.token_url: a private address; found "https://10.0.0.1/token", expected a host of the public internet; to allow it, set allow_private: true on the target',
    ],
  ],
  [
    'a colon in a user name',
    target('auth: { type: basic, username: "a:b", password: c }'),
    ['egress.targets.a.auth.username: a user name of basic authentication has no colon'],
  ],
  [
    'a bearer token that no header can carry',
    target('auth: { type: bearer, token: "{\\n}" }'),
    [
      'egress.targets.a.auth.token: has characters that a header cannot carry; expected visible ASCII characters, with spaces at most inside',
    ],
  ],
  [
    'a key that no header can carry',
    target('auth: { type: api_key, header: X-Key, key: "ключ" }'),
    [
      'egress.targets.a.auth.key: has characters that a header cannot carry; expected visible ASCII characters, with spaces at most inside',
    ],
  ],
  [
    'two credentials in one header',
    target(
      'credentials: [{ type: api_key, header: x_key, key: k }, { type: bearer, token: t }, { type: api_key, header: X-Key, key: l }, { type: basic, username: a, password: b }]',
    ),
    [
      'egress.targets.a.credentials[2]: sets the same header as egress.targets.a.credentials[0]',
      'egress.targets.a.credentials[3]: sets the same header as egress.targets.a.credentials[1]',
    ],
  ],
  [
    'two keys in one query parameter',
    target('credentials: [{ type: api_key, query: key, key: k }, { type: api_key, query: key, key: l }]'),
    ['egress.targets.a.credentials[1]: sets the same query parameter as egress.targets.a.credentials[0]'],
  ],
  [
    'a service account told twice',
    target('auth: { type: gcp_service_account, credentials: "{}", client_email: a }'),
    [
      'egress.targets.a.auth: not one service account; expected either credentials, or client_email and private_key',
      'egress.targets.a.auth.credentials: not the key file of a service account; expected the JSON with client_email and an RSA private_key, as Google gives it',
    ],
  ],
  [
    'a service account whose key is none',
    target(
      'auth: { type: gcp_service_account, client_email: a, private_key: "-----BEGIN PRIVATE KEY-----\\nAAAA\\n-----END PRIVATE KEY-----" }',
    ),
    [
      'egress.targets.a.auth.private_key: not a private key that signs for an account; expected an RSA key of 2048 bits or more, in PEM and without a passphrase',
    ],
  ],
  [
    'a client secret that begins as a private key and is none, with an audience',
    target(
      'auth: { type: oauth2_client_credentials, token_url: "https://id.example/token", client_id: a, client_secret: "-----BEGIN RSA PRIVATE KEY-----\\n", audience: b }',
    ),
    [
      'egress.targets.a.auth.client_secret: not a private key that signs for an account; expected an RSA key of 2048 bits or more, in PEM and without a passphrase',
      'egress.targets.a.auth.audience: an audience beside a private key, which asks for scopes alone',
    ],
  ],
  [
    'an encryption key for tokens that anybody could guess',
    'egress: { token_store: { encryption_key: secret } }',
    [
      'egress.token_store.encryption_key: not a random key; expected at least 32 random bytes in base64 or hex; make one with: openssl rand -base64 32',
    ],
  ],
  [
    'a caller that is nobody',
    target('callers: [{}]'),
    ['egress.targets.a.callers[0]: names nobody; expected at least one of certificate, issuer, source, api_key'],
  ],
  [
    'callers that nobody could ever be',
    `${issuer}egress: { targets: { a: { url: https://a.example, callers: [{ subject: a }, { issuer: user }, { issuer: users, api_key: k }, { certificate: CN=a }] } } }`,
    [
      'egress.targets.a.callers[0]: a subject of no issuer; expected issuer beside subject',
      'egress.targets.a.callers[1].issuer: no issuer of this name; found "user"; did you mean "users"?',
      'egress.targets.a.callers[2]: a caller shows one credential; expected either issuer or api_key; two entries for callers who may have either',
      'egress.targets.a.callers[3].certificate: no certificate is ever seen; expected http.tls with client_ca_file, and client_auth request or require',
    ],
  ],
  [
    'callers by certificate, on the listener of their own',
    `egress: { addr: ":1", tls: { cert_file: c, key_file: k, client_ca_file: a, client_auth: require }, targets: { a: { url: https://a.example, callers: [{ certificate: "uri:spiffe://a" }, { certificate: 'CN=a\\, b,O=c' }] } } }`,
    [],
  ],
  [
    'a certificate that is none',
    target('callers: [{ certificate: orders }]'),
    [
      'egress.targets.a.callers[0].certificate: not a certificate; found "orders", expected a subject such as CN=orders,O=Example, or uri:…, dns:…, sha256:…',
    ],
  ],
  [
    'TLS for a listener of egress that is not there',
    'egress: { tls: { cert_file: c, key_file: k } }',
    ['egress.tls: TLS on a listener that is not there; expected egress.addr beside it; http.tls is for http.addr'],
  ],
  [
    'an authority of certificates that nobody asks for',
    'http: { tls: { cert_file: c, key_file: k, client_ca_file: a } }',
    ['http.tls: trusts an authority, but asks for no certificates; expected client_auth request or require'],
  ],
  [
    'tokens in a Redis that is not named',
    'egress: { token_store: { type: redis } }',
    ['egress.token_store: keeps tokens in Redis, but no Redis is named; add token_store.redis or the redis block'],
  ],
];

for (const [what, yaml, lines] of cases) {
  test(`${what}: ${lines.length === 0 ? 'fine' : 'a problem'}`, () => assert.deepEqual(linesOf(yaml), lines));
}

test('a rule that takes cashu without a price has the default price', () => {
  const { config } = load(
    `cashu: { mints: ["https://mint.example.com"], default_amount: 21 }\n${rule('accept: cashu')}`,
  );
  assert.deepEqual(config.rules[0]?.price, [{ amount: 21, unit: 'sat', mints: [], buys: { requests: 1 } }]);
});
