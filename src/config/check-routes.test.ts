import assert from 'node:assert/strict';
import { test } from 'node:test';
import { problemsOf } from './harness.test.ts';
import { formatProblem } from './problem.ts';

const linesOf = (...matches: string[]): string[] =>
  problemsOf(
    `rules:\n${matches.map((match, index) => `  - { name: r${index}, accept: [api_key]${match && `, match: ${match}`} }\n`).join('')}`,
  ).map((problem) => formatProblem(problem).replace(/^sallyport\.yaml:/, ''));

const conflict = 'matches requests that another rule matches just as specifically; see rules[0].match';

for (const [title, matches, expected] of [
  ['two rules of one path', ['{ path: /a }', '{ path: /a/ }'], conflict],
  ['two globs that meet', ['{ path: /a* }', '{ path: "/*b" }'], conflict],
  ['one method in both', ['{ path: /a, methods: [GET] }', '{ path: /a, methods: [GET, POST] }'], conflict],
  ['one host in two spellings', ['{ host: A.example.com }', '{ host: a.example.com }'], conflict],
  ['a star within two stars', ['{ path: "/a**" }'], '** stands for whole segments, as in /a/**'],
  ['two stars twice', ['{ path: "/**/a/**" }'], '** may stand once in a path'],
  ['a dot segment', ['{ path: /a/../b }'], 'a path has no dot segment'],
] satisfies [string, string[], string][]) {
  test(`refused: ${title}`, () => {
    const lines = linesOf(...matches);
    assert.equal(lines.length, 1, lines.join('\n'));
    assert.ok(lines[0]?.includes(expected), lines[0]);
  });
}

for (const [title, matches] of [
  ['a path and a part of it', ['{ path: "/a/**" }', '{ path: /a/b }']],
  ['other methods', ['{ path: /a, methods: [GET] }', '{ path: /a, methods: [POST] }']],
  ['a method and none', ['{ path: /a, methods: [GET] }', '{ path: /a }']],
  ['two rules reached by their names alone', ['', '']],
  ['other hosts', ['{ host: a.example.com }', '{ host: "*.example.com" }']],
] satisfies [string, string[]][]) {
  test(`accepted: ${title}`, () => {
    assert.deepEqual(linesOf(...matches), []);
  });
}
