// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the texts under test are references to variables
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Secret } from '../core/secret.ts';
import { load, problemsOf } from './harness.test.ts';
import { formatProblem } from './problem.ts';
import { VaultReference } from './reference.ts';

const linesOf = (...parameters: Parameters<typeof problemsOf>): string[] =>
  problemsOf(...parameters).map((problem) => formatProblem(problem).replace(/^sallyport\.yaml:\d+:\d+ /, ''));

const admin = (token: string) => `admin: { token: ${JSON.stringify(token)} }`;
const tokenOf = (...parameters: Parameters<typeof load>): unknown => {
  const token = load(...parameters).config.admin?.token;
  return token instanceof Secret ? token.reveal() : token;
};

for (const [text, milliseconds] of [
  ['500ms', 500],
  ['60s', 60_000],
  ['5m', 300_000],
  ['1h30m', 5_400_000],
  ['1d2h3m4s5ms', 93_784_005],
] as const) {
  test(`the duration ${text} is ${milliseconds} ms`, () => {
    assert.equal(load(`http: { read_timeout: ${text} }`).config.http.read_timeout, milliseconds);
  });
}

for (const [text, bytes] of [
  ['512', 512],
  ['"512"', 512],
  ['512B', 512],
  ['64KiB', 65_536],
  ['1MiB', 1_048_576],
] as const) {
  test(`the size ${text} is ${bytes} bytes`, () => {
    assert.equal(load(`http: { max_header_size: ${text} }`).config.http.max_header_size, bytes);
  });
}

for (const [what, token, env, expected] of [
  ['a variable', '${A}', { A: 'value-of-sixteen' }, 'value-of-sixteen'],
  ['a variable inside a text', 'begin-${A}-${B}-end', { A: 'one', B: 'two' }, 'begin-one-two-end'],
  ['a default for a missing variable', '${A:-default-value-16}', {}, 'default-value-16'],
  ['a default for a variable set to nothing', '${A:-default-value-16}', { A: '' }, 'default-value-16'],
  ['no default for one that is set', '${A:-default-value-16}', { A: 'value-of-sixteen' }, 'value-of-sixteen'],
  ['an empty default', 'value-of-sixteen${A:-}', {}, 'value-of-sixteen'],
  ['an escaped reference', 'literal-$${A}-value', { A: 'no' }, 'literal-${A}-value'],
  ['a value that looks like a reference', '${A}', { A: '${B}-and-more-text' }, '${B}-and-more-text'],
  ['a value that looks like YAML', '${A}', { A: 'a: [1, 2] # "no\'' }, 'a: [1, 2] # "no\''],
  ['dollars that are no reference', '$A costs $5 or so $', { A: 'no' }, '$A costs $5 or so $'],
] as const) {
  test(`${what} is replaced as text`, () => assert.equal(tokenOf(admin(token), { env }), expected));
}

for (const [what, yaml, env, lines] of [
  [
    'a missing variable',
    admin('${TOKEN}'),
    {},
    ['admin.token: the environment variable TOKEN is not set; set TOKEN, or write ${TOKEN:-default}'],
  ],
  [
    'a variable set to nothing',
    admin('${TOKEN}'),
    { TOKEN: '' },
    ['admin.token: the environment variable TOKEN is not set; set TOKEN, or write ${TOKEN:-default}'],
  ],
  [
    'a name that every object has',
    admin('${constructor}'),
    {},
    ['admin.token: the environment variable constructor is not set; set constructor, or write ${constructor:-default}'],
  ],
  [
    'two missing variables in one text',
    admin('${A}${B}'),
    {},
    [
      'admin.token: the environment variable A is not set; set A, or write ${A:-default}',
      'admin.token: the environment variable B is not set; set B, or write ${B:-default}',
    ],
  ],
  [
    'a reference that is none',
    admin('${A.b} is long enough'),
    {},
    ['admin.token: not a variable; expected ${NAME} or ${NAME:-default}; write $${ for a literal ${'],
  ],
  [
    'a reference that is not closed',
    admin('${A is long enough'),
    {},
    ['admin.token: not a variable; expected ${NAME} or ${NAME:-default}; write $${ for a literal ${'],
  ],
  [
    'braces inside braces',
    'http: { addr: ${ADDR} }',
    { ADDR: ':1' },
    ['sallyport.yaml:1:16: a block, a list or a mapping'],
  ],
  [
    'a number in quotes',
    'workers: "${N}"',
    { N: '2' },
    ['workers: not a number; found "${N}", expected a whole number, from 1 to 1024; write ${N} without quotes'],
  ],
  [
    'a word where a number belongs',
    'workers: ${N}',
    { N: 'many' },
    ['workers: not a number; found "${N}", expected a whole number, from 1 to 1024'],
  ],
] as const) {
  test(`${what} is a problem that names its place`, () => {
    const found = linesOf(yaml, { env });
    if (what === 'braces inside braces') {
      assert.ok(
        found.some((line) => line.endsWith('inside {…} and […] a variable needs quotes: "${NAME}"')),
        found.join('\n'),
      );
    } else assert.deepEqual(found, lines);
  });
}

test('an unquoted variable alone fills numbers, switches, durations, sizes and words', () => {
  const yaml = [
    'workers: ${N}',
    'http:\n  read_timeout: ${D}\n  max_header_size: ${S}',
    'logger:\n  level: ${L:-warn}\n  sample_allows: ${F}',
    'rules:\n  - name: a\n    accept: ${ACCEPT}\n    headers:\n      pass_token: ${T}',
  ].join('\n');
  const env = { N: '3', D: '2s', S: '1024', F: '0.5', ACCEPT: 'api_key', T: 'yes' };
  const { workers, http, logger, rules } = load(yaml, { env }).config;
  assert.deepEqual(
    [
      workers,
      http.read_timeout,
      http.max_header_size,
      logger.level,
      logger.sample_allows,
      rules[0]?.accept,
      rules[0]?.headers.pass_token,
    ],
    [3, 2000, 1024, 'warn', 0.5, ['api_key'], true],
  );
});

test('a variable in the place of a kind chooses the kind', () => {
  const yaml =
    'egress:\n  targets:\n    a:\n      url: https://a.example\n      auth:\n        type: ${KIND}\n        token: t';
  assert.equal(load(yaml, { env: { KIND: 'bearer' } }).config.egress?.targets['a']?.auth?.type, 'bearer');
});

test('a secret comes from a file beside the configuration, without its last line break', () => {
  const files = {
    token: 'secret-of-sixteen\n',
    crlf: 'secret-of-sixteen\r\n',
    two: 'first-line-of-two\nsecond',
    empty: '\n',
  };
  assert.equal(tokenOf(admin('file:token'), { files }), 'secret-of-sixteen');
  assert.equal(tokenOf(admin('file:crlf'), { files }), 'secret-of-sixteen');
  assert.equal(tokenOf(admin('file:${NAME}'), { files, env: { NAME: 'token' } }), 'secret-of-sixteen');
  const problems = (token: string) => linesOf(admin(token), { files }).map((line) => line.replace(/\/\S*\//, ''));
  assert.deepEqual(problems('file:two'), [
    'admin.token: the text of two: holds a line break or another control character',
  ]);
  assert.deepEqual(problems('file:empty'), ['admin.token: the text of empty: empty']);
  assert.deepEqual(problems('file:gone'), ['admin.token: gone: no such file; expected a file that holds the value']);
  assert.deepEqual(
    problems('file:.').map((line) => line.slice(0, 12)),
    ['admin.token:'],
  );
  assert.deepEqual(problems('file:'), [
    'admin.token: names no file; found text, expected text, file:PATH or vault:PATH#KEY; write file:name',
  ]);
});

test('a file too large for any secret is refused', () => {
  const [line] = linesOf(admin('file:big'), { files: { big: 'x'.repeat(70_000) } });
  assert.match(line ?? '', /big: larger than 65536 bytes/);
});

test('a private key keeps its line breaks', () => {
  const key = '-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----\n';
  assert.equal(tokenOf(admin('${KEY}'), { env: { KEY: key } }), key);
});

test('a Vault reference keeps its path and key', () => {
  assert.deepEqual(
    tokenOf(admin('vault:secret/data/sallyport#admin')),
    new VaultReference('secret/data/sallyport', 'admin'),
  );
});

for (const [short, long] of [
  ['store: "sqlite:x.db"', 'store: { type: sqlite, path: x.db }'],
  ['redis: "redis://h"', 'redis: { address: "h:6379" }'],
  ['redis: "rediss://u@h:1/3"', 'redis: { address: "h:1", username: u, db: 3, tls: true }'],
  ['trusted_proxies: 10.0.0.1', 'trusted_proxies: [10.0.0.1/32]'],
  ['cashu: { mints: ["https://m.example/"] }', 'cashu: { mints: [{ url: "https://m.example", units: [sat] }] }'],
  [
    'jwt: { issuer: "https://a", audience: b, discovery: true }',
    'jwt: { issuers: [{ name: default, issuer: "https://a", audience: [b], discovery: true }] }',
  ],
  [
    'cashu: { mints: ["https://m.example"] }\nrules: [{ name: a, accept: cashu, price: 5 }]',
    'cashu: { mints: ["https://m.example"] }\nrules: [{ name: a, accept: [cashu], price: [{ amount: 5, unit: sat, mints: [], buys: { requests: 1 } }] }]',
  ],
] as const) {
  test(`${short} is short for the long form`, () => assert.deepEqual(load(short).config, load(long).config));
}

test('passwords in the URLs of stores are secrets', () => {
  const { config } = load('store: "postgres://user:pw-canary@db/x"\nredis: "redis://:p%40w@redis/1"');
  assert.equal(
    config.store.type === 'postgres' && config.store.url instanceof Secret && config.store.url.reveal(),
    'postgres://user:pw-canary@db/x',
  );
  assert.equal(config.redis?.password instanceof Secret && config.redis.password.reveal(), 'p@w');
});

test('anchors, aliases and merge keys repeat blocks', () => {
  const yaml =
    'rules:\n  - &a { name: a, accept: api_key, limits: { per_day: 1 } }\n  - { <<: *a, name: b, limits: { per_day: 2 } }';
  assert.deepEqual(
    load(yaml).config.rules.map(({ name, limits }) => [name, limits]),
    [
      ['a', { per_day: 1 }],
      ['b', { per_day: 2 }],
    ],
  );
});

test('without its variables and secret files a file still checks, and its other mistakes still show', () => {
  const yaml = [
    'admin: { addr: "${ADMIN_ADDR}", token: "${ADMIN_TOKEN}" }',
    'workers: ${WORKERS}',
    'store: "${DATABASE}"',
    'http: { read_timeout: "${TIMEOUT}", addr: ":${PORT:-8080}" }',
    'jwt: { issuer: "https://${HOST}/realm", audience: "${AUDIENCE}", secret: "file:/gone/secret" }',
    'cashu: { mints: ["${MINT}"] }',
    'rules: [{ name: "${NAME}", match: { path: "${PATH_PATTERN}" }, accept: [cashu], price: "${PRICE}" }]',
    'logger: { level: loud }',
  ].join('\n');
  assert.equal(linesOf(yaml).length, 13);
  assert.deepEqual(
    linesOf(yaml, { allowMissingVariables: true }).map((line) => line.slice(0, 15)),
    ['logger.level: n'],
  );
});
