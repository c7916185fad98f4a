import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load } from './harness.test.ts';
import { formatProblem } from './problem.ts';
import { notYet, unavailable } from './unavailable.ts';

const mint = 'cashu: { mints: ["https://mint.example.com"] }\n';
const rule = (keys: string) => `rules: [{ name: a, match: { path: /a }, ${keys} }]`;

/** For each row of the table a file that uses it, and the path that is reported. */
const uses: Readonly<Record<string, readonly [yaml: string, path: string]>> = {};

for (const [where, , feature] of notYet) {
  test(`${feature} (${where}) loads, and is reported as not available yet, with its place`, () => {
    const [yaml, path] = uses[where] ?? assert.fail(`no example of ${where}`);
    const { config, place } = load(yaml);
    const lines = unavailable(config, place).map(formatProblem);
    assert.deepEqual(
      lines.map((line) => line.replace(/:\d+:\d+ /, ' ')),
      [`sallyport.yaml ${path}: ${feature} is not available yet`],
    );
    assert.match(lines[0] ?? '', /^sallyport\.yaml:\d+:\d+ /);
  });
}

for (const yaml of [
  '',
  'store: "sqlite:x"',
  'store: "postgres://u:p@db/x"',
  'redis: "redis://h"',
  'http: { tls: { enabled: false } }',
  'proxy: { enabled: false }',
  'proxy: { auth: { enabled: false } }',
  'egress: { enabled: false }',
  rule('accept: api_key, limits: { per_day: 5 }'),
  mint + rule('accept: cashu, price: { amount: 1, buys: { units: 1 } }'),
]) {
  test(`available: ${yaml || 'the defaults'}`, () => assert.deepEqual(unavailable(load(yaml).config), []));
}

test('what a variable has set is placed at the variable', () => {
  const { place } = load('resolver: {}', { env: { JWT_SECRET: 'vault:secret/data/x#y' } });
  assert.equal(
    formatProblem({ ...place(['resolver', 'secret']), message: 'x' }),
    'environment variable JWT_SECRET resolver.secret: x',
  );
});
