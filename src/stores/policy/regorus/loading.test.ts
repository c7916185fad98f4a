import assert from 'node:assert/strict';
import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { engineOf, type Files, folderOf, loadFolder, problemsOf } from './harness.test.ts';

const allow = ['data.a.allow'];

type Wrong = readonly [what: string, files: Files, problems: readonly (string | RegExp)[], queries?: readonly string[]];

const wrong: readonly Wrong[] = [
  [
    'a bracket that is not closed',
    { 'a.rego': 'package a\nallow if { input.x' },
    ['DIR/a.rego:2:19 | expecting `}` while parsing query | '],
  ],
  [
    'a loop over three variables',
    { 'a.rego': 'package a\nallow if { some i, j, k in [1]; i }' },
    ['DIR/a.rego:2:23 | encountered `k` while expecting `in` | '],
  ],
  [
    'a rule as Rego was before 1.0',
    { 'a.rego': 'package a\nallow { input.x }' },
    [
      'DIR/a.rego:2:7 | `if` keyword is required before rule body | policies are Rego v1: write "if" before the body of a rule',
    ],
  ],
  [
    'a variable of another rule',
    { 'sub/a.rego': 'package a\nx if y := 1\nallow if x == y' },
    [
      /^DIR\/sub\/a\.rego:3:15 \| use of undefined variable `y` is unsafe \| "y" has no value in this rule: give it one here/,
    ],
  ],
  [
    'what is wrong with several files, each by its name',
    { 'a.rego': 'package a\nallow := ', 'b.rego': 'package b\n)' },
    [/^DIR\/a\.rego:/, /^DIR\/b\.rego:2:1 /],
  ],
  [
    'functions that nobody defines, where no empty input gets to',
    {
      'a.rego': 'package a\nf(x) := x\nallow if { input.x; f(1); io.jwt.decode(input.x) }\ndeny if cuont(input.y) > 1',
    },
    [
      /^DIR\/a\.rego:3:\d+ \| there is no function io\.jwt\.decode \|/,
      /^DIR\/a\.rego:4:\d+ \| there is no function cuont \|/,
    ],
  ],
  [
    'a comprehension that reads as a union',
    { 'a.rego': 'package a\nallow := [n * 2 | some n in [1, 2]]' },
    [/^DIR\/a\.rego:2:19 \| unexpected keyword `some` \| in a comprehension what stands before "\|" needs brackets/],
  ],
  [
    'a rule that is defined twice, in two files',
    { 'a.rego': 'package a\nallow := 1', 'b.rego': 'package a\nallow := 2' },
    [/^DIR\/[ab]\.rego:2:1 \| rule conflicts with rule at \S+\/[ab]\.rego:2:1 \| give the two different names/],
  ],
  [
    'a rule that depends on itself',
    { 'a.rego': 'package a\nallow if not deny\ndeny if not allow' },
    [/^DIR\/a\.rego:\d:\d+ \| recursion detected .* \| a rule cannot depend on itself/],
  ],
  [
    'a query for what is not there',
    { 'a.rego': 'package a\nallow := true' },
    ['DIR:0:0 | data.a.alow | no policy has the rule data.a.alow | package a has no rule alow'],
    ['data.a.alow'],
  ],
  [
    'a query for a package that is not there',
    { 'a.rego': 'package a\nallow := true', 'b.rego': 'package b.c\nallow := true' },
    ['DIR:0:0 | data.c.allow | no policy has the rule data.c.allow | ask for a rule of one of the packages a, b.c'],
    ['data.c.allow'],
  ],
  [
    'a query for a package',
    { 'a.rego': 'package a\nallow := true' },
    [/^DIR:0:0 \| data\.a \| data\.a is a package, and no rule \|/],
    ['data.a'],
  ],
  [
    'text that is not UTF-8',
    { 'a.rego': Buffer.from([0x70, 0xff, 0xfe]) },
    ['DIR/a.rego:0:0 | is not text in UTF-8 | save it as UTF-8'],
  ],
  [
    'a directory without a policy',
    { 'data.json': '{}', 'a.txt': 'package a' },
    ['DIR:0:0 | holds no policy | policies are files whose name ends in .rego'],
  ],
  [
    'data that are no JSON',
    { 'a.rego': 'package a\nallow := true', 'data.json': '{\n  "a": 1,\n}' },
    [/^DIR\/data\.json:3:1 \| is not JSON: /],
  ],
  [
    'data that are no YAML',
    { 'a.rego': 'package a\nallow := true', 'b/data.yaml': 'a: 1\nb: [' },
    [/^DIR\/b\/data\.yaml:2:5 \| is not YAML: /],
  ],
  [
    'data at the root that are no object',
    { 'a.rego': 'package a\nallow := true', 'data.json': '[1]' },
    [/^DIR\/data\.json:0:0 \| holds no object/],
  ],
  [
    'data that contradict each other',
    { 'a.rego': 'package a\nallow := true', 'data.json': '{"b":{"c":1}}', 'b/data.json': '{"c":2}' },
    [/^DIR\/(?:b\/)?data\.json:0:0 \| /],
  ],
];

for (const [what, files, expected, queries = allow] of wrong) {
  test(`refused with its place: ${what}`, async () => {
    const problems = await problemsOf(files, queries);
    assert.equal(problems.length, expected.length, problems.join('\n'));
    for (const [index, line] of expected.entries()) {
      const problem = problems[index] ?? '';
      if (typeof line === 'string') assert.equal(problem, line);
      else assert.match(problem, line);
    }
  });
}

test('a directory that is not there is refused', async () => {
  const path = join(await folderOf({}), 'policies');
  assert.deepEqual(await loadFolder(path, allow), {
    problems: [
      {
        file: path,
        line: 0,
        column: 0,
        message: 'there is no such file or directory',
        hint: 'policy.path says where the policies are',
      },
    ],
  });
});

test('data lie where their folders say, from JSON and YAML, whole', async () => {
  const files = {
    'a.rego': 'package a\nallow := [data.top - 12345678901234567889 == 1, data.x.y.deep, data.x.z, data.x.list[1]]',
    'data.json': '{"top": 12345678901234567890}',
    'x/data.yaml': 'z: yes and no\nlist: [1, two]',
    'x/y/data.json': '{"deep": {"é": null}}',
    'x/other.json': '{"z": "of no meaning"}',
  };
  const engine = await engineOf(files, allow);
  assert.deepEqual(await engine.evaluate('data.a.allow', '{}'), {
    outcome: 'value',
    value: [true, { é: null }, 'yes and no', 'two'],
  });
});

test('the rules of a package may stand in several files, and packages use each other', async () => {
  const files = {
    'a.rego': 'package a\nimport data.lib.names\nallow if names.known(input.who)\nallow if also',
    'more/b.rego': 'package a\nalso if input.who == "also"',
    'lib/names.rego': 'package lib.names\nknown(who) if who in {"x", "y"}',
  };
  const engine = await engineOf(files, allow);
  for (const [who, outcome] of [
    ['x', 'value'],
    ['also', 'value'],
    ['z', 'undefined'],
  ] as const) {
    assert.equal((await engine.evaluate('data.a.allow', JSON.stringify({ who }))).outcome, outcome);
  }
});

test('a ConfigMap, in which every name is a link into a hidden folder, is read once', async () => {
  const folder = await folderOf({ '..2026/a.rego': 'package a\nallow := 1' });
  await symlink('..2026', join(folder, '..data'));
  await symlink('..data/a.rego', join(folder, 'a.rego'));
  const loaded = await loadFolder(folder, allow);
  assert.ok('engine' in loaded, JSON.stringify(loaded));
  assert.deepEqual(await loaded.engine.evaluate('data.a.allow', '{}'), { outcome: 'value', value: 1 });
});

test('folders that lead into themselves are refused, not followed for ever', async () => {
  const folder = await folderOf({ 'x/a.rego': 'package a\nallow := 1' });
  await symlink('..', join(folder, 'x', 'up'));
  const loaded = await loadFolder(folder, allow);
  assert.match('problems' in loaded ? (loaded.problems[0]?.message ?? '') : '', /lies deeper than|cannot be read/);
});

test('one file may be named instead of a directory', async () => {
  const folder = await folderOf({ 'a.rego': 'package a\nallow := 1' });
  assert.ok('engine' in (await loadFolder(join(folder, 'a.rego'), allow)));
});
