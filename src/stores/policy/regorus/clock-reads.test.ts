import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clockReads, type Moment } from './clock-reads.ts';
import { createInstance } from './instance.ts';
import { readModules } from './syntax.ts';

const readIn = (rules: string): readonly Moment[] | undefined => {
  const instance = createInstance();
  const added = instance.addPolicy('ü.rego', `package a\n# Größe: time.now_ns()\n${rules}\n`);
  assert.equal(added.outcome, 'undefined', JSON.stringify(added));
  const syntax = instance.syntax();
  assert.ok(syntax.outcome === 'value');
  return clockReads(readModules(syntax.json));
};

const exp: Moment = { at: ['token', 'exp'], toMs: 1_000 };
const compared = 'input.token.exp > time.now_ns() / 1000000000';

// biome-ignore format: a table is read by its columns
const moments: readonly (readonly [rules: string, read: readonly Moment[]])[] = [
  ['r if input.request.method == "GET"',                             []],
  [`r if ${compared}`,                                               [exp]],
  ['r if time.now_ns() / 1000000000 <= input["token"].exp',          [exp]],
  ['r if time.now_ns() < input.token.exp * 1000000000',              [exp]],
  ['r if time.now_ns() / 1000000 >= input.token.exp_ms',             [{ at: ['token', 'exp_ms'], toMs: 1 }]],
  ['r if time.now_ns() > 1750000000000000000',                       [{ at: 1_750_000_000_000_000_000, toMs: 1e-6 }]],
  [`r if not gone\ngone if ${compared}`,                             [exp]],
  [`r if count([x | some x in [1]; ${compared}]) == 1`,              [exp]],
  [`r if { some x in input.token.roles; x == "a"; ${compared} }`,    [exp]],
  [`r if ${compared}\ns if input.identity.nbf < time.now_ns()`,      [{ at: ['identity', 'nbf'], toMs: 1e-6 }, exp]],
];

for (const [rules, read] of moments)
  test(`moments that the clock is compared with: ${rules.replaceAll('\n', '; ')}`, () => {
    assert.deepEqual(readIn(rules), read);
  });

const otherwise = [
  'r := time.now_ns()',
  'r if now > input.token.exp\nnow := time.now_ns() / 1000000000',
  'r if input.token.exp == time.now_ns() / 1000000000',
  'r if input.token.exp != time.now_ns() / 1000000000',
  'r if input.token.exp > (time.now_ns() / 1000000000) - 5',
  'r if input.token.exp > time.now_ns() / -1000000000',
  'r if input.token.exp > time.now_ns() / input.token.unit',
  'r if 1000000000 / time.now_ns() > input.token.exp',
  'r if input.token.exp + 5 > time.now_ns()',
  'r if input.token[input.request.method] > time.now_ns()',
  'r if input.token.times[0] > time.now_ns()',
  'r if input[x] > time.now_ns()',
  'r if data.until > time.now_ns()',
  'r if time.now_ns() > time.now_ns() / 2',
  'r if time.weekday(time.now_ns()) == "Monday"',
  'r := time.weekday(time["now_ns"]())',
  `r if ${compared}\ns := time.now_ns()`,
  `r if ${compared} with time.now_ns as 5`,
  // What is compared may then be another input.
  `r if s with input as {"token": {"exp": 5}}\ns if ${compared}`,
  `r if s with input.token.exp as 5\ns if ${compared}`,
  `r if s with data.f as 5\ns if ${compared}`,
  `r if { some input; input = {"token": {"exp": 5}}; ${compared} }`,
  `r if { some input in [{"token": {"exp": 5}}]; ${compared} }`,
  `r if { some _, input in [{"token": {"exp": 5}}]; ${compared} }`,
  `r if { every input in [{"token": {"exp": 5}}] { ${compared} } }`,
  `r if { every input, x in [5] { x > 1; ${compared} } }`,
  `r if f({"token": {"exp": 5}})\nf(input) if ${compared}`,
  `r if f([{"token": {"exp": 5}}])\nf([input]) if ${compared}`,
  `r if { [input] := [{"token": {"exp": 5}}]; ${compared} }`,
  `import data.b as input\nr if ${compared}`,
  `import data.b.input\nr if ${compared}`,
];

for (const rules of otherwise)
  test(`the clock is read in another way, or what it is compared with is not sure: ${rules.replaceAll('\n', '; ')}`, () => {
    assert.equal(readIn(rules), undefined);
  });
