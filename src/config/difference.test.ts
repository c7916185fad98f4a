import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { differences, needsRestart } from './difference.ts';
import { load, withFolder } from './harness.test.ts';
import { loadConfig } from './load.ts';
import { formatPath } from './path.ts';
import { configSchema } from './schema/config.ts';
import { objectsOf } from './schema-walk.ts';

const token = 'a-token-that-is-long-enough';
const rule = (rest: string) => `rules: [{ name: a, match: { path: /a }, accept: [api_key]${rest} }]`;
const target = (rest: string) =>
  `egress: { targets: { t: { url: "https://t.example.com", auth: { type: bearer, token: "${rest}" } } }, routes: [{ path_prefix: /ext/t, target: t }] }`;
const payout = (above: number) =>
  `cashu: { mints: [{ url: "https://mint.example.com", payout: { above: ${above}, folder: /out } }] }`;

// biome-ignore format: a table is read by its columns
const cases: readonly (readonly [before: string, after: string, paths: readonly string[], restart: boolean])[] = [
  ['',                                        '',                                                     [],                               false],
  [rule(''),                                  rule(''),                                               [],                               false],
  [rule(''),                                  rule(', limits: { per_minute: 5 }'),                    ['rules[0].limits.per_minute'],   false],
  [`admin: { token: ${token} }`,              `admin: { token: ${token}-2 }`,                         ['admin.token'],                  false],
  [`admin: { token: ${token} }`,              `admin: { token: ${token}, addr: "127.0.0.1:9" }`,      ['admin.addr'],                   true],
  ['trusted_proxies: [127.0.0.1]',            'trusted_proxies: [127.0.0.2]',                         ['trusted_proxies[0]'],           false],
  ['',                                        'forwarded_certificates: envoy',                        ['forwarded_certificates.format'], false],
  [target('a'),                               target('b'),                                            ['egress.targets.t.auth.token'],  false],
  ['api_keys: { rate_limit_per_day: 5 }',     'api_keys: { rate_limit_per_day: 6 }',                  ['api_keys.rate_limit_per_day'],  false],
  ['api_keys: { prefix: "a-" }',              'api_keys: { prefix: "b-" }',                           ['api_keys.prefix'],              true],
  ['workers: 1',                              'workers: 2',                                           ['workers'],                      true],
  ['store: "sqlite:a"',                       'store: "sqlite:b"',                                    ['store.path'],                   true],
  [payout(5),                                 payout(6),                                              ['cashu.mints[0].payout.above'],  true],
  ['redis: "redis://:a@h"',                   'redis: "redis://:b@h"',                                ['redis.password'],               true],
];

for (const [before, after, paths, restart] of cases) {
  test(`${before || 'nothing'} → ${after || 'nothing'}: ${restart ? 'needs a restart' : 'can be taken over'}`, () => {
    const found = differences(load(before).config, load(after).config);
    assert.deepEqual(found.map(formatPath), paths);
    assert.equal(found.some(needsRestart), restart);
  });
}

test('a template that is a file differs as a whole, when its text does, and needs a restart', () => {
  const spec = (image: string) =>
    `spec: { containers: [{ name: a, image: ${image}, resources: { requests: { cpu: 1, memory: 1Mi }, limits: { cpu: 1, memory: 1Mi } } }] }`;
  withFolder({ 'a.yaml': 'pods: { template: "file:pod.yaml" }', 'pod.yaml': spec('one') }, (cwd) => {
    const read = () => loadConfig({ path: 'a.yaml', env: {}, cwd }).config;
    const before = read();
    assert.deepEqual(differences(before, read()), []);
    writeFileSync(join(cwd, 'pod.yaml'), spec('two'));
    const found = differences(before, read());
    assert.deepEqual(found.map(formatPath), ['pods.template']);
    assert.ok(found.some(needsRestart));
  });
});

test('a block that comes or goes differs in each of its keys, of which some may need a restart', () => {
  const [without, withAdmin] = [load('').config, load(`admin: { token: ${token} }`).config];
  for (const found of [differences(without, withAdmin), differences(withAdmin, without)]) {
    assert.deepEqual(found.map(formatPath).sort(), ['admin.addr', 'admin.token']);
    assert.ok(found.some(needsRestart));
  }
});

test('what is not known to be built anew needs a restart', () => {
  const anew = [
    'rules',
    'jwt',
    'trusted_proxies',
    'forwarded_certificates',
    'resolver',
    'egress',
    'proxy',
    'policy',
    'vault',
  ];
  const keys = objectsOf(configSchema).flatMap(({ shape }) => Object.keys(shape));
  assert.ok(keys.includes('store'));
  assert.deepEqual(
    keys.filter((key) => !needsRestart([key])),
    keys.filter((key) => anew.includes(key)),
  );
});
