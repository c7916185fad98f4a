// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the texts under test are references to variables
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { parse, stringify } from 'yaml';
import { problemsOf } from './harness.test.ts';
import { distance, nearest } from './nearest.ts';
import type { Path } from './path.ts';
import type { Problem } from './problem.ts';

const template = readFileSync(new URL('./template.yaml', import.meta.url), 'utf8');
const egress =
  /```yaml\n([\s\S]*?)```/.exec(readFileSync(new URL('../../test/seeds/000.md', import.meta.url), 'utf8'))?.[1] ?? '';
const named = [...egress.matchAll(/\$\{(\w+)\}/g)].map(([, name]) => [name ?? '', 'value']);
const env = { ...Object.fromEntries(named), SALLYPORT_ADMIN_TOKEN: 'a-token-of-more-than-16' };

const assertWellFormed = (problems: readonly Problem[]): void => {
  for (const { file, line, column, message, path } of problems) {
    assert.ok(file !== '' && message !== '' && line >= 0 && column >= 0 && typeof path === 'string');
    assert.ok(!message.includes('undefined') && !message.includes('[object'), message);
  }
};

/** Loading gives a configuration or problems; anything else is thrown out of `problemsOf` and fails the property. */
const loads = (yaml: string | Uint8Array): void => assertWellFormed(problemsOf(yaml, { env }));

const yamlish = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        'http',
        'rules',
        'jwt',
        ':',
        ': ',
        '- ',
        '\n',
        '\n  ',
        '{',
        '}',
        '[',
        ']',
        '"',
        "'",
        '&a ',
        '*a',
        '<<',
        '${',
        '}',
        '#',
        '|',
        '>',
        '\t',
        '!',
        '? ',
        '---\n',
        'null',
        '1',
        'true',
      ),
      fc.string({ unit: 'binary', maxLength: 5 }),
    ),
    { maxLength: 40 },
  )
  .map((parts) => parts.join(''));

test('any text loads or is refused with problems', () =>
  fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 300 }), loads), { numRuns: 300 }));

test('any text of pieces of YAML loads or is refused with problems', () =>
  fc.assert(fc.property(yamlish, loads), { numRuns: 700 }));

test('any bytes load or are refused with problems', () =>
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), loads), { numRuns: 200 }));

const pathsOf = (value: unknown, path: Path = []): Path[] => {
  if (typeof value !== 'object' || value === null) return [path];
  const entries = Array.isArray(value) ? value.map((item, index) => [index, item] as const) : Object.entries(value);
  return [path, ...entries.flatMap(([key, inner]) => pathsOf(inner, [...path, key]))];
};

type Mutation = (value: unknown) => unknown;

const mutated = (value: unknown, [key, ...rest]: Path, mutate: Mutation): unknown => {
  if (key === undefined) return mutate(value);
  if (Array.isArray(value)) return value.map((item, index) => (index === key ? mutated(item, rest, mutate) : item));
  return Object.fromEntries(
    Object.entries(Object(value)).map(([name, inner]) => [name, name === key ? mutated(inner, rest, mutate) : inner]),
  );
};

const word = fc.oneof(
  fc.string({ maxLength: 8 }),
  fc.constantFrom(
    '*',
    '${X}',
    '${SALLYPORT_ADMIN_TOKEN}',
    'file:x',
    'vault:a#b',
    '0s',
    '/**',
    'http://x',
    '__proto__',
    'toString',
  ),
);

const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }).map((other) => () => other),
  word.map((other) => () => other),
  fc.constant((value: unknown) => [value, value]),
  fc.constant(() => undefined),
  fc.tuple(word, fc.jsonValue({ maxDepth: 1 })).map(([key, inner]) => (value: unknown) => ({
    ...Object(value),
    [key]: inner,
  })),
  fc.tuple(word, fc.nat(9)).map(
    ([key, at]) =>
      (value: unknown) =>
        Object.fromEntries(
          Object.entries(Object(value)).map(([name, inner], index) => [index === at ? key : name, inner]),
        ),
  ),
);

for (const [what, text] of [
  ['starting configuration', template],
  ['egress configuration of the seed', egress],
] as const) {
  const valid: unknown = parse(text);
  const paths = pathsOf(valid);
  test(`the ${what}, changed anywhere in any way, loads or is refused with problems`, () => {
    const change = fc.tuple(fc.constantFrom(...paths), mutation);
    const property = fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), (changes) =>
      loads(stringify(changes.reduce((value, [path, mutate]) => mutated(value, path, mutate), valid) ?? null)),
    );
    fc.assert(property, { numRuns: 500 });
  });
}

test('the distance of words is a distance: nothing to itself, the same both ways, at most the longer word', () =>
  fc.assert(
    fc.property(fc.string({ maxLength: 12 }), fc.string({ maxLength: 12 }), (a, b) => {
      assert.equal(distance(a, a), 0);
      assert.equal(distance(a, b), distance(b, a));
      assert.ok(distance(a, b) <= Math.max(a.length, b.length));
      assert.equal(distance(a, b) === 0, a === b);
    }),
  ));

for (const [written, meant] of [
  ['pth', 'path'],
  ['ptah', 'path'],
  ['Path', 'path'],
  ['hots', 'host'],
  ['method', 'methods'],
  ['read-timeout', 'read_timeout'],
  ['x', undefined],
  ['completely_else', undefined],
] as const) {
  test(`"${written}" is taken for ${meant ?? 'nothing'}`, () => {
    assert.equal(nearest(written, ['path', 'host', 'methods', 'read_timeout']), meant);
  });
}
