// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the texts under test are references to variables
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { configSchema } from '../schema/config.ts';
import { allKeys } from '../schema-walk.ts';
import { jsonSchema } from './json-schema.ts';
import { descriptionOf } from './keys.ts';
import { configurationReference } from './reference.ts';

const root = join(import.meta.dirname, '../../..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');

type Json = Readonly<Record<string, unknown>>;
const isJson = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);

const typesOf = (value: unknown): string[] => {
  if (value === null) return ['null'];
  if (Array.isArray(value)) return ['array'];
  return Number.isInteger(value) ? ['integer', 'number'] : [typeof value];
};

/** As much of JSON Schema as ours uses. Gives the paths that do not fit; an unknown keyword fails. */
const misfits = (schema: unknown, value: unknown, at = ''): string[] => {
  assert.ok(isJson(schema));
  return Object.entries(schema).flatMap(([keyword, argument]): string[] => {
    const check = keywords[keyword];
    assert.ok(check, `this checker does not know ${keyword}`);
    return check(argument, value, at, schema);
  });
};

type Keyword = (argument: unknown, value: unknown, at: string, schema: Json) => string[];

const unless = (good: boolean, at: string, what: string): string[] => (good ? [] : [`${at}: ${what}`]);
const annotation: Keyword = () => [];
const oneFits: Keyword = (argument, value, at) =>
  unless(Array.isArray(argument) && argument.some((form) => misfits(form, value).length === 0), at, 'fits no form');

const keywords: Readonly<Record<string, Keyword>> = {
  $schema: annotation,
  title: annotation,
  description: annotation,
  default: annotation,
  propertyNames: annotation,
  anyOf: oneFits,
  oneOf: oneFits,
  type: (argument, value, at) =>
    unless(
      [argument].flat().some((type) => typesOf(value).includes(String(type))),
      at,
      `not ${argument}`,
    ),
  const: (argument, value, at) => unless(value === argument, at, `not ${argument}`),
  enum: (argument, value, at) => unless(Array.isArray(argument) && argument.includes(value), at, 'not in the set'),
  pattern: (argument, value, at) =>
    unless(typeof value !== 'string' || new RegExp(String(argument), 'u').test(value), at, 'pattern'),
  minLength: (argument, value, at) =>
    unless(typeof value !== 'string' || value.length >= Number(argument), at, 'short'),
  minimum: (argument, value, at) => unless(typeof value !== 'number' || value >= Number(argument), at, 'small'),
  maximum: (argument, value, at) => unless(typeof value !== 'number' || value <= Number(argument), at, 'large'),
  minItems: (argument, value, at) => unless(!Array.isArray(value) || value.length >= Number(argument), at, 'few'),
  items: (argument, value, at) =>
    Array.isArray(value) ? value.flatMap((item, index) => misfits(argument, item, `${at}[${index}]`)) : [],
  required: (argument, value, at) =>
    isJson(value) && Array.isArray(argument)
      ? argument.flatMap((key) => unless(String(key) in value, at, `lacks ${key}`))
      : [],
  properties: (argument, value, at) =>
    isJson(value) && isJson(argument)
      ? Object.entries(value).flatMap(([key, inner]) =>
          argument[key] === undefined ? [] : misfits(argument[key], inner, `${at}.${key}`),
        )
      : [],
  additionalProperties: (argument, value, at, { properties }) => {
    const extra = isJson(value)
      ? Object.entries(value).filter(([key]) => !(isJson(properties) && key in properties))
      : [];
    return extra.flatMap(([key, inner]) =>
      isJson(argument) ? misfits(argument, inner, `${at}.${key}`) : unless(argument !== false, at, `has ${key}`),
    );
  },
};

const schema: unknown = JSON.parse(jsonSchema());

const seedConfigurations = ['000', '001'].flatMap((seed) =>
  [...read(`test/seeds/${seed}.md`).matchAll(/^```yaml\n([\s\S]*?)^```/gm)]
    .map(([, yaml], index) => [`block ${index + 1} of seed ${seed}`, yaml ?? ''] as const)
    .filter(([, yaml]) => /^(http|egress):/m.test(yaml)),
);

for (const [what, yaml] of [
  ['the starting configuration', read('src/config/template.yaml')] as const,
  ...seedConfigurations,
]) {
  test(`the JSON Schema accepts ${what}`, () => assert.deepEqual(misfits(schema, parse(yaml)), []));
}

for (const yaml of [
  'store: "postgres://u@h/d"',
  'store: { type: sqlite, path: x }',
  'redis: "${REDIS}"',
  'trusted_proxies: 10.0.0.0/8',
  'workers: "${WORKERS}"',
  'rules: [{ name: a, accept: jwt, price: 5 }]',
  'rules: [{ name: a, accept: [cashu], price: { amount: 5, buys: { time: 1h } }, require: { claims: { a: [1, true, x] } } }]',
  'rules: [{ name: a, accept: [cashu], price: [5, { amount: 1, unit: usd, mints: https://mint.example.com }] }]',
  'cashu: { mints: [https://mint.example.com], request_format: both }',
  'rules: [{ name: a, accept: [cashu], price: 5, free: { requests: 5, per: 1d } }]',
  'http: { tls: { min_version: 1.3 }, max_header_size: 512 }',
]) {
  test(`the JSON Schema accepts ${yaml}`, () => assert.deepEqual(misfits(schema, parse(yaml)), []));
}

for (const yaml of [
  'htpp: {}',
  'workers: 0',
  'http: { read_timeout: 60 }',
  'rules: [{ accept: jwt }]',
  'rules: [{ name: a, accept: cashu, price: [{ unit: usd }] }]',
  'rules: [{ name: a, accept: cashu, price: { amount: 0 } }]',
  'store: "mysql://x"',
  'jwt: { isuer: x }',
  'egress: { targets: { a: { url: https://a, auth: { type: beerer } } } }',
]) {
  test(`the JSON Schema refuses ${yaml}`, () => assert.notDeepEqual(misfits(schema, parse(yaml)), []));
}

test('the generated files are fresh, and --check notices one that is not', () => {
  assert.equal(read('docs/configuration.md'), configurationReference());
  assert.equal(read('sallyport.schema.json'), jsonSchema());
  const { status } = spawnSync(process.execPath, ['scripts/docs.ts', '--check'], { cwd: root });
  assert.equal(status, 0);
});

test('every key says what it means', () => {
  const silent = allKeys(configSchema).filter(({ schema: key }) => descriptionOf(key) === '');
  assert.deepEqual(
    silent.map(({ block, name }) => `${block}.${name}`),
    [],
  );
});

test('every key is in the reference', () => {
  const text = configurationReference();
  const absent = allKeys(configSchema).filter(({ name }) => !text.includes(`| \`${name}\` |`));
  assert.deepEqual(
    absent.map(({ block, name }) => `${block}.${name}`),
    [],
  );
});
