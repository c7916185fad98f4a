import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answerOf, engineOf } from './harness.test.ts';

const value = (of: unknown) => ({ outcome: 'value', value: of });

type Case = readonly [says: string, rego: string, answer: unknown, input?: unknown];

const answers: readonly Case[] = [
  ['a boolean', 'allow := true', value(true)],
  ['a number', 'allow := 42', value(42)],
  ['a text, in any script', 'allow := "é, 漢, 😀"', value('é, 漢, 😀')],
  ['null', 'allow := null', value(null)],
  ['a set, in order', 'allow contains x if some x in ["b", "a", "b"]', value(['a', 'b'])],
  ['an object', 'allow := {"allow": true, "reasons": ["a"]}', value({ allow: true, reasons: ['a'] })],
  ['nothing', 'allow if input.there', { outcome: 'undefined' }],
  [
    'nothing where a built-in function cannot do what it is asked',
    'allow if to_number("x") > 1',
    { outcome: 'undefined' },
  ],
  ['the default', 'default allow := false\nallow if input.there', value(false)],
  ['what depends on the input', 'allow if input.who == "é\u2028😀"', value(true), { who: 'é\u2028😀' }],
  ['a comprehension', 'allow := [(n * 2) | some n in input.of]', value([2, 4]), { of: [1, 2] }],
  ['every', 'allow if every n in input.of { n > 0 }', value(true), { of: [1, 2] }],
  ['a regular expression', 'allow if regex.match(`^/a/[0-9]+$`, input.path)', value(true), { path: '/a/12' }],
  ['a glob', 'allow if glob.match("/a/*", ["/"], input.path)', value(true), { path: '/a/b' }],
  ['a version', 'allow if semver.compare(input.version, "1.10.0") > 0', value(true), { version: '1.11.0' }],
  ['a range of addresses', 'allow if net.cidr_contains("10.0.0.0/8", input.ip)', value(true), { ip: '10.1.2.3' }],
  ['an address outside a range', 'allow := net.cidr_contains("10.0.0.0/8", input.ip)', value(false), { ip: '::1' }],
  [
    'a range that is none',
    'allow := net.cidr_contains("10.0.0.0/40", input.ip)',
    { outcome: 'undefined' },
    { ip: '::1' },
  ],
];

for (const [says, rego, expected, input] of answers) {
  test(`a policy may answer ${says}`, async () => {
    assert.deepEqual(await answerOf(rego, input), expected);
  });
}

const noon = Date.UTC(2026, 10, 22, 12, 30);

test('the time of a policy is that of the service', async () => {
  const now = () => noon;
  assert.deepEqual(await answerOf('allow := time.now_ns() / 1000000', {}, { now }), value(noon));
  assert.deepEqual(await answerOf('allow := time.clock(time.now_ns())', {}, { now }), value([12, 30, 0]));
  assert.deepEqual(
    await answerOf('allow := time.clock([time.now_ns(), "Europe/Berlin"])', {}, { now }),
    value([13, 30, 0]),
  );
});

test('a test of a policy can set the time', async () => {
  const rego = 'late if time.now_ns() > 5\nallow if { late with time.now_ns as 6; not late with time.now_ns as 4 }';
  assert.deepEqual(await answerOf(rego), value(true));
});

test('a conflict that an input makes is a failure, with the place in the policy', async () => {
  const answer = await answerOf('allow := 1 if input.a\nallow := 2 if input.b', { a: true, b: true });
  assert.equal(answer.outcome, 'failed');
  assert.match(String(answer.outcome === 'failed' && answer.cause), /a\.rego:\d+:\d+/);
});

test('an input that is no JSON is a failure', async () => {
  const engine = await engineOf({ 'a.rego': 'package a\nallow := true' }, ['data.a.allow']);
  const { outcome } = await engine.evaluate('data.a.allow', '{"a":');
  assert.equal(outcome, 'failed');
});

test('a query that was not loaded is a failure', async () => {
  const engine = await engineOf({ 'a.rego': 'package a\nallow := true\ndeny := true' }, ['data.a.allow']);
  const { outcome } = await engine.evaluate('data.a.deny', '{}');
  assert.equal(outcome, 'failed');
});

test('nesting as deep as JSON allows ends in an answer or a failure, never in a crash', async () => {
  const engine = await engineOf({ 'a.rego': 'package a\nallow if input.a' }, ['data.a.allow']);
  const deep = `{"a":${'['.repeat(30_000)}${']'.repeat(30_000)}}`;
  assert.equal((await engine.evaluate('data.a.allow', deep)).outcome, 'failed');
  assert.deepEqual(await engine.evaluate('data.a.allow', '{"a":1}'), value(true));
});

test('one evaluation leaves nothing behind for the next', async () => {
  const engine = await engineOf({ 'a.rego': 'package a\nallow := input.a' }, ['data.a.allow']);
  assert.deepEqual(await engine.evaluate('data.a.allow', '{"a":1}'), value(1));
  assert.deepEqual(await engine.evaluate('data.a.allow', '{}'), { outcome: 'undefined' });
  assert.deepEqual(await engine.evaluate('data.a.allow', '{"a":2}'), value(2));
});
