import assert from 'node:assert/strict';
import { test } from 'node:test';
import { modulesOf } from '../../../../test/policy/modules-of.ts';
import { reachable } from './reachable.ts';
import { mentionOf } from './syntax.ts';

const reachedFrom = (query: string, policies: readonly string[]): string[] => {
  return reachable(modulesOf(policies), [query]).map(({ ast }) => {
    const { name = '', path = [] } = mentionOf(ast.package.refr) ?? {};
    return [name, ...path].join('.');
  });
};

// biome-ignore format: a table is read by its columns
const table: readonly (readonly [what: string, rules: string, reached: readonly string[]])[] = [
  ['nothing else',                   'r := 1',                                             ['a']],
  ['a rule of another package',      'r := data.b.x',                                      ['a', 'b', 'b.c']],
  ['a package below',                'r := data.b.c.x',                                    ['a', 'b', 'b.c']],
  ['an import',                      'import data.b\nr := b.x',                            ['a', 'b', 'b.c']],
  ['a name that is not literal',     'r := data[input.x]',                                 ['a', 'b', 'b.c', 'a_test']],
  ['all of it',                      'r := count(data)',                                   ['a', 'b', 'b.c', 'a_test']],
  ['as a value that takes a place',  'r if 1 == 1 with data.x as data.b.x',                    ['a', 'b', 'b.c']],
  ['written otherwise',              'r := data["b"].x',                                   ['a', 'b', 'b.c']],
];

for (const [what, rules, reached] of table)
  test(`files that can have a say where a policy mentions ${what}`, () => {
    const others = ['package b\nx := 1', 'package b.c\nx := 1', 'package a_test\ntest_a if data.a.r'];
    assert.deepEqual(reachedFrom('data.a.r', [`package a\n${rules}`, ...others]), reached);
  });

test('files that others lead to can have a say, and so do all of one package and those below it', () => {
  const policies = [
    'package a\nr := data.b.x',
    'package b\nx := data.c.x',
    'package c\nx := y',
    'package c\ny := 1',
    'package c.d\nz := data.e.x',
    'package e\nx := 1',
    'package f\nx := data.a.r',
  ];
  assert.deepEqual(reachedFrom('data.a.r', policies), ['a', 'b', 'c', 'c', 'c.d', 'e']);
});
