import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load, problemsOf } from './harness.test.ts';
import { formatProblem } from './problem.ts';

const rules = 'rules: [{ name: images, match: { path: /a }, accept: api_key }]\n';

test('what is billed is recorded: a billing block brings usage with its defaults', () => {
  const { config } = load('billing: {}');
  assert.deepEqual(config.usage, load('usage: {}').config.usage);
  assert.equal(load('billing: {}\nusage: { batch_size: 7 }').config.usage?.batch_size, 7);
  assert.equal(load('').config.usage, undefined);
});

for (const [yaml, line] of [
  ['billing: { stripe_url: "http://stripe.example.com" }', /stripe_url: .*in the clear.*expected https/],
  ['billing: { stripe_url: "https://stripe.example.com/v1" }', /stripe_url: has a path/],
  ['billing: { meters: { imges: none } }', /meters\.imges: there is no rule of this name/],
  [`billing: { meter: "${'x'.repeat(101)}" }`, /billing\.meter: longer than 100/],
  ['billing: { window: 30s }', /billing\.window/],
  ['billing: { meters: { images: "" } }', /billing\.meters\.images: empty/],
] as const) {
  test(`${yaml.slice(0, 60)} is refused`, () => {
    const problems = problemsOf(rules + yaml).map(formatProblem);
    assert.equal(problems.length, 1);
    assert.match(problems[0] ?? '', line);
  });
}

for (const yaml of [
  'billing: { stripe_url: "http://127.0.0.1:12111" }',
  'billing: { meters: { images: none }, dry_run: true, late: 0s }',
]) {
  test(`${yaml} loads`, () => assert.deepEqual(problemsOf(rules + yaml), []));
}
