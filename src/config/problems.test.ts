import assert from 'node:assert/strict';
import { test } from 'node:test';
import { problemsOf } from './harness.test.ts';
import { formatProblem, formatProblems } from './problem.ts';

type Case = readonly [what: string, yaml: string, lines: readonly string[]];

const linesOf = (yaml: string, env = {}): string[] =>
  problemsOf(yaml, { env }).map((problem) => formatProblem(problem).replace(/^sallyport\.yaml:/, ''));

const check = (cases: readonly Case[]): void => {
  for (const [what, yaml, lines] of cases) test(what, () => assert.deepEqual(linesOf(yaml), lines));
};

check([
  // The text itself.
  [
    'an unknown key names the known one it is nearest to',
    'rules:\n  - name: a\n    accept: anonymous\n    match: { pth: /x }',
    ['4:14 rules[0].match.pth: unknown key; did you mean "path"?'],
  ],
  [
    'an unknown key near nothing names all that are known',
    'policy: { path: /p, colour: red }',
    [
      '1:21 policy.colour: unknown key; expected one of engine, path, url, verification_key, verification_algorithm, timeout, max_input_size, expose_reasons',
    ],
  ],
  [
    'a key in the wrong block says where it belongs',
    'http: { jwks_url: x }',
    [
      '1:9 http.jwks_url: unknown key; expected one of addr, read_timeout, write_timeout, max_header_size, max_connections, tls; "jwks_url" is a key of jwt.issuers[], resolver',
    ],
  ],
  [
    'a key that is there twice says where the first is',
    'workers: 1\nhttp: {}\nworkers: 2',
    ['3:1 workers: the key is there twice; the first is in line 1; keep one'],
  ],
  ['a tab that indents', 'http:\n\taddr: ":1"', ['2:1: a tab cannot indent YAML; use spaces']],
  [
    'a second document',
    'workers: 1\n---\nworkers: 2',
    ['2:1: a second YAML document starts here; one file holds one configuration'],
  ],
  [
    'an open quote',
    'store: "sqlite:x',
    ['1:17: something is missing here: a closing quote, a comma, a colon with a space after it, or a "- "'],
  ],
  ['a tag', 'workers: !number 1', ['1:10: unknown tag; write the plain value without "!"']],
  ['an alias of nothing', 'workers: *many', ['1:10 workers: no anchor (&name) of this name comes before the alias']],
  [
    'an alias inside its own anchor',
    'jwt: &a { issuers: *a }',
    [
      '1:20 jwt.issuers.issuers: the alias repeats a block that holds the alias itself',
      '1:20 jwt.issuers: not a list; found a mapping, expected a list',
    ],
  ],
  ['a key that is no text', 'http: { ? [a] : b }', ['1:11 http[""]: not a usable key; a key must be plain text']],
  [
    'a prototype as a key',
    'http: { __proto__: {} }',
    ['1:9 http.__proto__: not a usable key; a key must be plain text'],
  ],
  ['a file that is a list', '- workers: 1', ['1:1: not a mapping; found a list, expected a mapping']],
  ['a key with nothing after it', 'http:\n', ['1:6 http: not a mapping; found nothing, expected a mapping']],

  // Values.
  [
    'a duration without unit',
    'http: { read_timeout: 60 }',
    [
      '1:23 http.read_timeout: a number without unit; found 60, expected a duration such as 500ms, 60s, 1h30m or 7d; write 60s or 60ms',
    ],
  ],
  [
    'a duration of another language',
    'http: { read_timeout: 1.5h }',
    ['1:23 http.read_timeout: not a duration; found "1.5h", expected a duration such as 500ms, 60s, 1h30m or 7d'],
  ],
  [
    'a duration of nothing',
    'http: { read_timeout: 0s }',
    ['1:23 http.read_timeout: shorter than 1ms; found "0s", expected a duration such as 500ms, 60s, 1h30m or 7d'],
  ],
  [
    'a duration over its bound',
    'api_keys: { cache_max_age: 1m }',
    ['1:28 api_keys.cache_max_age: longer than 10s; found "1m", expected a duration up to 10s'],
  ],
  [
    'revoked certificates where none are asked for',
    'grpc: { tls: { cert_file: a, key_file: b, crl_file: c } }',
    ['1:14 grpc.tls: knows revoked certificates, but asks for none; expected client_ca_file'],
  ],
  [
    'a size in thousands',
    'http: { max_header_size: 64KB }',
    ['1:26 http.max_header_size: not a size; found "64KB", expected a size such as 512, 64KiB or 1MiB'],
  ],
  [
    'a number in quotes',
    'workers: "2"',
    ['1:10 workers: not a number; found "2", expected a whole number, from 1 to 1024; write it without quotes'],
  ],
  [
    'a fraction for a whole number',
    'workers: 1.5',
    ['1:10 workers: not a whole number; found 1.5, expected a whole number, from 1 to 1024'],
  ],
  [
    'a number out of range',
    'workers: 0',
    ['1:10 workers: out of range; found 0, expected a whole number, from 1 to 1024'],
  ],
  [
    'a share above one',
    'logger: { sample_allows: 2 }',
    ['1:26 logger.sample_allows: out of range; found 2, expected a number from 0 to 1'],
  ],
  [
    'yes for true',
    'rules: [{ name: a, accept: api_key, headers: { pass_token: yes } }]',
    ['1:60 rules[0].headers.pass_token: not a switch; found "yes", expected true or false'],
  ],
  [
    'a number for text',
    'http: { addr: 8080 }',
    [
      '1:15 http.addr: not text; found 8080, expected an address such as ":8080", "127.0.0.1:8080" or "[::1]:8080"; put the value in quotes',
    ],
  ],
  [
    'a port that is none',
    'http: { addr: ":99999" }',
    [
      '1:15 http.addr: not an address; found ":99999", expected an address such as ":8080", "127.0.0.1:8080" or "[::1]:8080"',
    ],
  ],
  [
    'a word outside the set',
    'logger: { level: verbose }',
    [
      '1:18 logger.level: not one of the words allowed here; found "verbose", expected trace, debug, info, warn, error or fatal',
    ],
  ],
  [
    'a list where a text belongs',
    'http: { addr: [":8080"] }',
    [
      '1:15 http.addr: not the right kind of value; found a list, expected an address such as ":8080", "127.0.0.1:8080" or "[::1]:8080"',
    ],
  ],
  [
    'a line break in a text',
    'rules: [{ name: a, accept: jwt, policy: "a\\nb" }]',
    [
      '1:28 rules[0].accept: accepts jwt, but nobody may issue one; name an issuer under jwt.issuers',
      '1:41 rules[0].policy: holds a line break or another control character; found "a\\nb", expected text',
    ],
  ],
  [
    'a network that is none',
    'trusted_proxies: [10.0.0.0/33]',
    [
      '1:19 trusted_proxies[0]: not a network; found "10.0.0.0/33", expected a range such as 10.0.0.0/8, or one address',
    ],
  ],
  [
    'an address in a shorthand that programs read differently',
    'trusted_proxies: ["010.1"]',
    ['1:19 trusted_proxies[0]: not a network; found "010.1", expected a range such as 10.0.0.0/8, or one address'],
  ],
  [
    'a range with an address inside it',
    'trusted_proxies: [10.1.2.3/8]',
    [
      '1:19 trusted_proxies[0]: an address inside the range, not its beginning; found "10.1.2.3/8", expected a range such as 10.0.0.0/8, or one address; write 10.0.0.0/8, or the address alone',
    ],
  ],
  [
    'a store of another kind',
    'store: mysql://root:pw@db/x',
    ['1:8 store: not a mapping; found text, expected sqlite:PATH | postgres://… or a mapping'],
  ],
  [
    'a URL with a password in it',
    'egress: { targets: { a: { url: "https://me:pw@example.com" } } }',
    [
      '1:32 egress.targets.a.url: a URL that holds a user name or password; found "https://…@example.com", expected a URL such as https://example.com/path',
    ],
  ],
  [
    'a kind of credential that is none',
    'egress: { targets: { a: { url: https://a.example, auth: { type: beerer } } } }',
    [
      '1:65 egress.targets.a.auth.type: unknown kind; found "beerer", expected one of none, bearer, basic, api_key, oauth2_client_credentials, oauth2_refresh_token, gcp_service_account, aws_sigv4, mtls',
    ],
  ],
  [
    'a credential of no kind',
    'egress: { targets: { a: { url: https://a.example, auth: { token: x } } } }',
    [
      '1:51 egress.targets.a.auth.type: missing; expected one of none, bearer, basic, api_key, oauth2_client_credentials, oauth2_refresh_token, gcp_service_account, aws_sigv4, mtls',
    ],
  ],
  [
    'a Vault reference without key',
    'admin: { token: "vault:secret/data/x" }',
    [
      '1:17 admin.token: not a Vault reference; found text, expected text, file:PATH or vault:PATH#KEY; write vault:secret/data/path#key',
    ],
  ],
  [
    'a host with a port',
    'rules: [{ name: a, match: { host: "a.example:80" }, accept: api_key }]',
    [
      '1:35 rules[0].match.host: not of the right form; found "a.example:80", expected a host name such as api.example.com or *.example.com, without scheme and port',
    ],
  ],
  [
    'a method in small letters',
    'rules: [{ name: a, match: { methods: get }, accept: api_key }]',
    [
      '1:38 rules[0].match.methods: not of the right form; found "get", expected an HTTP method in capitals, such as GET',
    ],
  ],
  [
    'a mint with a query',
    'cashu: { mints: ["https://mint.example.com?x"] }',
    ['1:18 cashu.mints[0]: a URL with a query (?…); found "https://mint.example.com?…", expected the URL of a mint'],
  ],

  // Short forms: the path is the one the file writes.
  [
    'a short form is reported where it stands',
    'rules: [{ name: a, accept: api_key, price: -1 }]',
    ['1:44 rules[0].price: out of range; found -1, expected a whole number, 1 or more'],
  ],
  [
    'the single issuer is reported without a list around it',
    'jwt:\n  isuer: https://id.example.com\n  audience: api',
    ['1:1 jwt.issuer: missing; expected text', '2:3 jwt.isuer: unknown key; did you mean "issuer"?'],
  ],

  // Everything at once, in the order of the file.
  [
    'mistakes of every sort come together, and cause no further ones',
    'htpp: {}\nworkers: two\njwt: { issuers: [{ name: users }] }\nrules:\n  - name: Bad\n    accept: api_key\n  - name: twice\n    accept: jwt\n    require: { issuer: users }\n  - { name: twice, accept: [] }\n  - { name: twice, accept: api_key }',
    [
      '1:1 htpp: unknown key; did you mean "http"?',
      '2:10 workers: not a number; found "two", expected a whole number, from 1 to 1024',
      '3:18 jwt.issuers[0].issuer: missing; expected text',
      '3:18 jwt.issuers[0].audience: missing; expected text or a list',
      '5:11 rules[0].name: not of the right form; found "Bad", expected a name of lower-case letters, digits, "-" and "_"',
      '10:28 rules[2].accept: empty; expected at least 1',
      '11:13 rules[3].name: the same name as rules[1].name; found "twice"',
    ],
  ],
]);

test('a problem in a merged block stands where the block is merged', () => {
  const yaml = 'cashu: &c { max_proofs: 1, wrong: 2 }\napi_keys:\n  <<: *c\n';
  assert.deepEqual(linesOf(yaml), [
    '1:28 cashu.wrong: unknown key; expected one of mints, default_amount, request_format, max_proofs, request_timeout, session_lifetime, refunds, payout, debit_once_within, encryption_key, former_encryption_keys, lock',
    '3:7 api_keys.max_proofs: unknown key; expected one of prefix, rate_limit_per_minute, rate_limit_per_day, imported, cache_max_age, cache_size, debit_once_within; "max_proofs" is a key of cashu',
    '3:7 api_keys.wrong: unknown key; expected one of prefix, rate_limit_per_minute, rate_limit_per_day, imported, cache_max_age, cache_size, debit_once_within',
  ]);
});

test('an alias bomb is refused, once and at once', () => {
  const levels = 'abcdefghi'.split('').map((name, index, all) => {
    const below = all[index - 1];
    return `${name}: &${name} [${Array.from({ length: 9 }, () => (below ? `*${below}` : 'x')).join(', ')}]`;
  });
  const begin = performance.now();
  const bombs = linesOf(levels.join('\n')).filter((line) => line.includes('aliases repeat'));
  assert.equal(bombs.length, 1);
  assert.ok(performance.now() - begin < 2000);
});

for (const [what, yaml] of [
  ['brackets', '['.repeat(20_000)],
  ['braces', '{a: '.repeat(20_000)],
  ['lists', `${'- '.repeat(5000)}x`],
  ['closed brackets', `http: ${'['.repeat(500)}${']'.repeat(500)}`],
] as const) {
  test(`thousands of ${what} inside each other are a problem, not a crash`, () => {
    assert.ok(problemsOf(yaml).length > 0);
  });
}

const many = (count: number, line: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => line(index)).join('\n');

for (const [what, yaml] of [
  ['unknown keys', many(50_000, (index) => `k${index}: 1`)],
  ['wrong rules', `rules:\n${many(50_000, () => '- {a: b}')}`],
  ['rules of one name', `rules:\n${many(10_000, () => '- {name: r, accept: api_key, match: {path: /r}}')}`],
  ['aliases', `workers: &a 1\nhttp: [${'*a,'.repeat(50_000)}]`],
  ['references that are not closed', `store: "${'${'.repeat(100_000)}"`],
  ['broken lines', '- a\nb\n'.repeat(20_000)],
] as const) {
  test(`a file of thousands of ${what} is refused in good time, and in few lines`, () => {
    const before = process.cpuUsage();
    const problems = problemsOf(yaml);
    assert.ok(problems.length > 0);
    assert.ok(formatProblems(problems).split('\n').length <= 201);
    const { user, system } = process.cpuUsage(before);
    assert.ok(user + system < 15_000_000, 'quadratic work takes minutes of the processor');
  });
}
