import assert from 'node:assert/strict';
import { test } from 'node:test';
import { modulesOf } from '../../../../test/policy/modules-of.ts';
import { inputReads } from './input-reads.ts';

const members: readonly (readonly [group: string, member: string])[] = [
  ['request', 'method'],
  ['request', 'path'],
  ['request', 'host'],
  ['request', 'query'],
  ['headers', 'X-A'],
  ['headers', 'X-B'],
  ['source', 'ip'],
  ['egress', 'target'],
];
const everything = members.map(([group, member]) => `${group}.${member}`);
const request = everything.filter((name) => name.startsWith('request.'));
const headers = everything.filter((name) => name.startsWith('headers.'));

const seenBy = (...policies: string[]): string[] => {
  const reads = inputReads(modulesOf(policies));
  return members.filter((member) => reads(...member)).map(([group, member]) => `${group}.${member}`);
};

// biome-ignore format: a table is read by its columns
const table: readonly (readonly [policy: string, seen: readonly string[]])[] = [
  ['a if input.egress.target == "stripe"',                            ['egress.target']],
  ['a := 1',                                                          []],
  ['a if input.request.method == "GET"',                              ['request.method']],
  ['a if input["request"].method == "GET"',                           ['request.method']],
  ['a if input["request"]["path"] == "/"',                            ['request.path']],
  ['a if input.headers["X-A"] == "x"',                                ['headers.X-A']],
  ['a if input.headers[`X-B`] == "x"',                                ['headers.X-B']],
  ['a if input["req\\u0075est"].host == "x"',                         ['request.host']],
  ['a if "x" in input.token.roles',                                   []],
  ['a if input.token.request.path == "/"',                            []],
  ['a if data.request.path == "/"',                                   []],
  ['a := input.request.path[0]',                                      ['request.path']],
  ['a := input.request[k]',                                           request],
  ['a := input.request[input.token.name]',                            request],
  ['a := input.token[input.source.ip]',                               ['source.ip']],
  ['a := data.known[input.request.host].allowed[input.headers["X-A"]]', ['request.host', 'headers.X-A']],
  ['a := input[k].path',                                              everything],
  ['a := input[_]',                                                   everything],
  ['a := input',                                                      everything],
  ['a := object.get(input, "x", 1)',                                  everything],
  ['a := object.get(input.headers, "X-A", "")',                       headers],
  ['a := object.get(input, ["request", "path"], "")',                 everything],
  ['a := x if { [x, _] := walk(input.request) }',                     request],
  ['a := x if { some x in input.headers }',                           headers],
  ['a if { some h, _ in input.headers; h == "X-A" }',                 headers],
  ['a if { every x in input.request { x != "" } }',                   request],
  ['a := [p | p := input.request.path]',                              ['request.path']],
  ['a := {input.request.path: input.source}',                         ['request.path', 'source.ip']],
  ['a contains input.request.query',                                  ['request.query']],
  ['a[input.request.host] := true',                                   ['request.host']],
  ['a[input.request.host].b := true',                                 ['request.host']],
  ['f(x) := input.request.path == x\na if f("/")',                    ['request.path']],
  ['f(input.request.path) := 1\na := f("/")',                         ['request.path']],
  ['default a := false\na if not input.source.ip == "x"',             ['source.ip']],
  ['a if b with input as {"request": {}}\nb if true',                 everything],
  ['a if b with input.request.path as "/"\nb if true',                ['request.path']],
  ['a if b with data.x as input.source.ip\nb if true',                ['source.ip']],
  ['a := 1 if { input.token.x } else := input.source.ip',             ['source.ip']],
  ['a := -input.source.ip',                                           ['source.ip']],
  ['a := input.request.path | {1}',                                   ['request.path']],
  ['import input.request as r\na := r.path',                          request],
  ['import input.request.path\na := path',                            ['request.path']],
  ['import input as i\na := i.source.ip',                             everything],
  ['import input.headers["X-A"] as h\na := h',                        ['headers.X-A']],
];

for (const [policy, seen] of table)
  test(`what a policy can see of a request: ${policy.replaceAll('\n', '; ')}`, () => {
    assert.deepEqual(seenBy(`package p\n${policy}\n`), seen);
  });

test('policies of one directory see what any of them sees', () => {
  const seen = seenBy('package a\nx if input.request.path == "/"', 'package b\ny if input.source.ip == "x"');
  assert.deepEqual(seen, ['request.path', 'source.ip']);
});

test('however deep a mention stands, it is found', () => {
  const deep = `${'['.repeat(20)}input.source.ip${']'.repeat(20)}`;
  assert.deepEqual(seenBy(`package p\na := ${deep}\n`), ['source.ip']);
});
